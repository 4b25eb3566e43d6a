"""Bias in Bios: predict professions from biographies in which gender reveals some of them too."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from examples.paper.experiment import Experiment
from examples.paper.group_gaps import group_gaps
from examples.paper.layouts.biosbias import read_biographies
from examples.paper.networks.text import SmallText
from examples.paper.text_data import TextData, TextModel
from lightning_infomem.model_information.probing import MDLProbe
from lightning_infomem.sampling.reading import read_network

__all__ = ["EXPERIMENT", "LEVELS", "BiasInBios", "balance", "bias_in_bios", "judge"]

LEVELS = tuple(f"{text}, {balance}" for text in ("raw", "scrubbed") for balance in ("original", "over", "sub"))
_TEST_SHARE, _DEV_SHARE = 0.25, 0.1


def balance(labels: Tensor, genders: Tensor, generator: torch.Generator, *, oversample: bool) -> Tensor:
    """Select indices of examples so that each label has equally many of both genders.

    Args:
        labels: int64 ``[examples]``.
        genders: int64 ``[examples]``, 0 or 1.
        generator: Random generator.
        oversample: Whether to draw the rarer gender with replacement until both are equally frequent. Otherwise
            examples of the more frequent gender are left out.

    Returns:
        int64 indices. A label that occurs with one gender only is unchanged by oversampling and removed by subsampling.

    >>> labels, genders = torch.tensor([0, 0, 0, 0, 1, 1]), torch.tensor([0, 0, 0, 1, 0, 1])
    >>> genders[balance(labels, genders, torch.Generator(), oversample=True)].bincount().tolist()
    [4, 4]
    >>> genders[balance(labels, genders, torch.Generator(), oversample=False)].bincount().tolist()
    [2, 2]
    """
    places = []
    for label in labels.unique():
        groups = [((labels == label) & (genders == gender)).nonzero()[:, 0] for gender in (0, 1)]
        sizes = [len(group) for group in groups]
        for group in groups:
            if oversample and len(group):
                drawn = torch.randint(len(group), (max(sizes) - len(group),), generator=generator)
                places += [group, group[drawn]]
            else:
                places.append(group[torch.randperm(len(group), generator=generator)[: min(sizes)]])
    return torch.cat(places)


class BiasInBios(TextData):
    """Biographies, raw or scrubbed of gender, with balanced or unbalanced training; ``level`` is an index in `LEVELS`.

    A quarter of each profession is held out, and a tenth, on which the published programs choose checkpoints, is left
    out; the rest is for training. Levels share this split, and the held-out biographies are never balanced. They are
    also the probe, as the network reads them: all levels measure the same biographies, raw or scrubbed.

    Attributes:
        genders: int64, genders in ``validation_set``: 0 male, 1 female.

    Reference: Orgad et al. (2022), How Gender Debiasing Affects Internal Model Representations, and Why It Matters.
    """

    def build(self) -> None:
        """Read the biographies, split and balance them."""
        biographies = read_biographies(self.data_root)
        kind, balancing = LEVELS[int(self.level)].split(", ")
        labels, genders = torch.from_numpy(biographies.labels), torch.from_numpy(biographies.genders)
        self.num_classes = len(biographies.professions)
        training, held_out = self._split_by_profession(labels)
        texts = biographies.raw if kind == "raw" else biographies.scrubbed
        training_texts = [texts[place] for place in training]
        self.encode = self.text.encoder(training_texts)
        kept = torch.arange(len(training))
        if balancing != "original":
            kept = balance(labels[training], genders[training], self.draws, oversample=balancing == "over")
        validation = self.encode([texts[place] for place in held_out])
        self.train_set = TensorDataset(self.encode(training_texts)[kept], labels[training][kept])
        self.validation_set = TensorDataset(validation, labels[held_out])
        self.probe_set = TensorDataset(validation)
        self.genders = genders[held_out]

    def _split_by_profession(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        drawn = torch.randperm(len(labels), generator=self.draws)[: self.text.max_texts]
        training, held_out = [], []
        for label in labels[drawn].unique():
            members = drawn[labels[drawn] == label]
            num_test, num_dev = round(_TEST_SHARE * len(members)), round(_DEV_SHARE * len(members))
            held_out.append(members[:num_test])
            training.append(members[num_test + num_dev :])
        return torch.cat(training), torch.cat(held_out)


def judge(network: nn.Module, data: BiasInBios) -> dict[str, float]:
    """Measure how well professions are predicted, how this differs between genders, and how well a probe reads gender.

    The probe reads the output of the last block at the CLS token for the held-out biographies; every fifth of them is
    used for early stopping. The published programs probe the training biographies.

    Returns:
        ``validation_accuracy``; sums over professions of gaps between genders, ``tpr_gap``, ``fpr_gap``,
        ``separation_gap`` and ``sufficiency_gap`` (see `group_gaps`); ``compression`` of gender (see `MDLProbe`).
    """
    predictions, states = _run(network, data)
    labels = data.validation_set.tensors[1]
    gaps = group_gaps(predictions, labels, data.genders)
    order = torch.randperm(len(states), generator=torch.Generator().manual_seed(data.seed))
    stop, coded = order[::5], order[torch.arange(len(order)) % 5 > 0]
    code = MDLProbe(seed=data.seed).fit_code(
        states[coded], data.genders[coded], validation=(states[stop], data.genders[stop])
    )
    return {
        "validation_accuracy": (predictions == labels).double().mean().item(),
        "tpr_gap": gaps.true_positive_gap,
        "fpr_gap": gaps.false_positive_gap,
        "separation_gap": gaps.separation_gap,
        "sufficiency_gap": gaps.sufficiency_gap,
        "compression": code.compression,
    }


def _run(network: nn.Module, data: BiasInBios) -> tuple[Tensor, Tensor]:
    """Return predicted classes and last-block outputs at the CLS token for the probe, on the CPU."""
    predictions: list[Tensor] = []
    states: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: Tensor | tuple[Tensor, ...]) -> None:
        states.append((output if isinstance(output, Tensor) else output[0])[:, 0].cpu())

    first_batch = next(iter(data.probe_dataloader()))
    *_, last = read_network(network, first_batch).layers
    device, was_training = next(network.parameters()).device, network.training
    network.eval()
    with torch.no_grad(), network.get_submodule(last).register_forward_hook(keep):
        for (inputs,) in data.probe_dataloader():
            predictions.append(network(inputs.to(device)).argmax(1).cpu())
    network.train(was_training)
    return torch.cat(predictions), torch.cat(states)


def bias_in_bios(text: TextModel) -> Experiment:
    """Make the experiment with the network that ``text`` gives."""
    return Experiment(
        name="bias-in-bios",
        title="Bias in Bios",
        memorization="heuristic",
        level_name="data",
        levels=tuple(map(float, range(len(LEVELS)))),
        data=partial(BiasInBios, text=text),
        network=text.network,
        recipe=text.recipe,
        pooling="cls",
        judge=judge,
        needs="BIOS.pkl, made by the published programs of Bias in Bios",
        level_labels=LEVELS,
    )


EXPERIMENT = bias_in_bios(SmallText())
