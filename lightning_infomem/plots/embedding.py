"""Figure as SVG markup inside an HTML page."""

from __future__ import annotations

import hashlib
import io
import re
from html import escape

from matplotlib.figure import Figure
from matplotlib.image import AxesImage

__all__ = ["embed_figure", "keep_cells"]

# What matplotlib writes around the drawing: comments, its name and the date, and a style sheet that would apply to the
# whole page, which already has these rules for its figures.
_AROUND = re.compile(r"<!--.*?-->|<metadata>.*?</metadata>|<style[^>]*>.*?</style>", re.DOTALL)
_REFERENCE = re.compile(r'(?<=href="#)[^"]+|(?<=url\(#)[^)]+')
_NAME = re.compile(r' id="([^"]*)"')
_OUTLINE = re.compile(r' d="[^"]*"')
_FINE = re.compile(r"(\.\d\d)\d+")  # less than a hundredth of a point is invisible


def embed_figure(figure: Figure, description: str) -> str:
    """Return a figure as an ``<svg>`` element for HTML; the same figure gives the same text.

    One page may hold several: the ids inside one figure do not clash with those of others.

    Args:
        figure: Any matplotlib figure; its background becomes transparent.
        description: Text for screen readers.
    """
    written = io.StringIO()
    keep_cells(figure)
    figure.savefig(written, format="svg", metadata={"Date": None}, transparent=True)
    drawing = _AROUND.sub("", written.getvalue())
    drawing = drawing[drawing.index("<svg") :].strip()
    drawing = _OUTLINE.sub(lambda found: _FINE.sub(r"\1", found[0]), drawing)
    # Ids are random: number those that are referenced, and drop the others.
    used = {name: str(place) for place, name in enumerate(dict.fromkeys(_REFERENCE.findall(drawing)))}
    numbered = _REFERENCE.sub(lambda found: used[found[0]], drawing)
    prefix = hashlib.sha256(_NAME.sub("", numbered).encode()).hexdigest()[:8]
    drawing = _REFERENCE.sub(lambda found: f"{prefix}-{used[found[0]]}", drawing)
    drawing = _NAME.sub(lambda found: f' id="{prefix}-{used[found[1]]}"' if found[1] in used else "", drawing)
    return drawing.replace("<svg", f'<svg role="img" aria-label="{escape(description)}"', 1)


def keep_cells(figure: Figure) -> None:
    """Make an SVG store images with one pixel per cell, which is smaller than a resampled image and never blurred.

    Do not use it for a PNG: with fewer pixels than cells, some cells would be lost.
    """
    for image in figure.findobj(AxesImage):
        image.set_interpolation("none")
