"""Networks whose activations take finitely many values, already during training."""

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

_DECAY = 0.99  # decay of the range's moving average
_CONSTANT = 2.0**-20  # share of the largest output; a smaller range is rounding error (8 times float32's precision)
_WEIGHT_LAYERS = (nn.Linear, nn.Bilinear, nn.modules.conv._ConvNd)


class QuantizedNetwork(nn.Module):
    """Round the outputs of chosen layers to ``2^bits`` values on every forward pass and keep their integer codes.

    The range of a layer is divided into ``2^bits - 1`` steps, and the next layer sees only the rounded values. Each
    layer is thus a function of the codes of the previous one, so what `QuantizedExact` computes from the codes is exact
    and obeys the data-processing inequality. Do not compare the network with one trained without rounding: rounding
    changes training.

    The range runs from the lowest to the highest output of the layer, taken from the first batch and then as a moving
    average (decay .99) over the batches in training mode. In evaluation mode it is fixed, so the codes of a sample do
    not depend on its batch; values outside are rounded to the ends. A first batch in evaluation mode (Lightning's
    sanity check) also sets it. Ranges are buffers: they are saved in and restored from ``state_dict()``.

    Gradients pass through the rounding unchanged and are 0 for values outside the range.

    In a LightningModule write ``self.network = QuantizedNetwork(network, ["1", "3"], bits=8)``. Layer names are those
    of the given network. Its modules are modified in place; copy it with `copy.deepcopy`.

    Precision: codes are computed in float64, which holds 32 bits with room to spare. The network itself continues in
    the dtype of its activations. Above 24 bits, float32 cannot separate neighbouring values at the far end of the range
    (above 11 bits for float16, above 8 bits for bfloat16), so the next layer sees fewer values than there are codes.
    Also, a matrix product or a vectorised tanh may round equal rows of a batch differently depending on their position,
    so near the boundary between two codes equal rows may get either. In float32 this affects about one value in 30,000
    at 8 bits, and most values from 24 bits on. `measure_codes` therefore runs a copy of the network in float64, where
    it affects one value in 10^13 (at 32 bits, one in 10^6). A layer whose outputs differ by less than a millionth of
    the largest counts as constant: such differences are rounding errors, which a range that small would inflate to
    codes.

    Args:
        network: Network to quantise.
        layers: Layers whose outputs are rounded, as `select_layers` takes them: names, patterns, or types
            (``nn.Tanh``).
        bits: Number of bits per unit, 2 to 32.
        weights: Also round the weights (not the biases) of all linear, bilinear and convolution layers, between the
            current extremes of each. Their names in ``state_dict()`` change to those of `torch.nn.utils.parametrize`,
            and the network can no longer be pickled as a whole.

    Raises:
        TypeError, ValueError: If ``bits`` is outside 2 to 32, layers do not exist, or there are no weights to round.
        In the forward pass: TypeError if an output is not a float tensor, ValueError if it is not finite. Both name the
        layer.

    Cost:
        A few passes over each output, in float64. Its codes, 8 bytes per value, are kept until the next batch.

    Reference:
        Lorenzen, Igel & Nielsen 2022, "Information bottleneck: exact analysis of (quantized) neural networks"; Jacob
        et al. 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only inference",
        section 3. Departure from the latter: zero need not be one of the values.

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
            raise ValueError(f"bits: at most 32 are required, got {bits}; more amount to no quantisation.")
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
        """Run the network with its layers rounded."""
        return self.network(*inputs, **named_inputs)

    @property
    def codes(self) -> dict[str, Tensor]:
        """Codes of the last batch: layer name -> int64 in the shape of its output, 0 to ``2^bits - 1``.

        Empty before the first batch. The codes come from the network in its own dtype; to measure information use
        `measure_codes`. If a module runs several times per forward pass, these are the codes of its last call; all
        calls share its range.
        """
        return {each.name: each.codes for each in self._quantizers if each.codes is not None}

    @torch.no_grad()
    def measure_codes(self, batches: Iterable[Tensor]) -> dict[str, Tensor]:
        """Compute the codes of many samples for `QuantizedExact`.

        A copy of the network runs in float64 and evaluation mode, so that equal rows have equal codes at any position.
        The network itself does not change. If it has never run it has no ranges, and the first batch sets them.

        Args:
            batches: Inputs, float tensors of any dtype.

        Returns:
            Layer name -> int64 ``[samples, units]``.
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
        for end in ("low", "high"):  # NaN: not set yet
            self.register_buffer(end, torch.tensor(math.nan, dtype=torch.float64))

    def on_output(self, module: nn.Module, inputs: object, output: object) -> Tensor:
        """Forward hook that replaces the output by its rounded values."""
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
            f"weights: a network with linear, bilinear or convolution layers is required, got "
            f"{type(network).__name__} without any; pass weights=False."
        )
    for module in found:
        parametrize.register_parametrization(module, "weight", _WeightQuantizer(bits))


def _round(values: Tensor, low: Tensor, high: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """int64 codes, and the values they stand for in the dtype of the input."""
    largest = torch.maximum(low.abs(), high.abs())
    high = torch.where(high - low > _CONSTANT * largest, high, low)
    span = high - low
    within = values.detach().double().clamp(low, high) - low
    codes = (within / span.clamp_min(torch.finfo(torch.float64).tiny) * steps).round().long()
    rounded = (low + codes.double() / steps * span).to(values.dtype)
    # The added difference is exactly 0 and carries the gradient. Adding the rounding correction to the values instead
    # would not give equal values for equal codes.
    passed = values.clamp(low.to(values), high.to(values))
    return codes, rounded + (passed - passed.detach())
