from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from lightning_infomem.model_information import prequential_codelength, uniform_code_length


class Uniform(nn.Module):
    """The same scores for every class, whatever the weight becomes."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes, self.weight = num_classes, nn.Parameter(torch.zeros(1))

    def forward(self, inputs: Tensor) -> Tensor:
        return (0 * self.weight).expand(len(inputs), self.num_classes)


@pytest.mark.parametrize("first_block", ["uniform", "model"])
@pytest.mark.parametrize("num_classes", [2, 10])
def test_a_uniform_predictor_costs_log2_of_the_classes_a_label(num_classes, first_block):
    data = torch.rand(300, 2), torch.arange(300) % num_classes
    code = prequential_codelength(
        Uniform(num_classes), data, first_block=first_block, max_epochs=2, blocks=(10, 30, 100), progress=False
    )
    # Sums of 300 logarithms in float64, and one division by ln 2: 2e-16 each.
    assert code.code_length == pytest.approx(uniform_code_length(300, num_classes), rel=1e-13)
    assert code.compression == pytest.approx(1, rel=1e-13)
