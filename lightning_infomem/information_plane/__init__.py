"""The information plane: I(X;T) against I(T;Y), one estimator a file, and what kind of number each is."""

from lightning_infomem.information_plane.binning import Binning
from lightning_infomem.information_plane.dependence_graph import DependenceGraph
from lightning_infomem.information_plane.gaussian_gram import gaussian_gram
from lightning_infomem.information_plane.matrix_entropy import matrix_entropy
from lightning_infomem.information_plane.matrix_renyi import MatrixRenyi
from lightning_infomem.information_plane.plane_point import PlaneEstimator, PlanePoint
from lightning_infomem.information_plane.tensor_kernel_renyi import TensorKernelRenyi

__all__ = [
    "Binning",
    "DependenceGraph",
    "MatrixRenyi",
    "PlaneEstimator",
    "PlanePoint",
    "TensorKernelRenyi",
    "gaussian_gram",
    "matrix_entropy",
]
