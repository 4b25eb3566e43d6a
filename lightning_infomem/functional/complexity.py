"""Norms of a network's weights, as used in generalisation bounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call

from lightning_infomem._checks import check_finite, describe
from lightning_infomem._errors import UsageTypeError, UsageValueError

__all__ = ["frobenius_norms", "log_product", "path_norm", "spectral_norms", "sum_of_squares"]

_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def spectral_norms(weights: Mapping[str, Tensor]) -> dict[str, float]:
    """Compute the largest singular value of every weight.

    A convolution's value is that of its reshaped kernel, not of the map between images: do not read it as a Lipschitz
    constant.

    Args:
        weights: A ``state_dict``. Floating-point tensors with two or more dimensions are weights, taken as
            ``[out, rest]``; everything else (biases, normalisation scales, counters) is ignored.

    Returns:
        Weight name -> norm, in the same order. NaN for a weight with a non-finite value, 0 for an empty one. A weight
        shared by two names appears under both.

    Raises:
        TypeError: If ``weights`` is not a mapping.

    Cost:
        Eigenvalues of the smaller Gram matrix, in float64: for 768 x 3072 an eighth of the time of singular values.

    >>> spectral_norms({"weight": torch.tensor([[3.0, 0.0], [0.0, 4.0]]), "bias": torch.ones(2)})
    {'weight': 4.0}
    """
    return _norms(weights, _spectral_norm)


def frobenius_norms(weights: Mapping[str, Tensor]) -> dict[str, float]:
    """Compute the square root of the sum of squares of every weight.

    Do not compare it between networks of different widths: it grows with the number of weights.

    Args:
        weights: A ``state_dict``; see `spectral_norms` for what counts as a weight.

    Returns:
        Weight name -> norm, in the same order, computed in float64. NaN for a weight with a non-finite value, 0 for an
        empty one. A weight shared by two names appears under both.

    Raises:
        TypeError: If ``weights`` is not a mapping.

    >>> frobenius_norms({"weight": torch.tensor([[3.0, 0.0], [0.0, 4.0]])})
    {'weight': 5.0}
    """
    return _norms(weights, torch.linalg.matrix_norm)


def sum_of_squares(norms: Mapping[str, float]) -> float:
    """Sum of the squared norms of all weights; 0 if there are none.

    >>> sum_of_squares({"first": 3.0, "second": 4.0})
    25.0
    """
    return sum(norm * norm for norm in norms.values())


def log_product(norms: Mapping[str, float]) -> float:
    """Logarithm of the product of all norms, since the product itself would overflow for a deep network.

    Returns 0 if there are no weights and minus infinity if a norm is zero.

    >>> log_product({"first": 1.0, "second": 1.0})
    0.0
    """
    return sum(math.log(norm) if norm else -math.inf for norm in norms.values())


def path_norm(model: nn.Module, example: Tensor, *, order: float = 2.0) -> float:
    """Compute the norm of the vector of all input-output paths, where a path is the product of the weights along it.

    It takes one forward pass of ones through the network with every parameter ``w`` replaced by ``|w|**order``. It is a
    norm of paths for networks of linear and convolutional layers, batch norm, pooling and ReLU. Do not use it with
    layers that normalise by their own input (layer norm, batch norm without running statistics), with attention, or
    with activations that are not the identity on positive numbers.

    Args:
        model: The network. It is not modified: it runs in eval mode on substituted tensors, and its modes are restored
            even after an exception. Parameters need not have the dtype of ``example``.
        example: ``[examples, ...]``, floating point, on the model's device. Only its shape after the first dimension
            and its dtype, in which everything is computed, matter; pass ``example.double()`` for deep networks.
        order: Order p of the norm, a positive number.

    Returns:
        ``f(1; |w|**p) ** (1 / p)``, with f summed over all outputs. Biases start paths of their own. A batch norm's
        running mean counts as a bias and its running deviation as a weight like any other, raised to the same power, so
        folding its scale into a convolution changes nothing. Other buffers stay as they are. NaN or infinite if the
        weights or the sums over paths are.

    Raises:
        TypeError: If ``model`` is not a module, ``example`` is not a floating-point tensor, or the output is not a
            tensor.
        ValueError: If ``example`` is empty or has no dimension of examples, ``order`` is not positive, or the outputs
            sum to a negative number, as after a log-softmax.

    Cost:
        One forward pass of one example, and a copy of parameters and buffers.

    Reference:
        Neyshabur, Salakhutdinov, Srebro (2015), Path-SGD: path-normalized optimization in deep neural networks;
        Neyshabur et al. (2017), Exploring generalization in deep learning. Departure: batch norm.

    >>> weight = torch.tensor([[3.0, -4.0]])
    >>> linear = nn.Linear(2, 1, bias=False)
    >>> _ = linear.load_state_dict({"weight": weight})
    >>> path_norm(linear, torch.zeros(1, 2))
    5.0
    """
    if not isinstance(model, nn.Module):
        raise UsageTypeError(
            f"model: a torch.nn.Module is required, got {type(model).__name__}; pass the network itself."
        )
    _check_example(example)
    check_finite(order, name="order", above=0, remedy="1 and 2 are customary")
    ones = torch.ones_like(example[:1])
    with torch.no_grad(), _eval_mode(model):
        output = functional_call(model, _raised(model, order, example.dtype), (ones,))
    if not isinstance(output, Tensor):
        raise UsageTypeError(
            f"model: a tensor as output is required, got {type(output).__name__}; wrap the model in a module that "
            "returns its logits."
        )
    total = output.double().sum()
    if total < 0:
        raise UsageValueError(
            "model: outputs that grow with the weights are required, "
            f"got a sum of {total.item():.4g} for positive weights; remove what follows the logits."
        )
    return float(total.pow(1 / order))


def _check_example(example: object) -> None:
    if not isinstance(example, Tensor) or not example.is_floating_point():
        raise UsageTypeError(
            f"example: a floating-point tensor of shape [examples, ...] is required, got {describe(example)}; "
            "pass embedded tokens instead of token ids."
        )
    if example.ndim == 0 or example.numel() == 0:
        raise UsageValueError(
            f"example: shape [examples, ...] is required, got {describe(example)}; pass a batch of inputs."
        )


def _raised(model: nn.Module, order: float, dtype: torch.dtype) -> dict[str, Tensor]:
    """Copies of all parameters and buffers of a model, raised to the power, by name."""
    tensors = {name: value.detach().abs().to(dtype).pow(order) for name, value in model.named_parameters()}
    for name, value in model.named_buffers():
        # A copy, since the forward pass may update counters in place.
        tensors[name] = value.to(dtype, copy=True) if value.is_floating_point() else value.clone()
    for prefix, module in model.named_modules():
        if isinstance(module, _BATCH_NORMS) and module.running_mean is not None and module.running_var is not None:
            path = f"{prefix}." if prefix else ""
            deviation = (module.running_var.double() + module.eps).sqrt()
            # Batch norm will subtract the mean, add eps to the variance and take the root.
            tensors[f"{path}running_mean"] = -module.running_mean.abs().to(dtype).pow(order)
            tensors[f"{path}running_var"] = (deviation.pow(2 * order) - module.eps).to(dtype)
    return tensors


@contextmanager
def _eval_mode(model: nn.Module) -> Iterator[None]:
    """Put every module in eval mode and restore each mode afterwards, since parts of a model may be frozen."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        for module, _ in modes:
            module.training = False
        yield
    finally:
        for module, training in modes:
            module.training = training


def _norms(weights: Mapping[str, Tensor], norm: Callable[[Tensor], Tensor]) -> dict[str, float]:
    """Norm of every weight of a state_dict, each taken as a float64 matrix."""
    if not isinstance(weights, Mapping):
        raise UsageTypeError(
            f"weights: a mapping from names to tensors is required, got {type(weights).__name__}; "
            "pass model.state_dict()."
        )
    return {
        name: _scaled_norm(weight.detach().double().flatten(1), norm)
        for name, weight in weights.items()
        if isinstance(weight, Tensor) and weight.is_floating_point() and weight.ndim >= 2
    }


def _scaled_norm(matrix: Tensor, norm: Callable[[Tensor], Tensor]) -> float:
    """Norm of a matrix, computed with its largest value scaled to 1 so that squares neither overflow nor underflow."""
    magnitude = float(matrix.abs().max()) if matrix.numel() else 0.0
    if magnitude == 0:
        return 0.0
    if not math.isfinite(magnitude):
        return math.nan
    return magnitude * float(norm(matrix / magnitude))


def _spectral_norm(matrix: Tensor) -> Tensor:
    gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    largest: Tensor = torch.linalg.eigvalsh(gram)[-1]
    return largest.sqrt()
