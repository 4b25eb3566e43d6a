"""Read the Large Movie Review Dataset from its published folder (one file per review) or archive."""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Reviews", "read_reviews"]

ARCHIVES = ("aclImdb_v1.tar.gz", "aclImdb.tar.gz", "aclImdb.tar.xz", "aclImdb.tar")
_MEMBER = re.compile(r"(?:\./)?aclImdb/(train|test)/((?:pos|neg)/\d+_\d+\.txt)")
_CACHE_FORMAT = 1
_DAMAGED = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError)
_SHOWN = 3


class Reviews(NamedTuple):
    """Some reviews, ordered by name.

    Attributes:
        texts: Published texts, with HTML line breaks.
        labels: int64 ``[reviews]``, 1 for positive and 0 for negative reviews.
    """

    texts: list[str]
    labels: NDArray[np.int64]


def read_reviews(data_root: Path | None, split: Literal["train", "test"] = "train") -> Reviews:
    """Read the labelled reviews of one split (Maas et al. 2011).

    A folder is read directly. An archive is read once, without unpacking it to disk. The result is cached in the user's
    cache folder (``$XDG_CACHE_HOME``, else ``~/.cache``) by the path of the archive, and used only while the size and
    modification time of the archive are unchanged.

    Args:
        data_root: Folder with ``aclImdb/{train,test}/{pos,neg}/ID_RATING.txt`` or one of the archives
            ``aclImdb_v1.tar.gz``, ``aclImdb.tar.gz``, ``aclImdb.tar.xz``, ``aclImdb.tar``; the folder comes first.
        split: "train" or "test".

    Raises:
        FileNotFoundError: There is neither the folder nor an archive.
        ValueError: The archive is damaged, a label has no review, or a review is not UTF-8.
    """
    folder = data_root / "aclImdb" if data_root is not None else None
    if folder is not None and folder.is_dir():
        return _decode(_files(folder / split), folder / split)
    archive = next((data_root / name for name in ARCHIVES if (data_root / name).is_file()), None) if data_root else None
    if archive is None:
        raise FileNotFoundError(
            "data_root: a folder with aclImdb/{train,test}/{pos,neg}/ID_RATING.txt or with one of "
            f"{', '.join(ARCHIVES)} is required, got {'none' if data_root is None else repr(str(data_root))}; the set "
            "(Maas et al. 2011, Large Movie Review Dataset) is published at ai.stanford.edu/~amaas/data/sentiment."
        )
    cache, source = _cache_of(archive, split), _state_of(archive)
    reviews = _load(cache, source)
    if reviews is None:
        reviews = _decode(_members(archive, split), archive)
        with suppress(OSError):  # without a writable cache the archive is read each time
            _save(cache, source, reviews)
    return reviews


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for label in ("neg", "pos"):
        for path in sorted((folder / label).glob("*_*.txt")):
            yield f"{label}/{path.name}", path.read_bytes()


def _members(archive: Path, split: str) -> Iterator[tuple[str, bytes]]:
    found = []
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                match = _MEMBER.fullmatch(member.name)
                if match is None or match.group(1) != split or not member.isfile():
                    continue
                content = tar.extractfile(member)
                assert content is not None  # only files were selected
                found.append((match.group(2), content.read()))
        if archive.suffix == ".tar" and not _ends(archive):
            raise tarfile.ReadError("no end of the archive")
    except _DAMAGED as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(
            f"data_root: a whole archive is required, got '{archive.name}' ({archive.stat().st_size} bytes), which "
            f"cannot be read to its end ({reason}); copy it again."
        ) from error
    yield from sorted(found)


def _ends(archive: Path) -> bool:
    """Whether the file ends with the empty block of an archive, which is missing if it was cut between two files."""
    with archive.open("rb") as file:
        file.seek(-min(512, archive.stat().st_size), os.SEEK_END)
        return not any(file.read())


def _decode(files: Iterator[tuple[str, bytes]], source: Path) -> Reviews:
    texts, labels, damaged = [], [], []
    for name, content in files:
        try:
            texts.append(content.decode())
        except UnicodeDecodeError:
            damaged.append(name)
        labels.append(name.startswith("pos/"))
    if damaged:
        shown = ", ".join(damaged[:_SHOWN]) + (", …" if len(damaged) > _SHOWN else "")
        raise ValueError(
            f"data_root: reviews in UTF-8 are required, got {len(damaged)} in '{source.name}' that are not: {shown}; "
            "copy them again or take them out."
        )
    for label, name in ((0, "neg"), (1, "pos")):
        if label not in labels:
            raise ValueError(
                f"data_root: reviews of both labels are required, got none in {name}/ of '{source.name}'; "
                "the layout is aclImdb/{train,test}/{pos,neg}/ID_RATING.txt."
            )
    return Reviews(texts, np.array(labels, np.int64))


def _state_of(archive: Path) -> str:
    """Identify the state of an archive and the format of the cache."""
    state = archive.stat()
    return f"format {_CACHE_FORMAT}, {state.st_size} bytes, changed {state.st_mtime_ns}"


def _cache_of(archive: Path, split: str) -> Path:
    """Return one cache path per archive path, so that a changed archive replaces the old cache."""
    key = hashlib.blake2b(str(archive.resolve()).encode(), digest_size=8).hexdigest()
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "lightning_infomem" / f"acl_imdb-{key}-{split}.npz"


def _load(cache: Path, source: str) -> Reviews | None:
    """Load the cache of an archive; None if it is missing, damaged, or of another state of the archive."""
    try:
        with cache.open("rb") as file, np.load(file) as arrays:
            if str(arrays["source"]) != source:
                return None
            content, ends, labels = arrays["content"].tobytes(), arrays["ends"].tolist(), arrays["labels"]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):
        return None
    starts = [0, *ends[:-1]]
    return Reviews([content[start:end].decode() for start, end in zip(starts, ends, strict=True)], labels)


def _save(cache: Path, source: str, reviews: Reviews) -> None:
    contents = [text.encode() for text in reviews.texts]
    ends = np.cumsum([len(content) for content in contents])
    cache.parent.mkdir(parents=True, exist_ok=True)
    # Several runs can read at once: each writes a separate file, and the last one stays.
    with tempfile.NamedTemporaryFile(dir=cache.parent, suffix=".npz", delete=False) as file:
        unfinished = Path(file.name)
    try:
        content = np.frombuffer(b"".join(contents), np.uint8)
        np.savez_compressed(unfinished, source=np.array(source), content=content, ends=ends, labels=reviews.labels)
        os.replace(unfinished, cache)
    finally:
        unfinished.unlink(missing_ok=True)
