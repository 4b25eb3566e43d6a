import pytest
import torch
from torch import nn

from lightning_infomem.sampling.layout import Layout, has_units_last, layout_of, time_first


class Block(nn.Module):
    """A residual block of convolutions that ends in linear layers, with the units where its input has them."""

    def __init__(self, width):
        super().__init__()
        self.conv, self.linear = nn.Conv2d(width, width, 3, padding=1), nn.Linear(width, width)


@pytest.mark.parametrize(
    ("module", "shape", "last"),
    [
        (nn.Linear(3, 12), (8, 5, 7, 12), True),
        (nn.LayerNorm(12), (8, 5, 12), True),
        (nn.Embedding(9, 12), (8, 5, 12), True),
        (nn.LSTM(3, 12), (8, 5, 12), True),
        (nn.Conv2d(3, 12, 1), (8, 12, 5, 12), False),
        (nn.Conv1d(3, 12, 1), (8, 12, 5), False),
        (nn.BatchNorm2d(12), (8, 12, 5, 5), False),
        (nn.ReLU(), (8, 12, 5, 5), False),
        (nn.ReLU(), (8, 5, 12), True),
        (Block(12), (8, 12, 5, 7), False),
        (Block(12), (8, 5, 7, 12), True),
        (Block(12), (8, 12, 12, 12), False),  # sizes do not tell: it reads maps
        (nn.Linear(3, 12), (8, 12), True),
    ],
)
def test_units_are_where_the_layer_has_them(module, shape, last):
    assert has_units_last(module, shape) == last


@pytest.mark.parametrize(
    ("module", "shape", "expected"),
    [
        (nn.Linear(2, 4), (8, 4), Layout(0)),
        (nn.LSTM(2, 4), (5, 8, 4), Layout(1)),
        (nn.LSTM(2, 4), (8, 8, 4), Layout(1)),
        (nn.LSTM(2, 4, batch_first=True), (8, 8, 4), Layout(0)),
        (nn.Linear(2, 4), (5, 8, 4), Layout(1)),  # of a network that has time first
        (nn.Conv2d(1, 4, 3), (24, 4, 6, 6), Layout(0, units_last=False, parts=3)),
    ],
)
def test_examples_are_along_the_axis_of_their_number(module, shape, expected):
    assert layout_of(module, shape, 8, parts=[3]) == expected


def test_rows_that_are_no_parts_of_the_batch_are_not_folded():
    assert layout_of(nn.Linear(2, 4), (24, 4), 8) == Layout(0)


def test_the_network_decides_where_sizes_and_the_module_do_not():
    assert layout_of(nn.Linear(2, 4), (8, 8, 4), 8, is_time_first=True) == Layout(1)
    assert layout_of(nn.Linear(2, 4), (8, 8, 4), 8) == Layout(0)
    assert time_first(nn.TransformerEncoderLayer(8, 2))
    assert not time_first(nn.TransformerEncoderLayer(8, 2, batch_first=True))
    assert not time_first(torch.nn.Linear(2, 2))
