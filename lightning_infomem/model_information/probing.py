"""MDL probing: how much a small classifier trained on representations shortens the code of a property of the inputs."""

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
_TOLERANCE = 1e-3  # nats, summed over the validation samples: a smaller decrease is no improvement
_CHUNK = 4096  # samples coded at a time


@dataclass(frozen=True)
class MDLProbe:
    """Minimum description length (MDL) probe: a small classifier trained anew for each block of an online code.

    The defaults are those of Orgad et al.

    Args:
        schedule: Schedule of the blocks; see `block_sizes`. "voita" needs 1000 samples, "orgad" 50.
        kind: Architecture: "mlp" is ``units -> units // 2``, tanh, ``-> classes``; "linear" is ``units -> classes``.
        seed: Seed for the order of the samples and the initial weights.
        max_epochs: Maximum number of epochs of each training.
        batch_size: Batch size of each training.
        patience: Number of epochs without a lower validation loss to tolerate; training stops at the next one.

    Reference:
        Voita and Titov (2020), Information-Theoretic Probing with Minimum Description Length, EMNLP; Orgad,
        Goldfarb-Tarrant and Belinkov (2022), How Gender Debiasing Affects Internal Model Representations, and Why It
        Matters, NAACL, whose probe and training this is. We depart from their released program in three ways: all
        lengths are in bits; classes are counted in the labels, not in the predictions; early stopping keeps the best
        epoch, not the last.
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
        """Compute the online code of the labels given the representations.

        Without ``validation``, do not read a compression near 1 as a sign that labels and representations are
        unrelated: probes then train for ``max_epochs``, and a probe that fits noise codes worse than no probe.

        Args:
            representations: Floating-point ``[samples, units]``, finite, on any device. The probe is trained on that
                device, in float32, on the values as they are.
            labels: int64 ``[samples]``, class indices from 0 without gaps, on the same device.
            validation: Representations and labels of other samples, used for early stopping. Their code length is not
                counted.

        Returns:
            `OnlineCode`. It is reproducible for a fixed seed, input and device, up to rounding, which depends on the
            number of threads. Random generators and the input are left unchanged. For labels unrelated to the
            representations, the compression is at most about ``log2(classes)`` divided by their entropy in bits: 1 for
            balanced classes, more if some are rare.

        Raises:
            TypeError: The representations are not floating-point, or the labels are not int64.
            ValueError: Shapes are wrong; lengths, widths or devices differ; values are not finite in float32; class
                indices are negative, missing or unknown; there is a single class, or too few samples for the first
                block.

        Cost:
            One training for each block but the first, with at most ``max_epochs`` passes over the samples before it.
            With either schedule, one epoch of all trainings together sees 1 to 2 times ``samples``. Memory: one copy of
            the input.

        >>> labels = torch.arange(400) % 2
        >>> code = MDLProbe(max_epochs=5).fit_code(10 * torch.eye(8)[labels], labels)  # units encode the label
        >>> code.uniform_code_length, code.compression > 1.4
        (400.0, True)
        """
        _check_pair(representations, labels)
        num_classes = _count_classes(labels)
        sizes = block_sizes(len(labels), self.schedule)
        if sizes[0] == 0:
            raise ValueError(
                f"labels: at least one sample in the first block of schedule {self.schedule!r} is required, got "
                f"{len(labels)} samples in total; give more, or a schedule with a larger first block."
            )
        if validation is not None:
            _check_validation(validation, representations, num_classes)
        # Hooks and callbacks run inside torch.no_grad or inference_mode and may still train a probe.
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
        """Make a probe with torch's default initialisation, drawn from our own generator."""
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
        """Fit the probe to the samples seen so far; with held-out samples, keep its best epoch instead of the last."""
        optimizer = torch.optim.AdamW(probe.parameters(), lr=_LEARNING_RATE)
        best, best_loss, num_worse = None, math.inf, 0
        for _ in range(self.max_epochs):
            # As in the reference, batches keep their order in every epoch and losses are summed over a batch.
            for rows, classes in zip(*(torch.split(part, self.batch_size) for part in seen), strict=True):
                optimizer.zero_grad()
                torch.autograd.backward(cross_entropy(probe(rows), classes, reduction="sum"))
                optimizer.step()
            if held_out is None:
                continue
            loss = _summed_loss(probe, *held_out)
            if loss <= best_loss - _TOLERANCE:
                best, best_loss, num_worse = copy.deepcopy(probe.state_dict()), loss, 0
            else:
                num_worse += 1
                if num_worse > self.patience:
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
            f"{len(representations)} rows with non-finite values; remove those rows, or scale the values down."
        )


def _count_classes(labels: Tensor) -> int:
    present, highest = torch.unique(labels), int(labels.amax())
    if len(present) < 2:
        raise ValueError(
            f"labels: at least two different classes are required, got only class {highest}; give a property that "
            "varies: a constant needs no code."
        )
    # An unused class index would lengthen the uniform code and inflate every compression.
    if len(present) <= highest:
        raise ValueError(
            f"labels: every class index from 0 to the highest ({highest}) is required to occur, got only "
            f"{len(present)} different ones; renumber them with torch.unique(labels, return_inverse=True)[1]."
        )
    return highest + 1


def _check_validation(validation: object, representations: Tensor, num_classes: int) -> None:
    if not isinstance(validation, tuple) or len(validation) != 2:
        raise TypeError(
            f"validation: a pair (representations, labels) or None is required, got {describe(validation)}; "
            "give both in a tuple."
        )
    held_out, labels = validation
    _check_pair(held_out, labels, of="validation ")
    if held_out.shape[1] != representations.shape[1] or held_out.device != representations.device:
        raise ValueError(
            f"validation representations: {representations.shape[1]} units on {representations.device} are required, "
            f"as in representations, got {describe(held_out)}; take them from the same layer."
        )
    if int(labels.amax()) >= num_classes:
        raise ValueError(
            f"validation labels: class indices below {num_classes}, as in labels, are required, got "
            f"{int(labels.amax())}; remove classes that do not occur in labels."
        )
