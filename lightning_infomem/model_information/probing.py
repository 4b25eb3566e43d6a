"""How much a small classifier, trained on representations, shortens the code of a property of the inputs."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lightning_infomem._checks import check_choice, check_classes, check_count, check_samples, describe
from lightning_infomem.model_information.online_code import OnlineCode, block_sizes, online_code

__all__ = ["MDLProbe"]

_LEARNING_RATE = 1e-3  # of AdamW, with its default weight decay
_TOLERANCE = 1e-3  # nats, summed over the validation samples: a smaller fall of the loss is none
_CHUNK = 4096  # samples coded at a time


@dataclass(frozen=True)
class MDLProbe:
    """Probes of minimum description length: the same small classifier trained anew for each block of an online code.

    Defaults are those of the reference.

    Args:
        schedule: of the blocks; see `block_sizes`. "voita" needs 1000 samples, "orgad" 50.
        kind: "mlp" is ``units -> units // 2``, tanh, ``-> classes``; "linear" is ``units -> classes``.
        seed: of the order of the samples and of initial weights.
        max_epochs: of each training.
        batch_size: of each training.
        patience: epochs without a fall of the validation loss that are borne; the next one ends the training.

    Reference:
        Voita and Titov (2020), Information-Theoretic Probing with Minimum Description Length, EMNLP; Orgad,
        Goldfarb-Tarrant and Belinkov (2022), How Gender Debiasing Affects Internal Model Representations, and Why It
        Matters, NAACL, whose probe and training this is. We depart from their released program in three things: all
        lengths are bits; classes are counted in the labels, not in the predictions; of the epochs the best is kept
        where training stops early, not the last.
    """

    schedule: str | Sequence[float] = "orgad"
    kind: str = "mlp"
    seed: int = 0
    max_epochs: int = 50
    batch_size: int = 16
    patience: int = 4

    def __post_init__(self) -> None:
        block_sizes(1, self.schedule)
        check_choice(self.kind, name="kind", choices=("mlp", "linear"))
        check_count(self.seed, name="seed", minimum=0)
        check_count(self.max_epochs, name="max_epochs")
        check_count(self.batch_size, name="batch_size")
        check_count(self.patience, name="patience", minimum=0)

    def fit_code(
        self, representations: Tensor, labels: Tensor, *, validation: tuple[Tensor, Tensor] | None = None
    ) -> OnlineCode:
        """Code the labels online, given the representations.

        Do not take a compression near 1 without ``validation`` for a sign that labels are unrelated to the
        representations: probes then train for ``max_epochs``, and those that fit noise code worse than no probe.

        Args:
            representations: ``[samples, units]``, floating point, finite, any device; the probe is trained there, in
                float32, on the values as they are.
            labels: int64 ``[samples]``, class numbers from 0 of which none is missing, same device.
            validation: representations and labels of other samples, which decide when each training stops; their cost
                is not counted.

        Returns:
            `OnlineCode`. The same for the same seed, input and device, up to rounding, which differs with the number
            of threads; random generators are left as they were, and so is the input. Labels that are unrelated to the
            representations have a compression of at most about ``log2(classes)`` over their entropy in bits: 1 where
            all classes are as frequent, more where some are rare.

        Raises:
            TypeError: no floating-point representations, or labels that are not int64.
            ValueError: wrong shapes, unlike lengths, widths or devices, values that are not finite in float32,
                class numbers that are negative, missing or unknown, a single class, or too few samples for a first
                block.

        Cost:
            A training for each block but the first, at most ``max_epochs`` passes over what is before it; with either
            schedule all trainings together see 1 to 2 times ``samples`` an epoch. Memory a copy of the input.

        >>> labels = torch.arange(400) % 2
        >>> code = MDLProbe(max_epochs=5).fit_code(10 * torch.eye(8)[labels], labels)  # they tell it outright
        >>> code.uniform_code_length, code.compression > 1.4
        (400.0, True)
        """
        _check_pair(representations, labels)
        num_classes = _count_classes(labels)
        sizes = block_sizes(len(labels), self.schedule)
        if sizes[0] == 0:
            raise ValueError(
                f"labels: at least one sample in the first block of schedule {self.schedule!r} is required, got "
                f"{len(labels)} samples in all; give more, or a schedule that starts later."
            )
        if validation is not None:
            _check_validation(validation, representations, num_classes)
        # A caller inside torch.no_grad or inference_mode, as hooks and callbacks are, may still train a probe.
        with torch.inference_mode(False), torch.enable_grad():
            generator = torch.Generator().manual_seed(self.seed)
            order = torch.randperm(len(labels), generator=generator).to(labels.device)
            samples = (representations.detach().float()[order], labels[order])
            held_out = None if validation is None else (validation[0].detach().float().clone(), validation[1].clone())
            losses = []
            end = sizes[0]
            for size in sizes[1:]:
                if size:
                    probe = self._new_probe(samples[0].shape[1], num_classes, generator).to(labels.device)
                    self._train(probe, (samples[0][:end], samples[1][:end]), held_out)
                    losses.append(_summed_loss(probe, samples[0][end : end + size], samples[1][end : end + size]))
                else:
                    losses.append(0.0)
                end += size
        return online_code(losses, block_sizes=sizes, num_classes=num_classes)

    def _new_probe(self, num_units: int, num_classes: int, generator: torch.Generator) -> nn.Module:
        """With the weights that torch's layers start with, but drawn from a generator of our own."""
        hidden = max(1, num_units // 2)
        widths = [(num_units, num_classes)] if self.kind == "linear" else [(num_units, hidden), (hidden, num_classes)]
        layers: list[nn.Module] = []
        for fan_in, fan_out in widths:
            layer = nn.Linear(fan_in, fan_out, device="meta").to_empty(device="cpu")
            for parameter in layer.parameters():
                nn.init.uniform_(parameter, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in), generator=generator)
            layers += [layer, nn.Tanh()]
        return nn.Sequential(*layers[:-1])

    def _train(self, probe: nn.Module, seen: tuple[Tensor, Tensor], held_out: tuple[Tensor, Tensor] | None) -> None:
        """Fit the probe to what was seen, and leave in it the best of its epochs, or the last."""
        optimizer = torch.optim.AdamW(probe.parameters(), lr=_LEARNING_RATE)
        best, best_loss, borne = None, math.inf, 0
        for _ in range(self.max_epochs):
            # Batches in the same order every epoch, and losses summed over a batch, as in the reference.
            for rows, classes in zip(*(torch.split(part, self.batch_size) for part in seen), strict=True):
                optimizer.zero_grad()
                torch.autograd.backward(cross_entropy(probe(rows), classes, reduction="sum"))
                optimizer.step()
            if held_out is None:
                continue
            loss = _summed_loss(probe, *held_out)
            if loss <= best_loss - _TOLERANCE:
                best, best_loss, borne = copy.deepcopy(probe.state_dict()), loss, 0
            else:
                borne += 1
                if borne > self.patience:
                    break
        if best is not None:
            probe.load_state_dict(best)


