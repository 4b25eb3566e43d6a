"""The information plane: I(X;T) against I(T;Y), one estimator a file, and what kind of number each is."""

from lightning_infomem.information_plane.binning import Binning
from lightning_infomem.information_plane.comparable import check_comparable
from lightning_infomem.information_plane.infinite_ensemble import ensemble_information, infinite_relu_kernel
from lightning_infomem.information_plane.ksg import KSG
from lightning_infomem.information_plane.mine import MINE
from lightning_infomem.information_plane.plane_point import PlaneEstimator, PlanePoint
from lightning_infomem.information_plane.repetitions import Repetitions, aggregate
from lightning_infomem.information_plane.replica import ReplicaInformation, ReplicaLinear
from lightning_infomem.information_plane.replica_channels import LinearChannel, ProbitChannel, ReLUChannel
from lightning_infomem.information_plane.replica_priors import BimodalPrior, NormalPrior, SpikeSlabPrior

__all__ = [
    "KSG",
    "MINE",
    "BimodalPrior",
    "Binning",
    "LinearChannel",
    "NormalPrior",
    "PlaneEstimator",
    "PlanePoint",
    "ProbitChannel",
    "ReLUChannel",
    "Repetitions",
    "ReplicaInformation",
    "ReplicaLinear",
    "SpikeSlabPrior",
    "aggregate",
    "check_comparable",
    "ensemble_information",
    "infinite_relu_kernel",
]
