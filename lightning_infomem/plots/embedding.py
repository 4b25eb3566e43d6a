"""A figure as markup that stands inside a page."""

from __future__ import annotations

import hashlib
import io
import re
from html import escape

from matplotlib.figure import Figure
from matplotlib.image import AxesImage

__all__ = ["embed_figure", "keep_cells"]

# What matplotlib writes around the drawing: comments, its own name and the date, and a style that would hold for the
# whole page, which has it for its figures.
_AROUND = re.compile(r"<!--.*?-->|<metadata>.*?</metadata>|<style[^>]*>.*?</style>", re.DOTALL)
_REFERENCE = re.compile(r'(?<=href="#)[^"]+|(?<=url\(#)[^)]+')
_NAME = re.compile(r' id="([^"]*)"')
_OUTLINE = re.compile(r' d="[^"]*"')
_FINE = re.compile(r"(\.\d\d)\d+")  # below a hundredth of a point nothing is seen


def embed_figure(figure: Figure, description: str) -> str:
    """Write a figure as an ``<svg>`` element for HTML, the same for the same figure.

    Several may stand on one page: names inside one do not meet those of the others.

    Args:
        figure: from one of the functions of this package, or any other; its background becomes transparent.
        description: for those who cannot see it.
    """
    written = io.StringIO()
    keep_cells(figure)
    figure.savefig(written, format="svg", metadata={"Date": None}, transparent=True)
    drawing = _AROUND.sub("", written.getvalue())
    drawing = drawing[drawing.index("<svg") :].strip()
    drawing = _OUTLINE.sub(lambda found: _FINE.sub(r"\1", found[0]), drawing)
    # The names are made of random numbers: those that are looked up are counted instead, the others are dropped.
    used = {name: str(place) for place, name in enumerate(dict.fromkeys(_REFERENCE.findall(drawing)))}
    numbered = _REFERENCE.sub(lambda found: used[found[0]], drawing)
    own = hashlib.sha256(_NAME.sub("", numbered).encode()).hexdigest()[:8]
    drawing = _REFERENCE.sub(lambda found: f"{own}-{used[found[0]]}", drawing)
    drawing = _NAME.sub(lambda found: f' id="{own}-{used[found[1]]}"' if found[1] in used else "", drawing)
    return drawing.replace("<svg", f'<svg role="img" aria-label="{escape(description)}"', 1)


def keep_cells(figure: Figure) -> None:
    """Let an SVG hold the images of a figure as they are, a pixel a cell: smaller than resampled, and never blurred.

    Not for a PNG: one with fewer pixels than cells would leave some out.
    """
    for image in figure.findobj(AxesImage):
        image.set_interpolation("none")
