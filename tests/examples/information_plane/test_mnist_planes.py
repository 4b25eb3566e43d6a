from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from examples.information_plane import mnist_planes
from examples.information_plane.geometry_along import Geometry
from examples.information_plane.mnist_networks import NETWORKS, QuantizedDigits, layers_of, read_images, train
from examples.information_plane.mnist_planes import STUDIES, main, run
from lightning_infomem.information_plane import measure_geometry
from tests.examples.paper.files import write_mnist


def in_this_process(work, jobs, *given, workers):
    for job in jobs:
        yield job, work(job, *given)


@pytest.fixture
def data_root(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist_planes, "on_workers", in_this_process)
    write_mnist(tmp_path / "mnist", 200, part="t10k")
    return tmp_path / "mnist"


@pytest.mark.parametrize(
    ("name", "widths"),
    [
        ("bottleneck", [16, 8, 4, 2, 10]),
        ("hourglass", [16, 8, 4, 2, 4, 8, 10]),
        ("4x10", [10, 10, 10, 10, 10]),
        ("convolution", [2 * 13 * 13, 2 * 5 * 5, 16, 10]),
    ],
)
def test_networks_have_the_published_layers_of_8_bits(name, widths):
    model = QuantizedDigits(NETWORKS[name]).double()
    images = torch.rand(300, 1, 28, 28, dtype=torch.float64)
    assert torch.all(model(images) >= 0)
    codes = model.network.measure_codes([images])
    assert [each.shape[1] for each in codes.values()] == widths
    assert all(0 <= int(each.min()) <= int(each.max()) <= 255 for each in codes.values())
    assert list(codes) == NETWORKS[name].layers


def test_weights_begin_within_twice_the_width_of_their_layer():
    torch.manual_seed(0)
    for part in NETWORKS["bottleneck"].build():
        if isinstance(part, nn.Linear):
            spread = len(part.weight) ** -0.5
            assert 0.5 * spread < part.weight.std() < 1.2 * spread
            assert part.weight.abs().max() <= 2 * spread
            assert not part.bias.any()


def test_at_most_8000_images_are_learnt_and_2000_held_out(data_root):
    images = read_images(data_root)
    assert (len(images.learnt), len(images.held_out)) == (160, 40)
    inputs, labels = images.all
    assert (inputs.dtype, tuple(inputs.shape), len(labels)) == (torch.float64, (200, 1, 28, 28), 200)
    assert 0 <= inputs.min() < inputs.max() <= 1


def test_a_run_is_the_same_again_and_the_prefitted_one_another(data_root):
    first, again, prefitted = (run(STUDIES[name], 0, 2, data_root) for name in
                               ("bottleneck", "bottleneck", "bottleneck-prefitted"))  # fmt: skip
    assert [plane["epoch"] for plane in first["planes"]] == [0, 1, 2]
    assert [plane["epoch"] for plane in prefitted["planes"]] == [0, 1, 2, 3]
    assert first["planes"][2]["points"] == again["planes"][2]["points"]
    exact = mnist_planes._EXACT
    moved = [each["planes"][1]["points"]["hidden4"][exact]["label_information"] for each in (first, prefitted)]
    assert moved[0] != moved[1]
    point = first["planes"][1]["points"]["hidden1"][exact]
    assert (point["input_kind"], point["num_samples"]) == ("exact", 200)
    assert 0 <= point["label_information"] <= point["input_information"] <= math.log(200) + 1e-12


def test_equal_images_have_equal_activations(data_root):
    images = read_images(data_root)
    model = train(NETWORKS["4x10"], images, 0, 1, [])
    batch = torch.cat([images.learnt.tensors[0][:3]] * 40)
    with torch.no_grad():
        assert len(model(batch).unique(dim=0)) <= 3
    assert layers_of(NETWORKS["4x10"])[-1] in dict(model.named_modules())


def test_the_geometry_is_that_of_the_last_samples():
    hidden, labels = torch.rand(50, 3, 2), torch.arange(50) % 5
    point = Geometry(20).estimate(hidden, labels)
    expected = measure_geometry(hidden[30:].flatten(1), labels[30:])
    assert point.scores["diameter"] == expected.diameter
    assert point.scores["occupied_cells"] == expected.occupied_cells
    assert (point.num_samples, point.num_units) == (20, 6)
    assert math.isnan(point.input_information)


def test_tables_and_figures_are_written_and_what_is_trained_is_not_trained_again(
    data_root, tmp_path, monkeypatch, capsys
):
    output = tmp_path / "planes"
    names = ["bottleneck", "bottleneck-prefitted"]
    command = [*("--data-root", str(data_root), "--output", str(output)), *("--epochs", "1", "--seeds", "2")]
    command += ["--only", *names]
    assert main(command) == 0
    first = capsys.readouterr().out
    assert [line[3:] for line in first.splitlines() if line.startswith("## ")] == names
    assert len([line for line in first.splitlines() if line.startswith("| hidden4 |")]) == 2
    assert "1 epochs on random labels, then 1 epochs; accuracy " in first
    files = {f"{name}-1-epochs-seed-{seed}.json" for name in names for seed in (0, 1)}
    assert {path.name for path in output.iterdir()} == {*files, *(f"{name}.png" for name in names), "mnist_planes.md"}
    monkeypatch.setattr(mnist_planes, "run", lambda *_: pytest.fail("trained again"))
    assert main(command) == 0
    assert capsys.readouterr().out == first


def test_ctrl_c_keeps_what_is_trained(data_root, tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(mnist_planes, "run", interrupted)
    output = tmp_path / "planes"
    assert main(["--data-root", str(data_root), "--output", str(output), "--epochs", "1"]) == 130
    assert "the same command continues" in capsys.readouterr().err
    assert list(output.iterdir()) == []


def test_epochs_that_cannot_be_divided_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--data-root", "mnist", "--output", str(tmp_path), "--epochs", "12"])
    assert "1 to 8 or a multiple of 8 is required, got 12" in capsys.readouterr().err
