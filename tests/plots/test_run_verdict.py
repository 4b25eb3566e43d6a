from __future__ import annotations

import math
from pathlib import Path

from lightning_infomem.plots import plot_run_verdict
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.run_verdict import RunRow, RunVerdict

ROWS = tuple(
    RunRow(Path("run", f"{place}.ckpt"), place, 10 * place, 0.5, 2.0, 0.9, 0.8, place > 3) for place in range(5)
)
JUDGEMENT = Judgement(True, 1, 0.1, 0.1, streak=3, voters=4, agreement=(0.8,) * 5)


def test_the_alarm_and_the_moment_to_keep_are_those_of_the_verdict() -> None:
    figure = plot_run_verdict(RunVerdict(ROWS, JUDGEMENT, ROWS[1]))
    assert figure.get_suptitle() == "memorizes from epoch 2 on: keep the checkpoint of epoch 1"
    assert figure.axes[0].lines[0].get_xydata().tolist() == [[place, 0.5] for place in range(5)]


def test_a_metric_stands_at_its_epochs() -> None:
    figure = plot_run_verdict(RunVerdict(ROWS, JUDGEMENT, ROWS[1]), metric={0: 0.25, 4: 0.75}, metric_name="F1")
    drawn = figure.axes[-1].lines[0].get_ydata()
    assert [value for value in drawn if math.isfinite(value)] == [0.25, 0.75]
    assert figure.axes[-1].get_title(loc="left") == "F1"


def test_without_epochs_the_axis_counts_steps() -> None:
    rows = tuple(RunRow(row.path, None, row.step, 0.5, 2.0, 0.9) for row in ROWS)
    figure = plot_run_verdict(RunVerdict(rows, Judgement(False, 4, abstention="too few")))
    assert (figure.axes[-1].get_xlabel(), figure.get_suptitle()) == ("step", "memorization: no verdict")
