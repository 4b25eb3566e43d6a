"""Figures of the information plane."""

from lightning_infomem.information_plane.plots.plot_estimators import plot_estimators
from lightning_infomem.information_plane.plots.plot_information_plane import plot_information_plane

__all__ = ["plot_estimators", "plot_information_plane"]
