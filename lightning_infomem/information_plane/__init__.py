"""The information plane: I(X;T) against I(T;Y), one estimator a file, and what kind of number each is."""

from lightning_infomem.information_plane.binning import Binning
from lightning_infomem.information_plane.ksg import KSG
from lightning_infomem.information_plane.mine import MINE
from lightning_infomem.information_plane.plane_point import PlaneEstimator, PlanePoint

__all__ = [
    "KSG",
    "MINE",
    "Binning",
    "PlaneEstimator",
    "PlanePoint",
]
