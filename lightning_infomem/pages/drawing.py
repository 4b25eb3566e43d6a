"""A figure on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Drawing"]


class Drawing(NamedTuple):
    """A figure as a page holds it.

    Attributes:
        description: Words for those who do not see it, and above it for those who do.
        svg: The figure.
    """

    description: str
    svg: Markup

    @classmethod
    def of(cls, figure: Figure, description: str) -> Drawing:
        """Draw a figure."""
        # Imported late: who only ranks does not wait for matplotlib.
        from lightning_infomem.plots import embed_figure

        return cls(description, Markup(embed_figure(figure, description)))
