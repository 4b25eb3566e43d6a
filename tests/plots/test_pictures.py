"""Every figure looks as it did; the pictures lie beside this file.

After a change that is wanted: ``REMAKE_PICTURES=1 python -m pytest tests/plots/test_pictures.py``, then look at each of
them before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import matplotlib
import pytest
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images
from PIL import Image

from lightning_infomem import plots
from tests.plots.figures import FIGURES

PICTURES = Path(__file__).parent / "pictures"
DRAWN = Path(__file__).parent.parent.parent / "build" / "pictures"
MADE_WITH = "3.11"  # of matplotlib, whose other versions place and smooth letters otherwise

# Root of the mean square over all pixels and colours, of 255. Another processor rounds otherwise, and shades of edges
# move by a few of 255, which is far below 1; a black tick of 20 pixels that is missing in a figure of 495 x 216 is 3.
TOLERANCE = 1.0


def draw(figure: Figure, name: str) -> Path:
    DRAWN.mkdir(parents=True, exist_ok=True)
    path = DRAWN / f"{name}.png"
    figure.savefig(path, dpi=45, metadata={"Software": None})
    return path


def difference(drawn: Path, name: str) -> str | None:
    """What is to be said of it, with the paths of both and of the picture of their difference; None where alike."""
    return compare_images(PICTURES / f"{name}.png", drawn, TOLERANCE)


needs_its_version = pytest.mark.skipif(
    not matplotlib.__version__.startswith(f"{MADE_WITH}."),
    reason=f"the pictures were made with matplotlib {MADE_WITH}, this is {matplotlib.__version__}",
)


@needs_its_version
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_looks_as_its_picture(name: str) -> None:
    drawn = draw(FIGURES[name](), name)
    if os.environ.get("REMAKE_PICTURES"):
        PICTURES.mkdir(exist_ok=True)
        Image.open(drawn).convert("RGB").save(PICTURES / f"{name}.png", optimize=True)
        pytest.skip("its picture was made anew; look at it")
    told = difference(drawn, name)
    if told:
        pytest.fail(f"{told}\nIf the change is wanted, make the picture anew: see {Path(__file__).name}.")


@needs_its_version
def test_a_tick_that_is_missing_is_seen_and_the_difference_lies_in_the_folder_build() -> None:
    figure = FIGURES["layers"]()
    next(lines for lines in figure.axes[1].collections if lines.get_label() == "mean").remove()
    told = difference(draw(figure, "layers-without-a-tick"), "layers")
    assert told is not None
    assert str(DRAWN / "layers-without-a-tick-failed-diff.png") in told
    assert (DRAWN / "layers-without-a-tick-failed-diff.png").exists()


def test_every_figure_of_the_package_has_a_picture() -> None:
    functions = {name.removeprefix("plot_") for name in plots.__all__ if name.startswith("plot_")}
    assert functions <= set(FIGURES)
    assert {path.stem for path in PICTURES.glob("*.png")} == set(FIGURES)


def test_the_pictures_are_small() -> None:
    sizes = [path.stat().st_size for path in PICTURES.glob("*.png")]
    assert max(sizes) < 40_000
    assert sum(sizes) < 500_000
