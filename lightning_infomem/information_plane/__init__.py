"""Information-plane estimators: I(X;T) against I(T;Y), one estimator per file."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lightning_infomem.information_plane.binning import Binning
from lightning_infomem.information_plane.comparable_points import check_points
from lightning_infomem.information_plane.decision_rule import DecisionRule
from lightning_infomem.information_plane.dependence_graph import DependenceGraph
from lightning_infomem.information_plane.gaussian_gram import gaussian_gram
from lightning_infomem.information_plane.geometry import GeometricCompression, measure_geometry
from lightning_infomem.information_plane.kernel_density import KernelDensity
from lightning_infomem.information_plane.ksg import KSG
from lightning_infomem.information_plane.matrix_entropy import matrix_entropy
from lightning_infomem.information_plane.matrix_renyi import MatrixRenyi
from lightning_infomem.information_plane.maximum_entropy_binning import MaximumEntropyBinning
from lightning_infomem.information_plane.mine import MINE
from lightning_infomem.information_plane.plane import Plane, measure_plane, measure_plane_samples
from lightning_infomem.information_plane.plane_point import PlaneEstimator, PlanePoint
from lightning_infomem.information_plane.quantization import QuantizedNetwork
from lightning_infomem.information_plane.quantized_exact import QuantizedExact
from lightning_infomem.information_plane.repetitions import Repetitions, aggregate
from lightning_infomem.information_plane.run_range import RunRange
from lightning_infomem.information_plane.sample_propagation import SamplePropagation
from lightning_infomem.information_plane.tensor_kernel_renyi import TensorKernelRenyi
from lightning_infomem.information_plane.variational_bound import VariationalBound

if TYPE_CHECKING:
    from lightning_infomem.information_plane.information_plane import InformationPlane
    from lightning_infomem.information_plane.random_label_prefit import RandomLabelPrefit

__all__ = [
    "KSG",
    "MINE",
    "Binning",
    "DecisionRule",
    "DependenceGraph",
    "GeometricCompression",
    "InformationPlane",
    "KernelDensity",
    "MatrixRenyi",
    "MaximumEntropyBinning",
    "Plane",
    "PlaneEstimator",
    "PlanePoint",
    "QuantizedExact",
    "QuantizedNetwork",
    "RandomLabelPrefit",
    "Repetitions",
    "RunRange",
    "SamplePropagation",
    "TensorKernelRenyi",
    "VariationalBound",
    "aggregate",
    "check_points",
    "gaussian_gram",
    "matrix_entropy",
    "measure_geometry",
    "measure_plane",
    "measure_plane_samples",
]

_CALLBACKS = {"InformationPlane": "information_plane", "RandomLabelPrefit": "random_label_prefit"}


def __getattr__(name: str) -> Any:
    """Import a callback on first use: importing Lightning takes seconds, and nothing else here needs it."""
    if name not in _CALLBACKS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_CALLBACKS[name]}"), name)
