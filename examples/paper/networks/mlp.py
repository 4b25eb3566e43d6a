"""The multi-layer perceptron of the experiments on digits and circles."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

__all__ = ["MLP"]


class MLP(nn.Module):
    """Linear layers with ReLU between them; weights of the hidden ones by Glorot's uniform rule, biases zero.

    Args:
        num_inputs: entries of an input, whatever its shape.
        num_outputs: logits.
        width: units of each hidden layer.
        depth: hidden layers. Their names are ``layers.linear1`` and so on, and their outputs the values before ReLU.
    """

    def __init__(self, num_inputs: int, num_outputs: int, width: int = 256, depth: int = 3) -> None:
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for place in range(1, depth + 1):
            hidden = nn.Linear(num_inputs if place == 1 else width, width)
            nn.init.xavier_uniform_(hidden.weight)
            nn.init.zeros_(hidden.bias)
            # ReLU must not work in place: it would write over the values that are measured.
            layers[f"linear{place}"], layers[f"relu{place}"] = hidden, nn.ReLU()
        layers["logits"] = nn.Linear(width, num_outputs)
        self.layers = nn.Sequential(layers)

    def forward(self, inputs: Tensor) -> Tensor:
        """``[examples, ...]`` -> logits ``[examples, num_outputs]``."""
        logits: Tensor = self.layers(inputs.flatten(1))
        return logits
