"""The information plane: I(X;T) against I(T;Y), one estimator a file, and what kind of number each is."""

from lightning_infomem.information_plane.binning import Binning
from lightning_infomem.information_plane.geometry import GeometricCompression, measure_geometry
from lightning_infomem.information_plane.kernel_density import KernelDensity
from lightning_infomem.information_plane.plane_point import PlaneEstimator, PlanePoint
from lightning_infomem.information_plane.sample_propagation import SamplePropagation
from lightning_infomem.information_plane.variational_bound import VariationalBound

__all__ = [
    "Binning",
    "GeometricCompression",
    "KernelDensity",
    "PlaneEstimator",
    "PlanePoint",
    "SamplePropagation",
    "VariationalBound",
    "measure_geometry",
]
