from __future__ import annotations

import math

import numpy as np
import pytest

from lightning_infomem.model_information import CodelengthReport, OnlineCode
from lightning_infomem.model_information.plots import plot_codelengths

SIZES = (20, 0, 20, 40, 80, 160)


def codes(fall: float, *, seeds: int = 3, final: bool = True) -> list[OnlineCode]:
    """Bits of a label fall with each block."""
    made = []
    for seed in range(seeds):
        bits = [size * (2 - fall * place - 0.05 * seed * (place > 0)) for place, size in enumerate(SIZES)]
        made.append(OnlineCode(4, SIZES, tuple(bits), sum(bits) / 4 if final else None, {"seed": seed}))
    return made


def made_up() -> CodelengthReport:
    return CodelengthReport({"ten digits": codes(0.3), "random": codes(0.02)})


def test_bits_a_label_stand_over_the_labels_known_without_empty_blocks():
    report = made_up()
    figure = plot_codelengths(report)
    left, right = figure.axes
    assert left.containers[0][0].get_xydata() == pytest.approx(
        np.array([[20, 1.35], [40, 1.05], [80, 0.75], [160, 0.45]])
    )
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["uniform: 2 bits", "ten digits", "random"]
    records = report.to_records()
    assert [bar.get_height() for bar in right.containers[0]] == pytest.approx([each["data_bits"] for each in records])
    assert [bar.get_height() for bar in right.containers[1]] == pytest.approx([each["model_bits"] for each in records])
    assert figure.get_suptitle() == "online codes · means over seeds 0, 1, 2, 95 % intervals"


def test_codes_without_the_final_model_are_one_bar_each():
    right = plot_codelengths(CodelengthReport({"a": codes(0.1, final=False)})).axes[1]
    assert right.containers[1][0].get_height() == pytest.approx(sum(each.code_length for each in codes(0.1)) / 3)
    assert right.get_legend() is None


def test_infinite_codes_are_left_out():
    broken = OnlineCode(4, (10, 10, 20), (20.0, math.inf, 20.0), None, {"seed": 0})
    left, _ = plot_codelengths(CodelengthReport({"broken": [broken]})).axes
    assert left.containers[0][0].get_xydata().tolist() == [[20, 1]]
