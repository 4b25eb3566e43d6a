"""Codes of labels by models that are trained on all labels before: what there is to learn, in bits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import Progress

from lightning_infomem.model_information.codelength_settings import CodelengthSettings
from lightning_infomem.model_information.coding_record import CodingRecord
from lightning_infomem.model_information.labeled_data import Data, LabeledData
from lightning_infomem.model_information.learner import Learner, Model
from lightning_infomem.model_information.online_code import OnlineCode, uniform_code_length
from lightning_infomem.offline.content_digests import digest, digest_function, digest_network

__all__ = ["code_from_nats", "code_online", "model_information", "prequential_codelength"]


def prequential_codelength(
    model: Model, data: Data, *, resume: str | Path | None = None, **settings: Any
) -> OnlineCode:
    """Length of the labels' code when each block is coded by the model trained on all blocks before it.

    The shorter the code, the sooner the model learns from these data, from the weights that it has; of weights that
    know the task it is shorter than of random ones. Do not compare codes of other ``blocks``, or take a single seed's
    for more than it is: the first blocks depend on few samples.

    Args:
        model: a LightningModule, a module, or a pair (module, loss), see `Learner`; called with inputs it gives class
            scores or log-probabilities ``[samples, classes]``. It is not changed.
        data: a pair of tensors (inputs, labels), a data set, or a DataLoader; see `LabeledData`. Its order is drawn
            anew by the seed.
        resume: a file, in which every coded block is kept; when it is there, the coding goes on from it, to the same
            result.
        **settings: see `CodelengthSettings`: ``blocks``, ``start``, ``first_block``, ``trainer``, ``seed``, ...

    Returns:
        `OnlineCode`, in bits. With one seed, device and number of threads the same each time; random generators are
        left as they were. A uniform predictor that cannot learn has ``samples * log2(classes)``. Infinite where the
        model rules a label out.

    Raises:
        TypeError: a model without class scores, other data, an unknown setting.
        ValueError: labels beyond the model's classes, more blocks than samples, a cross-entropy that is NaN, or a
            ``resume`` of another coding.

    Cost:
        A training for each block but the first, on all before it but the held-out share: with "orgad" an epoch of all
        trainings together sees 2.05 times the samples, with "voita" once, less that share.

    Reference:
        Dawid 1984, Statistical theory: the prequential approach; Blier & Ollivier 2018, The description length of deep
        learning models, section 3.4.

    >>> inputs, labels = torch.eye(4).repeat(100, 1), torch.arange(4).repeat(100)
    >>> learns = torch.nn.Linear(4, 4)
    >>> code = prequential_codelength(learns, (inputs, labels), learning_rate=0.1, max_epochs=20, progress=False)
    >>> code.uniform_code_length, code.code_length < 200
    (800.0, True)
    """
    chosen = CodelengthSettings(**settings)
    return code_online(Learner(model, chosen), LabeledData.of(data, chosen), resume=resume)


def model_information(model: Model, data: Data, *, resume: str | Path | None = None, **settings: Any) -> OnlineCode:
    """The online code of labels, and what they cost once the model is known: the difference is in the model.

    Arguments, errors and cost are those of `prequential_codelength`; one more training, on all samples, comes to it.

    Returns:
        `OnlineCode` with ``model_bits``: the length of the code minus the cross-entropy of the same labels under the
        model trained on all of them.

    Reference:
        Model information as an analysis tool in deep learning (ICLR 2021 submission), eq. 1.
    """
    chosen = CodelengthSettings(**settings)
    return code_online(Learner(model, chosen), LabeledData.of(data, chosen), resume=resume, final=True)


def code_online(
    learner: Learner,
    data: LabeledData,
    *,
    resume: str | Path | None = None,
    final: bool = False,
    description: str = "coding",
) -> OnlineCode:
    """The online code of labels by any learner.

    Args:
        learner: trained on ever more samples.
        data: in the order of coding.
        resume: see `prequential_codelength`.
        final: train once more, on all, and code all by that.
        description: beside the bar.
    """
    settings = learner.settings
    sizes = settings.sizes(len(data))
    num_classes = learner.count_classes(data)
    record = None if resume is None else CodingRecord(resume, _content(learner, data, final))
    nats: list[float] = []
    if record is not None:
        nats = list(record.nats)
        learner.load_state(record.weights)
    seeds = torch.randint(2**31, (len(sizes) + 1,), generator=torch.Generator().manual_seed(settings.seed)).tolist()
    ends = torch.tensor(sizes).cumsum(0).tolist()
    parts = [(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    if final:
        parts.append((0, len(data)))
    with Progress(console=Console(stderr=True), transient=True, disable=not settings.progress) as progress:
        bar = progress.add_task(description, total=len(parts), completed=len(nats))
        for place in range(len(nats), len(parts)):
            start, stop = parts[place]
            is_last = place == len(sizes)
            try:
                if place:
                    learner.fit(data, stop if is_last else start, seed=seeds[place])
                    nats.append(learner.code(data, start, stop))
                elif settings.first_block == "model":
                    nats.append(learner.code(data, start, stop))
                else:
                    nats.append(uniform_code_length(stop, num_classes) * math.log(2))
            except ValueError as fault:
                raise ValueError(f"block {place + 1} of {len(parts)}: {fault}") from fault
            if record is not None:
                record.write(nats, learner.state())
            progress.advance(bar)
    return code_from_nats(nats, settings, sizes, num_classes)


def code_from_nats(
    nats: Sequence[float], settings: CodelengthSettings, sizes: Sequence[int], num_classes: int
) -> OnlineCode:
    """Of the nats of all blocks, and, where there is one more, of all data by the last model."""
    bits = [each / math.log(2) for each in nats]
    if settings.first_block == "uniform":
        bits[0] = uniform_code_length(sizes[0], num_classes)
    return OnlineCode(
        num_classes=num_classes,
        block_sizes=tuple(sizes),
        block_bits=tuple(bits[: len(sizes)]),
        final_data_bits=bits[-1] if len(bits) > len(sizes) else None,
        settings=settings.state(),
    )


def _content(learner: Learner, data: LabeledData, final: bool) -> str:
    """Of everything that the code depends on, as far as it can be read."""
    network = learner.network
    steps = [getattr(network, name, None) for name in ("training_step", "configure_optimizers")]
    training = [digest_function(each) for each in (learner.loss, *steps) if each is not None]
    content = [learner.settings.state(), final, data.digest(), digest_network(network), training, network.state_dict()]
    return digest(content)
