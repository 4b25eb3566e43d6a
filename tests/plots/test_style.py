from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

import lightning_infomem
from lightning_infomem.plots.style import add_level_bar, level_colors


def bar(levels: list[float]) -> list[str]:
    figure = Figure(layout="constrained")
    add_level_bar(figure, [figure.subplots()], levels, "alpha")
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    return [text for label in figure.axes[1].get_yticklabels() if (text := label.get_text())]


def test_a_higher_level_is_brighter() -> None:
    brightness = level_colors([0.5, 0.0, 1.0, 0.5])[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert brightness[1] < brightness[0] == brightness[3] < brightness[2]


def test_levels_that_span_decades_are_told_apart_by_their_logarithm() -> None:
    low, middle, high = level_colors([1e-4, 1e-2, 1.0])
    # The scale has 256 colours: the one in the middle, or its neighbour.
    np.testing.assert_allclose(middle, level_colors([0, 1, 2])[1], atol=0.02)
    assert np.abs(low - high).max() > 0.3


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ([0.5], ["0.5"]),
        ([0.5, 0.5], ["0.5"]),
        ([1, 0, 0.25], ["0", "0.25", "1"]),
        ([0.0001, 0.01, 1], ["0.0001", "0.01", "1"]),
        ([-1, 1], ["-1", "1"]),
    ],
)
def test_few_levels_are_named_one_by_one(levels: list[float], said: list[str]) -> None:
    assert bar(levels) == said


def test_many_levels_have_fewer_ticks() -> None:
    assert len(bar(list(range(50)))) < 20


def _lines_with(pattern: str, *, but: str | None = None) -> set[str]:
    package = Path(lightning_infomem.__file__).parent
    return {
        f"{path.relative_to(package)}: {line.strip()}"
        for path in package.rglob("plots/*.py")
        if path.name != but
        for line in path.read_text().splitlines()
        if re.search(pattern, line)
    }


def test_the_look_of_a_figure_is_chosen_in_one_file() -> None:
    colors, sizes = r"#[0-9A-Fa-f]{6}\b|colormaps|(color\w*|cmap)=\"", r"(font|label|marker)size=\d"
    lines = r"(line|edge)width\w*=[\d.]*[1-9]|alpha=\d"
    assert _lines_with(f"{colors}|{sizes}|{lines}", but="style.py") == set()


def test_no_figure_touches_pyplot_or_global_settings() -> None:
    assert _lines_with(r"matplotlib(\.| import )pyplot|rcParams|rc_context|matplotlib\.(rc|use)\b|plt\.") == set()
