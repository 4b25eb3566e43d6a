"""What every result can do."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from scipy import stats

from lightning_infomem.model_information.mean_and_spread import mean_and_spread
from lightning_infomem.model_information.result import Result


@dataclass(frozen=True)
class Two(Result):
    """Two rows, with values of every kind."""

    settings: dict[str, Any] = field(default_factory=lambda: {"blocks": "orgad", "seed": 0})

    def to_records(self):
        return [
            {"name": "a|b", "code_bits": 1234.567, "code_bits_spread": 12.5, "share": 0.123456, "seeds": 3},
            {"name": "c", "code_bits": math.inf, "code_bits_spread": math.nan, "share": math.nan, "seeds": None},
        ]


def test_a_result_is_written_as_its_name_ends(tmp_path):
    rows = Two().to_records()
    saved = json.loads(Two().save(tmp_path / "two.json").read_text())
    assert saved["settings"] == Two().settings
    assert saved["rows"][0] == rows[0]
    assert saved["rows"][1] == dict.fromkeys(rows[1]) | {"name": "c"}
    assert Two().save(tmp_path / "two.csv").read_text().splitlines() == [
        "name,code_bits,code_bits_spread,share,seeds",
        "a|b,1234.567,12.5,0.123456,3",
        "c,,,,",
    ]
    assert Two().save(str(tmp_path / "two.md")).read_text().splitlines() == [
        "| name | code bits | share | seeds |",
        "| --- | ---: | ---: | ---: |",
        r"| a\|b | 1,235 ± 12.5 | 0.1235 | 3 |",
        "| c | - | - | - |",
    ]
    with pytest.raises(ValueError, match=r"path: a name that ends in .json, .csv, .md is required, got 'two.xlsx'"):
        Two().save("two.xlsx")


def test_a_result_prints_its_rows():
    lines = str(Two()).splitlines()
    assert any(line.split() == ["name", "code", "bits", "share", "seeds"] for line in lines)
    assert any(line.split() == ["a|b", "1,235", "±", "12.5", "0.1235", "3"] for line in lines)


def test_the_spread_is_half_of_students_interval():
    values = [1.0, 2.0, 4.0, 4.5]
    mean, spread = mean_and_spread(values)
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert (mean - spread, mean + spread) == (pytest.approx(low), pytest.approx(high))
    assert mean_and_spread([2.0, 2.0]) == (2.0, 0.0)


def test_a_single_seed_and_infinite_ones_have_no_spread():
    assert mean_and_spread([3.0])[0] == 3.0
    assert math.isnan(mean_and_spread([3.0])[1])
    mean, spread = mean_and_spread([math.inf, 1.0])
    assert mean == math.inf
    assert math.isnan(spread)
