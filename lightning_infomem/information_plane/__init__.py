"""The information plane: I(X;T) against I(T;Y), one estimator a file, and what kind of number each is."""

from lightning_infomem.information_plane.binning import Binning
from lightning_infomem.information_plane.comparable import check_comparable
from lightning_infomem.information_plane.decision_rule import DecisionRule
from lightning_infomem.information_plane.dependence_graph import DependenceGraph
from lightning_infomem.information_plane.gaussian_gram import gaussian_gram
from lightning_infomem.information_plane.geometry import GeometricCompression, measure_geometry
from lightning_infomem.information_plane.infinite_ensemble import ensemble_information, infinite_relu_kernel
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
from lightning_infomem.information_plane.replica import ReplicaInformation, ReplicaLinear
from lightning_infomem.information_plane.replica_channels import LinearChannel, ProbitChannel, ReLUChannel
from lightning_infomem.information_plane.replica_priors import BimodalPrior, NormalPrior, SpikeSlabPrior
from lightning_infomem.information_plane.run_range import RunRange
from lightning_infomem.information_plane.sample_propagation import SamplePropagation
from lightning_infomem.information_plane.tensor_kernel_renyi import TensorKernelRenyi
from lightning_infomem.information_plane.variational_bound import VariationalBound

__all__ = [
    "KSG",
    "MINE",
    "BimodalPrior",
    "Binning",
    "DecisionRule",
    "DependenceGraph",
    "GeometricCompression",
    "KernelDensity",
    "LinearChannel",
    "MatrixRenyi",
    "MaximumEntropyBinning",
    "NormalPrior",
    "Plane",
    "PlaneEstimator",
    "PlanePoint",
    "ProbitChannel",
    "QuantizedExact",
    "QuantizedNetwork",
    "ReLUChannel",
    "Repetitions",
    "ReplicaInformation",
    "ReplicaLinear",
    "RunRange",
    "SamplePropagation",
    "SpikeSlabPrior",
    "TensorKernelRenyi",
    "VariationalBound",
    "aggregate",
    "check_comparable",
    "ensemble_information",
    "gaussian_gram",
    "infinite_relu_kernel",
    "matrix_entropy",
    "measure_geometry",
    "measure_plane",
    "measure_plane_samples",
]
