from __future__ import annotations

import pytest

from examples.information_plane import szt_planes
from examples.information_plane.szt_planes import VARIANTS, main, moments, train


def test_moments_are_dense_at_first_and_hold_both_ends():
    assert moments(20) == [0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20]
    assert moments(9) == [0, 1, 2, 3, 4, 5, 6, 8, 9]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_network_is_trained_beside_others_as_if_alone(variant):
    alone, beside = train(variant, [1], 2)[0], train(variant, [0, 1, 2], 2)[1]
    assert [plane.epoch for plane in alone] == [0, 1, 2]
    assert list(alone[-1].points) == ["1", "3", "5", "7", "9"]
    for one, other in zip(alone, beside, strict=True):
        for layer, points in one.points.items():
            (point,), (twin,) = points.values(), other.points[layer].values()
            # Sums in another order: a value at an edge may change its bin.
            assert point.input_information == pytest.approx(twin.input_information, abs=0.02)
            assert point.num_samples == 4096
    moved = [plane.points["9"][next(iter(plane.points["9"]))].input_information for plane in alone]
    assert moved[0] != moved[-1]


def test_the_table_and_the_figures_are_written_and_what_is_trained_is_not_trained_again(tmp_path, monkeypatch, capsys):
    command = ["--output", str(tmp_path / "planes"), "--epochs", "1", "--repetitions", "2"]
    assert main(command) == 0
    first = capsys.readouterr().out
    lines = first.splitlines()
    assert lines[0] == "After 1 epochs, in bits; mean over seeds (lowest to highest)."
    assert len([line for line in lines if line.startswith(("| tanh", "| relu"))]) == 10
    assert {path.name for path in (tmp_path / "planes").iterdir()} == {
        *("tanh-1-epochs-2-seeds.json", "relu-1-epochs-2-seeds.json", "tanh.png", "relu.png", "szt_planes.md")
    }
    monkeypatch.setattr(szt_planes, "train", lambda *_: pytest.fail("trained again"))
    assert main(command) == 0
    assert capsys.readouterr().out == first


def test_ctrl_c_leaves_no_half_written_file(tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(szt_planes, "train", interrupted)
    assert main(["--output", str(tmp_path), "--epochs", "1", "--repetitions", "1"]) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
