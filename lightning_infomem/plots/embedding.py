"""A figure as text that stands inside a page."""

from __future__ import annotations

import base64
import io

from matplotlib.figure import Figure

__all__ = ["embed_figure"]


def embed_figure(figure: Figure) -> str:
    """Write a figure as the address of an image that holds it: ``data:image/svg+xml;base64,...``.

    An image of its own, since the names inside one SVG would meet those of the next on the same page.

    Args:
        figure: from one of the functions of this package, or any other; its background becomes transparent.
    """
    picture = io.BytesIO()
    figure.savefig(picture, format="svg", metadata={"Date": None}, transparent=True)
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.getvalue()).decode('ascii')}"
