"""Exact information of the codes of a quantised network."""

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
    """Compute I(X;T) = H(T) and I(T;Y) exactly for a layer with finitely many values.

    In a deterministic network the layer is a function of the input, so I(X;T) is its entropy: nothing is estimated and
    no bins are chosen. I(X;T) lies between 0 and ``min(log N, units * bits * log 2)``, and I(T;Y) is at most
    ``min(H(Y), I(X;T))``. If the activations of the network are quantised throughout (`QuantizedNetwork`), both fall
    from layer to layer, by the data-processing inequality. The values are exact for these samples as the whole
    population, all equally likely. Do not use it for a layer of a network that computes in floating point: the
    activations are taken as they are, nearly every sample has its own value, and the point is flagged "saturated".

    Args:
        bits: Number of bits per unit, 1 to 32; codes that need more are rejected. None if unknown.

    Raises:
        TypeError, ValueError: If ``bits`` is invalid, codes are outside ``0 ... 2^bits - 1``, a unit has floats with
            more than ``2^bits`` distinct values, or the inputs do not match the samples.

    Flags:
        "inputs_repeat": Some of the given inputs are equal, so I(X;T) is at most H(X), which is below log N.
        "not_deterministic": Equal inputs have different codes (dropout, or batch statistics). I(X;T) is then
        H(T) - H(T|X) of the samples, with kind "neither". Without ``inputs`` all inputs are assumed distinct.

    Cost:
        Time ``samples * log(samples) * units``. Memory: 8 bytes per value.

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
            raise ValueError(f"bits: at most 32 are required, got {self.bits}; omit it for floats.")

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Compute both coordinates; see `PlaneEstimator`.

        Args:
            hidden: Codes, integer ``[samples, ...]``, or activations of a quantised layer, float ``[samples, ...]``.
            labels: Class of each sample, integer ``[samples]``.
            inputs: Inputs ``[samples, ...]`` of any dtype; used only to find repeated inputs.
        """
        codes = hidden
        if isinstance(hidden, Tensor) and not hidden.is_floating_point() and not hidden.is_complex():
            # Same checks as for activations, apart from the dtype; the codes themselves stay integers.
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
                    f"QuantizedExact: hidden: codes from 0 to {most - 1} of {self.bits} bits are required, got codes "
                    f"from {low} to {high}; set bits to match the codes."
                )
        elif len(codes) > most:  # otherwise there cannot be more values than codes
            ordered = codes.sort(dim=0).values
            counts = 1 + (ordered[1:] != ordered[:-1]).sum(0)
            if int(counts.max()) > most:
                raise ValueError(
                    f"QuantizedExact: hidden: at most {most} different values per unit are required for {self.bits} "
                    f"bits, got {int(counts.max())} in unit {int(counts.argmax())}; is this layer quantised?"
                )


def _repetitions(inputs: Tensor, patterns: Tensor) -> tuple[dict[str, str], Tensor]:
    """Flags, and int64 ``[samples]`` that are equal where inputs are equal."""
    if not isinstance(inputs, Tensor) or inputs.shape[:1] != patterns.shape:
        raise ValueError(
            f"QuantizedExact: inputs: one row for each of the {len(patterns)} samples is required, got "
            f"{describe(inputs)}; pass the inputs of these activations, or none."
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
