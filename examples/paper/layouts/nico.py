"""Read animals in contexts from the folders of NICO++."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

__all__ = ["list_images", "read_images"]

_PLACES = ("track_1/public_dg_0416/train", "public_dg_0416/train")
_SOURCE = 'Zhang et al. publish it with "NICO++: Towards Better Benchmarking for Domain Generalization"'
_MOST_NAMED = 5  # number of unreadable images named in the warning


def list_images(
    data_root: Path | None, contexts: Sequence[str], classes: Sequence[str]
) -> dict[tuple[str, str], list[Path]]:
    """List the image files of every context and class, sorted by name.

    Args:
        data_root: Folder with ``track_1/public_dg_0416/train/<context>/<class>/*.jpg``, or with ``public_dg_0416``.
        contexts: Names of context folders.
        classes: Names of class folders in each context.

    Raises:
        ValueError: A folder is missing or has no image.
    """
    if data_root is None:
        raise FileNotFoundError(f"data_root: a folder with NICO++ is required, got None; {_SOURCE}.")
    train = next((data_root / place for place in _PLACES if (data_root / place).is_dir()), None)
    if train is None:
        raise FileNotFoundError(
            f"data_root: a folder with '{_PLACES[0]}/<context>/<class>/*.jpg' is required, '{data_root}' has none; put "
            f"NICO++ there: {_SOURCE}."
        )
    found = {}
    for context in contexts:
        for name in classes:
            folder = train / context / name
            found[context, name] = sorted(path for path in folder.glob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
            if not found[context, name]:
                state = "has none" if folder.is_dir() else "is no folder"
                raise ValueError(
                    f"nico: images of {name!r} in the context {context!r} are required, '{folder}' {state}; unpack "
                    "NICO++ again."
                )
    return found


def read_images(paths: Sequence[Path], side: int) -> tuple[Tensor, Tensor]:
    """Read images and resize each to a square, ignoring its aspect ratio.

    Args:
        paths: Image files.
        side: Side of the square, in pixels.

    Returns:
        uint8 ``[images, 3, side, side]`` with the readable images, and bool ``[paths]``, True for these. A warning
        counts the others and names the first of them.

    Cost:
        About 5 ms per image, and 150 kB of memory at 224 pixels.
    """
    images, damaged = [], []
    readable = torch.ones(len(paths), dtype=torch.bool)
    for place, path in enumerate(paths):
        try:
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BILINEAR))
        # Pillow raises many classes of errors for damaged files, also those of the reader of the format.
        except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
            readable[place] = False
            damaged.append(path)
        else:
            images.append(torch.from_numpy(pixels.copy()).permute(2, 0, 1))
    if damaged:
        named = ", ".join(f"'{path}'" for path in damaged[:_MOST_NAMED])
        rest = f" and {len(damaged) - _MOST_NAMED} more" if len(damaged) > _MOST_NAMED else ""
        warnings.warn(
            f"nico: {len(damaged)} of {len(paths)} images cannot be read and are left out: {named}{rest}; unpack them "
            "again.",
            stacklevel=2,
        )
    return (torch.stack(images) if images else torch.empty(0, 3, side, side, dtype=torch.uint8)), readable
