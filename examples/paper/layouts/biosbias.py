"""Read Bias in Bios from ``BIOS.pkl``, the pickled list of biographies that its published programs write."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["GENDERS", "Biographies", "read_biographies"]

GENDERS = ("M", "F")
_PLACES = ("BIOS.pkl", "biosbias/BIOS.pkl")
_FIELDS = {"raw": str, "bio": str, "start_pos": int, "title": str, "gender": str}


class Biographies(NamedTuple):
    """Biographies, in the order of the file.

    Attributes:
        raw: Texts without the first sentence, which names the profession.
        scrubbed: The same without the person's names and words that reveal the gender.
        professions: Names of all professions, in alphabetical order.
        labels: int64 ``[biographies]``, indices in ``professions``.
        genders: int64 ``[biographies]``, indices in `GENDERS`, inferred from pronouns.
    """

    raw: list[str]
    scrubbed: list[str]
    professions: list[str]
    labels: NDArray[np.int64]
    genders: NDArray[np.int64]


def read_biographies(data_root: Path | None) -> Biographies:
    """Read the biographies (De-Arteaga et al. 2019), and reject anything else in the pickle.

    A pickle can run any program. Only lists, dictionaries, strings and numbers are loaded, which is all that the
    published file contains.

    Args:
        data_root: Folder with ``BIOS.pkl`` or ``biosbias/BIOS.pkl``.

    Raises:
        FileNotFoundError: Neither file exists.
        ValueError: The file is damaged, contains anything but such biographies, or is empty.
    """
    paths = [] if data_root is None else [data_root / place for place in _PLACES]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise FileNotFoundError(
            f"data_root: a folder with {' or '.join(_PLACES)} is required, got "
            f"{'none' if data_root is None else repr(str(data_root))}; the set (De-Arteaga et al. 2019, Bias in Bios) "
            "is made by the programs published at github.com/microsoft/biosbias."
        )
    return _arrange(_unpickle(path), path)


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Reject all classes and functions, which containers, strings and numbers do not need."""
        raise _ForeignError(f"{module}.{name}")


class _ForeignError(Exception):
    """The pickle asks for something that is not a plain value."""


def _unpickle(path: Path) -> object:
    try:
        with path.open("rb") as file:
            return _PlainUnpickler(file).load()
    except _ForeignError as error:
        raise ValueError(
            f"data_root: a pickle of lists, dictionaries, strings and numbers is required, got '{path.name}' that asks "
            f"for {error}, which was not loaded; do not open this file elsewhere, and get one from its makers."
        ) from error
    except Exception as error:  # a damaged pickle can raise almost any error
        raise ValueError(
            f"data_root: a whole pickle is required, got '{path.name}' ({path.stat().st_size} bytes), which cannot be "
            f"read to its end ({type(error).__name__}); copy it again."
        ) from error


def _arrange(records: object, path: Path) -> Biographies:
    if not isinstance(records, list) or not records:
        raise ValueError(
            f"data_root: a list of biographies is required in '{path.name}', got "
            f"{'an empty one' if isinstance(records, list) else type(records).__name__}; it is made by preprocess.py "
            "of the published programs."
        )
    for place, record in enumerate(records):
        fault = _fault_of(record)
        if fault:
            raise ValueError(
                f"data_root: biographies with {', '.join(_FIELDS)} are required in '{path.name}', got {fault} in the "
                f"one at place {place}; it is made by preprocess.py of the published programs."
            )
    professions = sorted({record["title"] for record in records})
    number = {title: place for place, title in enumerate(professions)}
    return Biographies(
        raw=[record["raw"][record["start_pos"] :] for record in records],
        scrubbed=[record["bio"] for record in records],
        professions=professions,
        labels=np.array([number[record["title"]] for record in records], np.int64),
        genders=np.array([GENDERS.index(record["gender"]) for record in records], np.int64),
    )


def _fault_of(record: object) -> str:
    """Describe what is wrong with a record; empty if nothing is."""
    if not isinstance(record, dict):
        return f"a {type(record).__name__}"
    for name, kind in _FIELDS.items():
        if not isinstance(record.get(name), kind):
            return f"{name} {record[name]!r}" if name in record else f"no {name}"
    return "" if record["gender"] in GENDERS else f"gender {record['gender']!r}"
