from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from lightning_infomem.plots import plot_course
from lightning_infomem.plots.course import is_course
from tests.plots.rankings import Row

ROWS = tuple(
    Row(Path("run", f"{epoch}.ckpt"), information, (information - 0.1, information + 0.1), epoch=epoch, entropy=entropy)
    for epoch, information, entropy in [(4, 0.5, 1.5), (0, 0.2, 2.5), (2, 0.3, 2.0)]
)


def test_both_measures_are_drawn_in_the_order_of_epochs() -> None:
    left, right = plot_course(ROWS).axes
    assert left.lines[0].get_xydata().tolist() == [[0, 0.2], [2, 0.3], [4, 0.5]]
    assert right.lines[0].get_xydata().tolist() == [[0, 2.5], [2, 2.0], [4, 1.5]]
    band = left.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (0.1, 0.6)
    assert (left.get_ylabel(), right.get_ylabel()) == ("nats", "nats")


def test_a_course_has_one_folder_and_every_epoch_once() -> None:
    assert is_course(ROWS)
    assert not is_course(ROWS[:1])
    assert not is_course([*ROWS, ROWS[0]])
    assert not is_course([*ROWS[:2], dataclasses.replace(ROWS[2], epoch=None)])
    assert not is_course([*ROWS[:2], dataclasses.replace(ROWS[2], path=Path("other", "2.ckpt"))])


def test_a_checkpoint_without_an_epoch_is_refused() -> None:
    with pytest.raises(ValueError, match=r"rows: checkpoints with an epoch are required, got none in 'run.4.ckpt'"):
        plot_course([dataclasses.replace(ROWS[0], epoch=None), *ROWS[1:]])
    with pytest.raises(ValueError, match="got no checkpoint"):
        plot_course([])
