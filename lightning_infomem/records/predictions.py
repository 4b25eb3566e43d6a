"""What a network predicted for each input that was sampled, and which inputs these are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lightning_infomem._errors import UsageValueError

__all__ = ["Predictions"]

_MOST_OF_16_BITS = 2**15  # classes


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network predicted for each input that was sampled, in an order that depends on the inputs alone.

    Two networks that saw the same inputs can so be compared input by input, from their checkpoints alone.

    Attributes:
        classes: Predicted class of each input, int32 ``[samples]``; -1 if the outputs are not finite. A checkpoint
            holds 16 bits of each where the number of classes allows.
        log_odds: Logarithm of the odds of the predicted class, ``ln(p / (1 - p))`` of its softmax probability ``p``,
            float16 ``[samples]``, at most 65504; NaN if the outputs are not finite. See `functional.log_odds.log_odds`.
        inputs: Mark of each input, int64 ``[samples]``, increasing; equal inputs have equal marks in every batch and
            run. Repeated inputs, which only the convention of the released code keeps, have the same mark.
        num_classes: Number of classes.
        places: Place of each input in the batches of the loader, counted in examples from 0 over all processes, int64
            ``[samples]``; of an input that was sampled several times the first. The mark identifies an input, and the
            place only helps to find it: a loader that shuffles gives it another place each time, and the place is one
            in the data only if the loader goes through them in order. None if places cannot be known: examples have
            several views or are counted by ``examples=``, or several processes divide a stream in a way of their own.
        loader: Index of the validation loader that brought the inputs; None if they came from batches given apart, such
            as ``dataloader=`` of the monitor or ``data=`` of a measurement.
    """

    classes: Tensor
    log_odds: Tensor
    inputs: Tensor
    num_classes: int
    places: Tensor | None = None
    loader: int | None = None

    def has_inputs_of(self, other: Predictions) -> bool:
        """Whether the other predictions are of the same inputs, so that both can be compared entry by entry."""
        return torch.equal(self.inputs, other.inputs)

    def to_state(self) -> dict[str, Any]:
        """Return tensors and numbers only."""
        fits = self.num_classes <= _MOST_OF_16_BITS
        return {**vars(self), "classes": self.classes.short() if fits else self.classes}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Predictions:
        """Restore predictions from `to_state`, without sharing memory with the state, which may be mapped from a file.

        Raises:
            ValueError: The tensors are not those of so many samples and classes.
        """
        fields: dict[str, Any] = {
            name: value.clone() if isinstance(value, Tensor) else value for name, value in state.items()
        }
        num_classes, loader, places = fields["num_classes"], fields["loader"], fields["places"]
        kinds = {"classes": (torch.int16, torch.int32), "log_odds": (torch.float16,), "inputs": (torch.int64,)}
        kinds |= {} if places is None else {"places": (torch.int64,)}
        for name, dtypes in kinds.items():
            if fields[name].dtype not in dtypes or fields[name].shape != (len(fields["inputs"]),):
                raise UsageValueError(f"the {name} of its predictions are not those of {len(fields['inputs'])} samples")
        if type(num_classes) is not int or num_classes < 2:
            raise UsageValueError(f"its number of classes is {num_classes!r}")
        classes, inputs = fields["classes"].int(), fields["inputs"]
        if bool(((classes < -1) | (classes >= num_classes)).any()):
            raise UsageValueError(f"its predictions are not of {num_classes} classes")
        if bool((inputs[1:] < inputs[:-1]).any()):
            raise UsageValueError("its inputs are not in their order")
        if places is not None and bool((places < 0).any()):
            raise UsageValueError("the places of its inputs are negative")
        if loader is not None and (type(loader) is not int or loader < 0):
            raise UsageValueError(f"the index of its loader is {loader!r}")
        return cls(**{**fields, "classes": classes})
