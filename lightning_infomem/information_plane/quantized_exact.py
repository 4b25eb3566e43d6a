"""The information of the codes of a quantised network, which is exact."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_infomem._checks import check_count, describe
from lightning_infomem.information_plane.discrete import discrete_entropy, discrete_information, number_rows
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.information_plane.plane_samples import check_plane_samples

__all__ = ["QuantizedExact"]


@dataclass(frozen=True)
class QuantizedExact:
    """Compute I(X;T) = H(T) and I(T;Y) of a layer that takes finitely many values.

    Of a deterministic network the layer is a function of the input, so that I(X;T) is its entropy: nothing is
    estimated, and no bin is chosen. It is between 0 and ``min(log N, units * bits * log 2)``, I(T;Y) is at most
    ``min(H(Y), I(X;T))``, and both fall from layer to layer of a network whose activations are quantised between
    (`QuantizedNetwork`): the data-processing inequality. Exact of these samples as the whole population, each as
    likely as the others. Not for a layer of a network that computes with floats between: its activations are read as
    they are, nearly every sample has a value of its own, and the point is flagged "saturated".

    Args:
        bits: of each unit, 1 to 32; codes beyond them are refused. None where it is not known.

    Raises:
        TypeError, ValueError: bits that are none; codes outside ``0 ... 2^bits - 1``, floats of more than ``2^bits``
            different values in a unit, or inputs that are not of these samples.

    Flags:
        "inputs_repeat": of the inputs given, some are equal: I(X;T) is at most H(X), which is below log N.
        "not_deterministic": equal inputs have different codes (dropout, a batch that is normalised by itself); I(X;T)
        is H(T) - H(T|X) of the samples then, and "neither" kind. Without ``inputs`` all are taken for distinct.

    Cost:
        ``samples * log(samples) * units``; 8 bytes a value.

    Reference:
        Lorenzen, Igel & Nielsen 2022, "Information bottleneck: exact analysis of (quantized) neural networks".

    >>> codes, labels = torch.tensor([[0, 3], [0, 3], [1, 2], [3, 0]]), torch.tensor([0, 0, 1, 1])
    >>> point = QuantizedExact(bits=2).estimate(codes, labels)
    >>> round(point.input_bits, 6), round(point.label_bits, 6), point.input_kind
    (1.5, 1.0, 'exact')
    """

    bits: int | None = None

    def __post_init__(self) -> None:
        if self.bits is not None and check_count(self.bits, name="bits") > 32:
            raise ValueError(f"bits: at most 32 are required, got {self.bits}; more are floats: leave it out.")

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Compute both coordinates; see `PlaneEstimator`.

        Args:
            hidden: integers ``[samples, ...]``, codes; or floats, activations of a quantised layer.
            labels: integers ``[samples]``.
            inputs: ``[samples, ...]`` of any type; looked at for repetitions alone.
        """
        codes = hidden
        if isinstance(hidden, Tensor) and not hidden.is_floating_point() and not hidden.is_complex():
            # Whatever is required of activations, but for their type; the codes themselves stay whole numbers.
            hidden = hidden.double()
        flat, labels = check_plane_samples(hidden, labels, estimator="QuantizedExact")
        codes = flat if codes.is_floating_point() else codes.flatten(1)
        self._check_codes(codes)
        patterns = number_rows(codes)
        information = discrete_entropy(patterns)
        flags: dict[str, str] = {}
        scores: dict[str, float] = {}
        if inputs is not None:
            flags, causes = _repetitions(inputs, patterns)
            scores = {"input_entropy": discrete_entropy(causes)}
            if "not_deterministic" in flags:
                information = discrete_information(causes, patterns)
        return PlanePoint.measured(
            self,
            codes,
            labels,
            input_information=information,
            label_information=discrete_information(patterns, labels),
            input_kind="neither" if "not_deterministic" in flags else "exact",
            label_kind="exact",
            flags=flags,
            scores=scores,
        )

    def _check_codes(self, codes: Tensor) -> None:
        if self.bits is None:
            return
        most = 2**self.bits
        if not codes.is_floating_point():
            low, high = (int(end) for end in codes.aminmax())
            if low < 0 or high >= most:
                raise ValueError(
                    f"QuantizedExact: hidden: codes from 0 to {most - 1} of {self.bits} bits are required, got some "
                    f"from {low} to {high}; pass the codes of that many bits."
                )
        elif len(codes) > most:  # fewer samples cannot have more values than there are codes
            ordered = codes.sort(dim=0).values
            counts = 1 + (ordered[1:] != ordered[:-1]).sum(0)
            if int(counts.max()) > most:
                raise ValueError(
                    f"QuantizedExact: hidden: at most {most} different values in a unit are required of {self.bits} "
                    f"bits, got {int(counts.max())} in unit {int(counts.argmax())}; is this layer quantised?"
                )


def _repetitions(inputs: Tensor, patterns: Tensor) -> tuple[dict[str, str], Tensor]:
    """Flags, and int64 ``[samples]``, equal where inputs are."""
    if not isinstance(inputs, Tensor) or inputs.shape[:1] != patterns.shape:
        raise ValueError(
            f"QuantizedExact: inputs: one row for each of the {len(patterns)} samples is required, got "
            f"{describe(inputs)}; pass those of the activations, or none."
        )
    causes = number_rows(inputs.detach().reshape(len(patterns), -1).to(patterns.device))
    flags = {}
    num_inputs = int(causes.max()) + 1
    if num_inputs < len(causes):
        flags["inputs_repeat"] = (
            f"only {num_inputs} of {len(causes)} inputs are different: I(X;T) is at most the entropy of the inputs, "
            f"which is below log N = {math.log(len(causes)):.3g} nats"
        )
    num_pairs = int(number_rows(torch.stack([causes, patterns], 1)).max()) + 1
    if num_pairs > num_inputs:
        flags["not_deterministic"] = (
            "equal inputs have different codes: the network is not deterministic (dropout?), and I(X;T) is below H(T)"
        )
    return flags, causes
