"""Where the examples and the units stand in the output of a module."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from lightning_infomem.sampling.layers import holds_weights

__all__ = ["Layout", "has_units_last", "layout_of", "time_first"]

_UNITS_SECOND = (nn.modules.conv._ConvNd, nn.modules.batchnorm._BatchNorm, nn.GroupNorm)


@dataclass(frozen=True)
class Layout:
    """Where the examples and the units stand in an output.

    Args:
        example_axis: Axis of the examples.
        units_last: Whether the units are the last axis, else the one after the examples.
        parts: Rows that belong to each example, neighbours along the axis of the examples: the frames of a clip, the
            windows of an image. They are pooled like positions.
    """

    example_axis: int = 0
    units_last: bool = True
    parts: int = 1


def layout_of(
    module: nn.Module,
    shape: Sequence[int],
    num_rows: int,
    *,
    is_time_first: bool | None = None,
    parts: Collection[int] = (),
) -> Layout:
    """Tell the layout of a module's output by its class, its own last layer, and the number of rows expected.

    Args:
        module: Module that was called.
        shape: Shape of its output.
        num_rows: Number of rows expected: the examples of the batch, or the views of all of them.
        is_time_first: Whether the network has sequences as ``[time, examples, units]``, which decides where both axes
            have the same size; None looks at the module alone.
        parts: Numbers of parts per example that the batch has, such as the frames of a clip.
    """
    axis = 0
    if len(shape) >= 3 and shape[1] == num_rows:
        in_doubt = shape[0] == num_rows
        axis = int(time_first(module) if is_time_first is None else is_time_first) if in_doubt else 1
    units_last = has_units_last(module, shape)
    if axis == 0 and len(shape) >= 2 and num_rows and shape[0] != num_rows:
        return Layout(0, units_last, next((count for count in parts if shape[0] == count * num_rows), 1))
    return Layout(axis, units_last)


def has_units_last(module: nn.Module, shape: Sequence[int]) -> bool:
    """Whether the last axis of a module's output holds its units, whatever the number of axes.

    That is so for linear, recurrent, attention and embedding layers and norms over the last axis, not for convolutions
    and their norms. Any other module has its units where the width of its own last layer is found.
    """
    if len(shape) < 3:
        return True
    weight = dict(module.named_parameters(recurse=False)).get("weight")
    if isinstance(module, _UNITS_SECOND) or (weight is not None and weight.ndim >= 3):
        return False
    if _width(module) is not None:
        return True
    inner = [part for part in module.modules() if part is not module and _width(part) is not None]
    if not inner:
        return len(shape) == 3
    last, width = inner[-1], _width(inner[-1])
    fits_last, fits_second = shape[-1] == width, shape[1] == width
    if isinstance(last, _UNITS_SECOND):
        # Maps of a convolution become sequences in embeddings of patches; other modules leave its axes as they are.
        return len(shape) == 3 and fits_last and not fits_second
    if fits_last != fits_second:
        return fits_last
    # Sizes do not tell; what a residual block reads and writes has the units in one place.
    return not isinstance(inner[0], _UNITS_SECOND)


def time_first(module: nn.Module) -> bool:
    """Whether the first recurrent or attention layer in a module takes sequences as ``[time, examples, units]``."""
    return next((not part.batch_first for part in module.modules() if hasattr(part, "batch_first")), False)


def _width(module: nn.Module) -> int | None:
    """Return the number of units that a layer puts out; None if it is no layer with units."""
    if next(module.parameters(recurse=False), None) is None:
        return None
    for name in ("out_features", "out_channels", "embed_dim", "nf", "embedding_dim", "num_features", "num_channels"):
        width = getattr(module, name, None)
        if isinstance(width, int):
            return width
    if isinstance(module, nn.RNNBase):
        return (module.proj_size or module.hidden_size) * (2 if module.bidirectional else 1)
    shape = getattr(module, "normalized_shape", None)
    if isinstance(shape, (tuple, list)) and len(shape) == 1:
        return int(shape[0])
    weight = dict(module.named_parameters(recurse=False)).get("weight")
    if isinstance(weight, Tensor) and holds_weights(module):
        return int(weight.shape[-1])
    if isinstance(weight, Tensor) and weight.ndim == 1 and weight.numel() > 1:  # a norm of the user's own
        return weight.numel()
    return None
