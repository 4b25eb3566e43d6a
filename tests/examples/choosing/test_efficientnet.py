import torch
from torch import nn

from examples.choosing.efficientnet import EfficientNetLite0


def test_it_has_the_size_of_the_published_network():
    network = EfficientNetLite0().eval()
    # Table of the authors: 4.7 million parameters.
    assert sum(weight.numel() for weight in network.parameters()) == 4_652_008
    with torch.no_grad():
        assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 1280)


def test_padding_is_larger_at_the_end_where_it_cannot_be_even():
    stem = EfficientNetLite0()._conv_stem
    nn.init.ones_(stem.weight)
    image = torch.zeros(1, 3, 4, 4)
    image[:, :, 2, 2] = 1
    image[:, :, 3, 3] = 10
    # With stride two, windows of three begin at rows 0 and 2: nothing is added before, one row after.
    assert stem(image)[0, 0].tolist() == [[3, 3], [3, 33]]
