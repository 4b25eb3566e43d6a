from __future__ import annotations

import math

from examples.information_plane import cost
from examples.information_plane.cost import ESTIMATORS, main
from lightning_infomem.information_plane import MINE


def test_the_table_has_a_line_for_each_estimator_and_one_for_the_geometry(capsys, monkeypatch):
    quick = [MINE(steps=20) if isinstance(each, MINE) else each for each in ESTIMATORS]  # 5 s by default
    monkeypatch.setattr(cost, "ESTIMATORS", quick)
    assert main(["--samples", "64", "128"]) == 0
    lines = capsys.readouterr().out.splitlines()[4:]
    assert len(lines) == len(ESTIMATORS) + 1
    assert lines[0].startswith("| Binning | ")
    assert lines[-1].startswith("| measure_geometry | ")
    for line in lines:
        small, large, growth = (float(cell) for cell in line.split("|")[2:-1])
        assert small >= 0
        assert large >= 0
        assert math.isfinite(growth)


def test_some_can_be_chosen(capsys):
    main(["--samples", "64", "--only", "Binning", "MatrixRenyi"])
    lines = capsys.readouterr().out.splitlines()[4:]
    assert [line.split("|")[1].strip() for line in lines] == [
        "Binning",
        "MatrixRenyi, order 2",
        "MatrixRenyi, order 1.01",
    ]
