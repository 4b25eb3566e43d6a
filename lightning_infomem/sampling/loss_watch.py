"""Watches which loss a training or validation step computes, because the loss tells what a network is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

__all__ = ["LossWatch", "SeenLoss"]

_CLASSIFICATION = ("cross_entropy", "nll_loss", "multi_margin_loss")
_REGRESSION = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "gaussian_nll_loss", "poisson_nll_loss")
_OTHER = (
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "kl_div",
    "ctc_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "cosine_embedding_loss",
    "margin_ranking_loss",
    "hinge_embedding_loss",
)
_KINDS = {
    getattr(functional, name): (name, kind)
    for kind, names in (("classification", _CLASSIFICATION), ("regression", _REGRESSION), ("none", _OTHER))
    for name in names
    if hasattr(functional, name)
}


class SeenLoss(NamedTuple):
    """A call of one of torch's loss functions: its name, the task it stands for, and the shape of the predictions."""

    name: str
    task: str
    shape: tuple[int, ...]


class LossWatch(TorchFunctionMode):
    """Notes the calls of torch's loss functions while it is active, without changing what they compute.

    Attributes:
        seen: The calls, in order; a module such as `torch.nn.CrossEntropyLoss` calls one of the functions.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[SeenLoss] = []

    def open(self) -> LossWatch:
        """Begin to watch."""
        self.__enter__()  # type: ignore[no-untyped-call]
        return self

    def close(self) -> None:
        """Stop watching."""
        self.__exit__(None, None, None)  # type: ignore[no-untyped-call]

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run a function of torch, and note it if it is a loss."""
        known = _KINDS.get(func)
        if known is not None:
            predictions = args[0] if args else (kwargs or {}).get("input", (kwargs or {}).get("anchor"))
            if isinstance(predictions, Tensor):
                self.seen.append(SeenLoss(*known, tuple(predictions.shape)))
        return func(*args, **(kwargs or {}))
