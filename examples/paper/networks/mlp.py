"""The multi-layer perceptron of the experiments on digits and circles."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

__all__ = ["MLP"]


class MLP(nn.Module):
    """Linear layers with ReLU between them. Hidden weights follow Glorot's uniform rule; biases are zero.

    Args:
        num_inputs: Number of entries of an input, which can have any shape.
        num_outputs: Number of logits.
        width: Number of units per hidden layer.
        depth: Number of hidden layers. They are named ``layers.linear1`` and so on; their outputs are before the ReLU.
    """

    def __init__(self, num_inputs: int, num_outputs: int, width: int = 256, depth: int = 3) -> None:
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for place in range(1, depth + 1):
            hidden = nn.Linear(num_inputs if place == 1 else width, width)
            nn.init.xavier_uniform_(hidden.weight)
            nn.init.zeros_(hidden.bias)
            # ReLU must not work in place, because it would overwrite the measured values.
            layers[f"linear{place}"], layers[f"relu{place}"] = hidden, nn.ReLU()
        layers["logits"] = nn.Linear(width, num_outputs)
        self.layers = nn.Sequential(layers)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map ``[examples, ...]`` to logits ``[examples, num_outputs]``."""
        logits: Tensor = self.layers(inputs.flatten(1))
        return logits