def _summed_loss(probe: nn.Module, rows: Tensor, classes: Tensor) -> float:
    """Cross-entropy in nats, summed in float64."""
    with torch.no_grad():
        parts = zip(torch.split(rows, _CHUNK), torch.split(classes, _CHUNK), strict=True)
        return math.fsum(cross_entropy(probe(some).double(), them, reduction="sum").item() for some, them in parts)


def _check_pair(representations: Tensor, labels: Tensor, *, of: str = "") -> None:
    check_samples(representations, name=f"{of}representations")
    check_classes(labels, name=f"{of}labels", paired=representations)
    unusable = int((~representations.detach().float().isfinite().all(1)).sum())
    if unusable:
        raise ValueError(
            f"{of}representations: values that are finite in float32 are required, got {unusable} of "
            f"{len(representations)} rows with others; leave those rows out, or scale the values down."
        )


def _count_classes(labels: Tensor) -> int:
    present, highest = torch.unique(labels), int(labels.amax())
    if len(present) < 2:
        raise ValueError(
            f"labels: at least two different classes are required, got only class {highest}; a property that never "
            "varies needs no code."
        )
    # A number that nobody has would make the uniform code longer, and every compression better.
    if len(present) <= highest:
        raise ValueError(
            f"labels: each class number from 0 to the highest ({highest}) is required to occur, got only "
            f"{len(present)} different ones; number them with torch.unique(labels, return_inverse=True)[1]."
        )
    return highest + 1


def _check_validation(validation: object, representations: Tensor, num_classes: int) -> None:
    if not isinstance(validation, tuple) or len(validation) != 2:
        raise TypeError(
            f"validation: a pair (representations, labels) or None is required, got {describe(validation)}; "
            "give both as a tuple."
        )
    held_out, labels = validation
    _check_pair(held_out, labels, of="validation ")
    if held_out.shape[1] != representations.shape[1] or held_out.device != representations.device:
        raise ValueError(
            f"validation representations: {representations.shape[1]} units on {representations.device} are required, "
            f"as of representations, got {describe(held_out)}; take them from the same layer."
        )
    if int(labels.amax()) >= num_classes:
        raise ValueError(
            f"validation labels: class numbers below {num_classes}, as in labels, are required, got "
            f"{int(labels.amax())}; leave out classes that no probe can learn."
        )
