"""Prequential code of labels: each block is coded by a model trained on all blocks before it."""

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
    """Compute the prequential code length of labels: each block is coded by a model trained on all earlier blocks.

    The code is shorter the faster the model learns these data from its current weights; weights that already know the
    task give a shorter code than random ones. Do not compare codes with different ``blocks``, and do not rely on a
    single seed: the first blocks depend on few samples.

    Args:
        model: A LightningModule, a module, or a pair (module, loss); see `Learner`. It must map the inputs to class
            scores or log-probabilities ``[samples, classes]``. It is not modified.
        data: A pair of tensors (inputs, labels), a dataset, or a DataLoader; see `LabeledData`. The seed determines
            the order of the samples.
        resume: Progress file that stores every coded block. If it exists, coding resumes from it with the same result.
        **settings: See `CodelengthSettings`: ``blocks``, ``start``, ``first_block``, ``trainer``, ``seed``, ...

    Returns:
        `OnlineCode`, in bits. The result is reproducible for a fixed seed, device and number of threads; random
        generators are left unchanged. A uniform predictor that cannot learn costs ``samples * log2(classes)``. The
        length is infinite if the model gives a label probability 0.

    Raises:
        TypeError: The model returns no class scores, the data have another form, or a setting is unknown.
        ValueError: A label is outside of the model's classes, there are too few samples, the cross-entropy is NaN, or
            ``resume`` belongs to another coding.

    Cost:
        One training for each block but the first, on all earlier samples but the held-out share. One epoch of all
        trainings together sees 2.05 times the samples with "orgad" and once with "voita", minus that share.

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
    """Estimate the information in a model: the online code length minus the cost of the labels given the model.

    Do not compare models coded with different ``blocks``, and do not rely on a single seed.

    Args:
        model: See `prequential_codelength`.
        data: See `prequential_codelength`.
        resume: See `prequential_codelength`.
        **settings: See `CodelengthSettings`.

    Returns:
        `OnlineCode` with ``model_bits``: the code length minus the cross-entropy of the same labels under the model
        trained on all of them.

    Raises:
        TypeError, ValueError: See `prequential_codelength`.

    Cost:
        The cost of `prequential_codelength` plus one training on all samples.

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
    """Code labels online with any learner.

    Args:
        learner: Learner to train on a growing number of samples.
        data: Samples in coding order.
        resume: Progress file; see `prequential_codelength`.
        final: Also train on all samples, and code all of them with the resulting model.
        description: Text next to the progress bar.
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
    """Build the code from the nats of all blocks, optionally followed by those of all data under the final model."""
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
    """Return a digest of everything the code depends on, as far as it can be read."""
    network = learner.network
    steps = [getattr(network, name, None) for name in ("training_step", "configure_optimizers")]
    training = [digest_function(each) for each in (learner.loss, *steps) if each is not None]
    content = [learner.settings.state(), final, data.digest(), digest_network(network), training, network.state_dict()]
    return digest(content)
