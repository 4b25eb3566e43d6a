import pytest
import torch

from examples.paper.networks.resnet import STAGES, ResNet18
from lightning_infomem import measure


def sides_and_planes(image_side):
    network, shapes = ResNet18(7, image_side=image_side, width=2), []
    for name in STAGES:
        network.get_submodule(name).register_forward_hook(lambda *call: shapes.append(tuple(call[2].shape)))
    assert network(torch.zeros(3, 3, image_side, image_side)).shape == (3, 7)
    return shapes


def test_small_images_keep_their_side_until_the_second_stage():
    assert sides_and_planes(32) == [(3, 2, 32, 32), (3, 4, 16, 16), (3, 8, 8, 8), (3, 16, 4, 4)]


def test_large_images_reach_the_first_stage_four_times_smaller():
    assert sides_and_planes(64) == [(3, 2, 16, 16), (3, 4, 8, 8), (3, 8, 4, 4), (3, 16, 2, 2)]


def test_it_has_the_parameters_of_a_resnet_18():
    # The number that is published for 1,000 classes.
    assert sum(weight.numel() for weight in ResNet18(1000, image_side=224).parameters()) == 11_689_512


def test_the_four_stages_are_measured_as_means_over_their_positions():
    torch.manual_seed(0)
    network = ResNet18(5, image_side=32, width=2)
    images = torch.rand(12, 3, 32, 32)
    report = measure(network, [images], STAGES, pooling="mean", backend="reference")
    assert [(layer.name, layer.width) for layer in report.layers] == list(zip(STAGES, (2, 4, 8, 16), strict=True))
    with torch.no_grad():
        rows = network.eval().stage1(network.stem(images)).mean((2, 3))
    assert report["stage1"].num_samples == 12
    assert report["stage1"].value_range[1] >= rows.max().item() - 1e-6
    again = measure(network, [images], STAGES, pooling=lambda positions: positions.mean(1), backend="reference")
    assert torch.equal(again["stage4"].entropy, report["stage4"].entropy)


@pytest.mark.parametrize("image_side", [32, 64])
def test_it_learns(image_side):
    torch.manual_seed(0)
    network = ResNet18(2, image_side=image_side, width=4)
    labels = torch.arange(16) % 2
    images = torch.rand(16, 3, image_side, image_side) * 0.2 + 0.6 * labels[:, None, None, None]
    optimizer = torch.optim.RMSprop(network.parameters(), 0.005)
    for _ in range(15):
        loss = torch.nn.functional.cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.2
