"""Every figure looks like its reference picture in the folder ``pictures``.

After an intended change, run ``REMAKE_PICTURES=1 python -m pytest tests/plots/test_pictures.py``, and look at each new
picture before committing it.
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
MADE_WITH = "3.11"  # version of matplotlib; others place and smooth letters differently

# Root mean square over all pixels and colours, on a scale of 255. Rounding on other processors changes shades of edges
# by a few units, far less than 1 on average; a missing black tick of 20 pixels in a figure of 495 x 216 gives 3.
TOLERANCE = 1.0


def draw(figure: Figure, name: str) -> Path:
    DRAWN.mkdir(parents=True, exist_ok=True)
    path = DRAWN / f"{name}.png"
    figure.savefig(path, dpi=45, metadata={"Software": None})
    return path


def difference(drawn: Path, name: str) -> str | None:
    """Return a message with the paths of both pictures and of their difference; None if they look the same."""
    return compare_images(PICTURES / f"{name}.png", drawn, TOLERANCE)


needs_its_version = pytest.mark.skipif(
    not matplotlib.__version__.startswith(f"{MADE_WITH}."),
    reason=f"the pictures were made with matplotlib {MADE_WITH}, this is {matplotlib.__version__}",
)


@needs_its_version
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_looks_like_its_picture(name: str) -> None:
    drawn = draw(FIGURES[name](), name)
    if os.environ.get("REMAKE_PICTURES"):
        PICTURES.mkdir(exist_ok=True)
        Image.open(drawn).convert("RGB").save(PICTURES / f"{name}.png", optimize=True)
        pytest.skip("the picture was remade; look at it")
    message = difference(drawn, name)
    if message:
        pytest.fail(f"{message}\nIf the change is intended, remake the picture: see {Path(__file__).name}.")


@needs_its_version
def test_a_missing_tick_is_detected_and_the_difference_is_saved_in_the_folder_build() -> None:
    figure = FIGURES["layers"]()
    next(lines for lines in figure.axes[1].collections if lines.get_label() == "mean").remove()
    message = difference(draw(figure, "layers-without-a-tick"), "layers")
    assert message is not None
    assert str(DRAWN / "layers-without-a-tick-failed-diff.png") in message
    assert (DRAWN / "layers-without-a-tick-failed-diff.png").exists()


def test_every_figure_of_the_package_has_a_picture() -> None:
    functions = {name.removeprefix("plot_") for name in plots.__all__ if name.startswith("plot_")}
    assert functions <= set(FIGURES)
    assert {path.stem for path in PICTURES.glob("*.png")} == set(FIGURES)


def test_the_pictures_are_small() -> None:
    sizes = [path.stat().st_size for path in PICTURES.glob("*.png")]
    assert max(sizes) < 40_000
    assert sum(sizes) < 500_000
