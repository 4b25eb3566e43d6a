"""Figure as a PNG or SVG file."""

from __future__ import annotations

import os
from pathlib import Path

from matplotlib.figure import Figure

from lightning_infomem._checks import check_choice
from lightning_infomem.plots.embedding import keep_cells

__all__ = ["save_figure"]

_DOTS_PER_INCH = 150


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure as PNG or SVG, depending on the suffix of ``path``; readers never see an incomplete file.

    Args:
        figure: Any matplotlib figure.
        path: Path that ends in .png or .svg, in an existing folder; an existing file is replaced.

    Returns:
        ``path``.

    Raises:
        ValueError: The suffix is another one.
    """
    path = Path(path)
    kind = check_choice(path.suffix.lower(), name=f"path (the suffix of {path.name!r})", choices=(".png", ".svg"))
    if kind == ".svg":
        keep_cells(figure)
    # In the same folder, because renaming is atomic only within one file system.
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        figure.savefig(partial, format=kind[1:], dpi=_DOTS_PER_INCH)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path
