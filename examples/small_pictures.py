"""Save figures in a few kilobytes, for a repository."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

__all__ = ["save_small"]

_COLORS = 96


def save_small(figure: Figure, path: Path, *, dots_per_inch: int = 100) -> None:
    """Save a figure as a PNG file with few colours."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dots_per_inch)
    Image.open(drawn).convert("RGB").quantize(_COLORS, dither=Image.Dither.NONE).save(path, optimize=True)
