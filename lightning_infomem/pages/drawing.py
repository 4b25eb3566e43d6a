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
        description: Caption, which is also the text for readers who cannot see the figure.
        svg: The figure.
    """

    description: str
    svg: Markup

    @classmethod
    def of(cls, figure: Figure, description: str) -> Drawing:
        """Draw a figure."""
        # Imported late, so that a ranking alone does not wait for matplotlib.
        from lightning_infomem.plots import embed_figure

        return cls(description, Markup(embed_figure(figure, description)))
