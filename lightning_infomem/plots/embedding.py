"""A figure as text that stands inside a page."""

from __future__ import annotations

import base64
import io

from matplotlib.figure import Figure
from matplotlib.image import AxesImage

__all__ = ["embed_figure", "keep_cells"]


def embed_figure(figure: Figure) -> str:
    """Write a figure as the address of an image that holds it: ``data:image/svg+xml;base64,...``.

    An image of its own, since the names inside one SVG would meet those of the next on the same page.

    Args:
        figure: from one of the functions of this package, or any other; its background becomes transparent.
    """
    picture = io.BytesIO()
    keep_cells(figure)
    figure.savefig(picture, format="svg", metadata={"Date": None}, transparent=True)
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.getvalue()).decode('ascii')}"


def keep_cells(figure: Figure) -> None:
    """Let an SVG hold the images of a figure as they are, a pixel a cell: smaller than resampled, and never blurred.

    Not for a PNG: one with fewer pixels than cells would leave some out.
    """
    for image in figure.findobj(AxesImage):
        image.set_interpolation("none")
