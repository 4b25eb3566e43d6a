"""Networks whose activations take finitely many values, in training already."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from lightning_infomem._checks import check_count, describe
from lightning_infomem.sampling.layers import select_layers

__all__ = ["QuantizedNetwork"]

_DECAY = 0.99  # of the range's moving average
_CONSTANT = 2.0**-20  # of the largest output: less is what rounding leaves, 8 times the precision of float32
_WEIGHT_LAYERS = (nn.Linear, nn.Bilinear, nn.modules.conv._ConvNd)


class QuantizedNetwork(nn.Module):
    """Round the outputs of layers to ``2^bits`` values each time a network runs, and keep their codes.

    The range of a layer is divided into ``2^bits - 1`` steps; the next layer sees the rounded values alone. A layer is
    thus a function of the codes of the one before it, and what `QuantizedExact` computes of the codes is exact and
    obeys the data-processing inequality. Not for comparing with a network trained without: rounding changes training.

    The range goes from the lowest to the highest output of the layer: those of the first batch, then their moving
    average (decay .99) over the batches in training mode. In evaluation mode it stays, so that the codes of a sample
    do not depend on its batch; values beyond are rounded to the ends. A first batch in evaluation mode (Lightning's
    sanity check) sets it, too. Ranges are buffers: they are in ``state_dict()`` and come back with it.

    Gradients pass the rounding as if it were not there, and are 0 for values beyond the range.

    Inside a LightningModule: ``self.network = QuantizedNetwork(network, ["1", "3"], bits=8)``. Names of layers are
    those of the network that was given; its modules are changed in place, and copied with `copy.deepcopy`.

    Precision: codes are computed in float64, in which 32 bits have room to spare. The network itself goes on in the
    type of its activations: above 24 bits float32 cannot tell neighbouring values apart at the far end of the range
    (above 11 bits float16, above 8 bits bfloat16), so the next layer sees fewer values than there are codes. And a
    matrix product or a vectorised tanh may round equal rows of a batch differently, by their place in it, so that near
    the middle between two codes equal rows get either: that concerns about one value in 30,000 of 8 bits in float32,
    and most from 24 bits on. So `measure_codes` runs a copy of the network in float64, where it is one in 10^13 (of
    32 bits, in 10^6). A layer whose outputs differ by less than a millionth of the largest counts as constant: that is
    rounding, which so small a range would blow up to codes.

    Args:
        network: the network.
        layers: whose outputs are rounded, as `select_layers` takes them: names, patterns, or types (``nn.Tanh``).
        bits: of each unit, 2 to 32.
        weights: round the weights, too (not the biases) of all linear, bilinear and convolution layers, between the
            extremes of each at the moment. Their names in ``state_dict()`` change, as `torch.nn.utils.parametrize` has
            them, and such a network cannot be pickled as a whole.

    Raises:
        TypeError, ValueError: bits outside 2 to 32, layers that do not exist, or no weights to round.
        While running: TypeError for outputs that are no float tensors, ValueError for those that are not finite. Both
        name the layer.

    Cost:
        A few passes over each output, in float64; its codes, 8 bytes a value, are kept until the next batch.

    Reference:
        Lorenzen, Igel & Nielsen 2022, "Information bottleneck: exact analysis of (quantized) neural networks"; Jacob
        et al. 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only inference",
        section 3; from which we depart: zero need not be one of the values.

    >>> network = QuantizedNetwork(nn.Sequential(nn.Linear(1, 1), nn.Tanh()), nn.Tanh, bits=2)
    >>> outputs = network(torch.tensor([[-1.0], [0.1], [1.0]]))
    >>> sorted(network.codes["1"].flatten().tolist())[::2], outputs.unique().numel() <= 4
    ([0, 3], True)
    """

    def __init__(
        self,
        network: nn.Module,
        layers: str | type[nn.Module] | Sequence[str | type[nn.Module]],
        bits: int = 8,
        *,
        weights: bool = False,
    ) -> None:
        super().__init__()
        if check_count(bits, name="bits", minimum=2) > 32:
            raise ValueError(f"bits: at most 32 are required, got {bits}; more are as good as none.")
        chosen = select_layers(network, layers)
        self.bits = bits
        self.network = network
        self.quantizers = nn.ModuleList(_OutputQuantizer(name, bits) for name in chosen)
        for module, quantizer in zip(chosen.values(), self._quantizers, strict=True):
            module.register_forward_hook(quantizer.on_output)
        if weights:
            _round_weights(network, bits)

    @property
    def _quantizers(self) -> list[_OutputQuantizer]:
        return cast("list[_OutputQuantizer]", list(self.quantizers))

    def forward(self, *inputs: Any, **named_inputs: Any) -> Any:
        """What the network gives, its layers rounded."""
        return self.network(*inputs, **named_inputs)

    @property
    def codes(self) -> dict[str, Tensor]:
        """Name of a layer -> int64 in the shape of its output, 0 to ``2^bits - 1``, of the last batch.

        Empty before the first. Rounded as the network's own type has it; to measure information take `measure_codes`.
        Of a module that is called several times in a pass, those of the last call; all calls
        share its range.
        """
        return {each.name: each.codes for each in self._quantizers if each.codes is not None}

    @torch.no_grad()
    def measure_codes(self, batches: Iterable[Tensor]) -> dict[str, Tensor]:
        """Codes of many samples, as `QuantizedExact` takes them.

        A copy of the network runs, in float64 and evaluation mode: equal rows have equal codes then, wherever they
        stand. Nothing of the network itself changes. One that was never run has no ranges: the first batch gives them.

        Args:
            batches: inputs, floats of any type.

        Returns:
            Name of a layer -> int64 ``[samples, units]``.
        """
        twin = copy.deepcopy(self).double().eval()
        found: dict[str, list[Tensor]] = {each.name: [] for each in self._quantizers}
        for batch in batches:
            twin(batch.double() if batch.is_floating_point() else batch)
            for name, codes in twin.codes.items():
                found[name].append(codes.reshape(len(codes), -1))
        return {name: torch.cat(parts) for name, parts in found.items() if parts}


class _OutputQuantizer(nn.Module):
    """Rounds the outputs of one layer."""

    low: Tensor
    high: Tensor

    def __init__(self, name: str, bits: int) -> None:
        super().__init__()
        self.name = name
        self.steps = 2**bits - 1
        self.codes: Tensor | None = None
        for end in ("low", "high"):  # NaN: not seen yet
            self.register_buffer(end, torch.tensor(math.nan, dtype=torch.float64))

    def on_output(self, module: nn.Module, inputs: object, output: object) -> Tensor:
        """The hook."""
        if not isinstance(output, Tensor) or not output.is_floating_point():
            raise TypeError(
                f"{self.name}: a float tensor as output is required, got {describe(output)}; quantise another layer."
            )
        rounded: Tensor = self(output)
        return rounded

    def forward(self, output: Tensor) -> Tensor:
        extremes = torch.stack(output.detach().aminmax()).double()
        if not bool(torch.isfinite(extremes).all()):
            raise ValueError(
                f"{self.name}: finite outputs are required, got values from {float(extremes[0])} to "
                f"{float(extremes[1])}; has the training diverged?"
            )
        if bool(self.low.isnan()):
            self.low.copy_(extremes[0])
            self.high.copy_(extremes[1])
        elif self.training:
            self.low.lerp_(extremes[0].to(self.low), 1 - _DECAY)
            self.high.lerp_(extremes[1].to(self.high), 1 - _DECAY)
        self.codes, rounded = _round(output, self.low.double(), self.high.double(), self.steps)
        return rounded


class _WeightQuantizer(nn.Module):
    """Rounds a weight between its extremes."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.steps = 2**bits - 1

    def forward(self, weight: Tensor) -> Tensor:
        low, high = (end.double() for end in weight.detach().aminmax())
        return _round(weight, low, high, self.steps)[1]


def _round_weights(network: nn.Module, bits: int) -> None:
    found = [module for module in network.modules() if isinstance(module, _WEIGHT_LAYERS)]
    if not found:
        raise ValueError(
            f"weights: linear, bilinear or convolution layers are required to round their weights, but "
            f"{type(network).__name__} has none; leave it out."
        )
    for module in found:
        parametrize.register_parametrization(module, "weight", _WeightQuantizer(bits))


def _round(values: Tensor, low: Tensor, high: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Codes, int64, and the values they stand for, in the type of those that came."""
    largest = torch.maximum(low.abs(), high.abs())
    high = torch.where(high - low > _CONSTANT * largest, high, low)
    span = high - low
    within = values.detach().double().clamp(low, high) - low
    codes = (within / span.clamp_min(torch.finfo(torch.float64).tiny) * steps).round().long()
    rounded = (low + codes.double() / steps * span).to(values.dtype)
    # A difference that is 0 exactly, and has the gradient: adding what rounding changed would not give equal values
    # for equal codes.
    passed = values.clamp(low.to(values), high.to(values))
    return codes, rounded + (passed - passed.detach())
