"""Measurements of trained networks of the first information plane: planes, geometry, accuracy."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from examples.information_plane.szt import szt_data
from examples.information_plane.szt_training import LAYERS, Course, Variant, learnt_rows
from lightning_infomem.information_plane.binning import Binning
from lightning_infomem.information_plane.geometry import GeometricCompression, measure_geometry
from lightning_infomem.information_plane.plane import Plane, measure_plane_samples
from lightning_infomem.information_plane.plane_point import PlaneEstimator, PlanePoint
from lightning_infomem.information_plane.quantization import QuantizedNetwork
from lightning_infomem.information_plane.quantized_exact import QuantizedExact
from lightning_infomem.information_plane.run_range import RunRange

__all__ = ["Run", "activations", "measure"]

_BINS = 30, 100, 256  # used by the sources
_TANH_RANGE = -1, 1  # for all layers including the output, as in the authors' program
_MOMENT_BINS = 100


@dataclass(frozen=True)
class Run:
    """Measurements of one network.

    Attributes:
        planes: Planes of all inputs, oldest first.
        geometry: Layer -> geometry at its highest I(X;T) and at the end.
        accuracy: Final accuracy on training inputs and on the other inputs.
    """

    planes: Sequence[Plane]
    geometry: Mapping[str, tuple[GeometricCompression, GeometricCompression]]
    accuracy: tuple[float, float]

    def points(self, layer: str) -> list[PlanePoint]:
        """Points of a layer, oldest first."""
        return [next(iter(plane.points[layer].values())) for plane in self.planes]

    def highest(self, layer: str) -> int:
        """Index of the first plane with the highest I(X;T) of a layer."""
        return _highest(self.points(layer))

    def to_state(self) -> dict[str, Any]:
        """State of numbers, strings, lists and mappings only."""
        geometry = {layer: [asdict(each) for each in both] for layer, both in self.geometry.items()}
        planes = [plane.to_state() for plane in self.planes]
        return {"planes": planes, "geometry": geometry, "accuracy": list(self.accuracy)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Run:
        """Rebuild a run from `to_state`."""
        geometry = {}
        for layer, (highest, last) in state["geometry"].items():
            geometry[layer] = GeometricCompression(**highest), GeometricCompression(**last)
        learnt, others = state["accuracy"]
        return cls([Plane.from_state(plane) for plane in state["planes"]], geometry, (learnt, others))


def measure(variant: Variant, seed: int, course: Course) -> dict[str, Run]:
    """Place all layers of a network in the plane and measure their geometry and the network's accuracy.

    Float activations are sorted into 30, 100 and 256 bins. For tanh the range is -1 to 1. For ReLU, which is unbounded,
    it is the extremes over all layers and epochs, as in Lorenzen et al.; in addition 100 bins divide the extremes of
    each layer at each epoch. For quantised networks the information of the codes is exact. The geometry uses the same
    bins at all epochs: 30 for tanh, 100 for ReLU.

    Args:
        variant: Nonlinearity and training.
        seed: Seed of the network.
        course: Networks over time, as returned by `train`.

    Returns:
        Name of a plane -> measurements.
    """
    inputs, labels = szt_data()
    hidden = [activations(network) for _, network in course]
    right = hidden[-1]["output"].argmax(1) == labels
    learnt = torch.zeros(len(labels), dtype=torch.bool)
    learnt[learnt_rows(variant, seed)] = True
    accuracy = float(right[learnt].double().mean()), float(right[~learnt].double().mean())
    is_tanh = variant.activation is nn.Tanh
    value_range = _TANH_RANGE if is_tanh else _extremes(hidden)
    cells = _BINS[0] if is_tanh else _BINS[1]
    estimators: dict[str, PlaneEstimator] = {}
    if variant.bits is not None:
        estimators[variant.name] = QuantizedExact(variant.bits)
    else:
        estimators.update({f"{variant.name}-{bins}-bins": Binning(bins, value_range) for bins in _BINS})
        if not is_tanh:
            estimators[f"{variant.name}-{_MOMENT_BINS}-bins-of-the-moment"] = Binning(_MOMENT_BINS, "layer")
    modules = {**dict.fromkeys(LAYERS, variant.activation.__name__), LAYERS[-1]: nn.Softmax.__name__}

    @functools.cache  # planes of one network often need the same moments
    def geometry_of(layer: str, moment: int) -> GeometricCompression:
        return measure_geometry(hidden[moment][layer], labels, bins=cells, value_range=value_range)

    runs = {}
    for name, estimator in estimators.items():
        planes = []
        for (epoch, network), floats in zip(course, hidden, strict=True):
            samples = network.measure_codes([inputs]) if isinstance(network, QuantizedNetwork) else floats
            planes.append(
                measure_plane_samples(
                    samples, labels, [estimator], inputs=inputs, epoch=epoch, modules=modules, split="all inputs"
                )
            )
        geometry = {}
        for layer in LAYERS:
            highest = _highest([next(iter(plane.points[layer].values())) for plane in planes])
            geometry[layer] = geometry_of(layer, highest), geometry_of(layer, len(planes) - 1)
        runs[name] = Run(planes, geometry, accuracy)
    return runs


@torch.no_grad()
def activations(network: nn.Module) -> dict[str, Tensor]:
    """Layer -> float64 ``[4096, units]``, rounded if the network is quantised."""
    network = copy.deepcopy(network).double().eval()
    modules = network.network if isinstance(network, QuantizedNetwork) else network
    hidden, found = szt_data()[0].double(), {}
    for name, module in modules.named_children():
        hidden = module(hidden)
        if name in LAYERS:
            found[name] = hidden
    return found


def _extremes(hidden: Sequence[Mapping[str, Tensor]]) -> tuple[float, float]:
    extremes = RunRange()
    for by_layer in hidden:
        for layer, values in by_layer.items():
            extremes.add(layer, values)
    return extremes.of()


def _highest(points: Sequence[PlanePoint]) -> int:
    return max(range(len(points)), key=lambda number: points[number].input_information)
