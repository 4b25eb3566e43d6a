"""A figure as a file."""

from __future__ import annotations

import os
from pathlib import Path

from matplotlib.figure import Figure

from lightning_infomem._checks import check_choice
from lightning_infomem.plots.embedding import keep_cells

__all__ = ["save_figure"]

_DOTS_PER_INCH = 150


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure as PNG or SVG, by the suffix of ``path``; a reader never sees half a file.

    Args:
        figure: from one of the functions of this package, or any other.
        path: ends in .png or .svg; an existing file is replaced. Its folder must exist.

    Returns:
        ``path``.

    Raises:
        ValueError: another suffix.
    """
    path = Path(path)
    kind = check_choice(path.suffix.lower(), name=f"path (the suffix of {path.name!r})", choices=(".png", ".svg"))
    if kind == ".svg":
        keep_cells(figure)
    # Beside the target: a rename is atomic only within one file system.
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        figure.savefig(partial, format=kind[1:], dpi=_DOTS_PER_INCH)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path
