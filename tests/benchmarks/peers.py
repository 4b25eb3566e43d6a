"""Other people's estimators of the mutual information of one pair; columns are standardised, float64."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import digamma
from sklearn.feature_selection._mutual_info import _compute_mi_cc

Column = NDArray[np.float64]
Estimator = Callable[[Column, Column, int], float]


def _scikit_learn(x: Column, y: Column, neighbors: int) -> float:
    return float(_compute_mi_cc(x, y, neighbors))


def _tree_loop(x: Column, y: Column, neighbors: int) -> float:
    """What NPEET does, without its noise: one tree in the plane, and one for each axis."""
    points = np.column_stack([x, y])
    distance, _ = cKDTree(points).query(points, neighbors + 1, p=np.inf)
    radius = np.nextafter(distance[:, -1], 0)
    counts = [
        cKDTree(axis[:, None]).query_ball_point(axis[:, None], radius, p=np.inf, return_length=True) for axis in (x, y)
    ]
    return float(digamma(neighbors) + digamma(len(x)) - sum(np.mean(digamma(count)) for count in counts))


def _infomeasure() -> Estimator:
    package = importlib.import_module("infomeasure")
    return lambda x, y, neighbors: float(package.mutual_information(x, y, approach="ksg", k=neighbors, noise_level=0))


def _libksg() -> Estimator:
    estimator = importlib.import_module("libKSG").KSG()
    return lambda x, y, neighbors: float(estimator.mi(x, y, neighbors))


def installed_peers() -> tuple[dict[str, Estimator], list[str]]:
    """The estimators that can run here, and a note for each that cannot."""
    peers: dict[str, Estimator] = {"scikit-learn": _scikit_learn, "cKDTree (NPEET)": _tree_loop}
    notes = []
    for name, load in {"infomeasure": _infomeasure, "libKSG": _libksg}.items():
        try:
            peers[name] = load()
            peers[name](np.linspace(0, 1, 20), np.linspace(0, 1, 20) ** 2, 3)
        except Exception as error:
            peers.pop(name, None)
            notes.append(f"{name}: not compared ({type(error).__name__}: {error}).")
    return peers, notes
