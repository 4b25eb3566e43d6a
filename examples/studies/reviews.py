"""Read the IMDb reviews once from their archive, and keep word counts and word sequences in a few megabytes."""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["NUM_WORDS", "Reviews", "load_reviews", "prepare_reviews"]

NUM_WORDS = 2000
_NUM_REVIEWS = 6000
_NUM_STOP_WORDS = 50  # the most frequent words, which carry no information
_NUM_POSITIONS = 48
_MEMBER = re.compile(r"aclImdb/(train|test)/(pos|neg)/\d+_(\d+)\.txt$")


class Reviews(NamedTuple):
    """Some reviews.

    Attributes:
        counts: uint8 ``[reviews, words]``, number of occurrences of each vocabulary word.
        words: int16 ``[reviews, positions]``, the first vocabulary words in order, numbered from 1; 0 is padding.
        ratings: int64 ``[reviews]``, 1 to 4 and 7 to 10.
    """

    counts: NDArray[np.uint8]
    words: NDArray[np.int16]
    ratings: NDArray[np.int64]


def prepare_reviews(archive: Path, cache: Path, num_reviews: int = _NUM_REVIEWS) -> None:
    """Read the archive (Maas et al. 2011, the usual layout) into ``cache``, unless that file exists.

    A hash of the names decides which reviews are kept, which gives the same random sample everywhere. The vocabulary
    depends on their words only, not on their ratings.
    """
    if cache.exists():
        return
    found: list[tuple[bytes, int, list[str]]] = []
    with tarfile.open(archive) as tar:
        for member in tar:
            match = _MEMBER.search(member.name)
            content = tar.extractfile(member) if match else None
            if match is None or content is None:
                continue
            key = hashlib.blake2b(match.group().encode(), digest_size=8).digest()
            text = content.read().decode("utf-8", errors="replace").lower().replace("<br />", " ")
            found.append((key, int(match.group(3)), re.findall(r"[a-z']+", text)))
    if not found:
        raise ValueError(f"imdb: an archive with aclImdb/train/pos/ID_RATING.txt is required, '{archive}' has none.")
    kept = sorted(found, key=lambda review: review[0])[:num_reviews]
    frequency = Counter(word for _, _, words in kept for word in words)
    vocabulary = [word for word, _ in frequency.most_common(_NUM_STOP_WORDS + NUM_WORDS)][_NUM_STOP_WORDS:]
    number = {word: place for place, word in enumerate(vocabulary, start=1)}
    counts = np.zeros((len(kept), NUM_WORDS), np.uint8)
    in_order = np.zeros((len(kept), _NUM_POSITIONS), np.int16)
    for row, (_, _, words) in enumerate(kept):
        known = [number[word] for word in words if word in number]
        for word, times in Counter(known).items():
            counts[row, word - 1] = min(times, 255)
        first = known[:_NUM_POSITIONS] or [1]  # no review may be all padding
        in_order[row, : len(first)] = first
    ratings = np.array([rating for _, rating, _ in kept], np.int64)
    cache.parent.mkdir(parents=True, exist_ok=True)
    unfinished = cache.with_name(f"unfinished-{cache.name}")
    np.savez_compressed(unfinished, counts=counts, words=in_order, ratings=ratings)
    os.replace(unfinished, cache)


def load_reviews(cache: Path) -> Reviews:
    """Load what `prepare_reviews` saved."""
    with np.load(cache) as arrays:
        return Reviews(arrays["counts"], arrays["words"], arrays["ratings"])
