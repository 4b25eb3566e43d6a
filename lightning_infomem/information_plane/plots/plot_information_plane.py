"""The information plane of a run: I(T;Y) against I(X;T), a line a layer, coloured by the epoch."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure

from lightning_infomem.information_plane.plane import Plane
from lightning_infomem.information_plane.plots.plane_courses import PlaneCourses
from lightning_infomem.plots import style

__all__ = ["plot_information_plane"]

_LONGEST_LINE = 95  # characters below the panel
_LINE_HEIGHT = 0.18  # inches


def plot_information_plane(
    planes: Sequence[Plane], estimator: str | None = None, *, allow_mismatch: Sequence[str] = ()
) -> Figure:
    """Draw where the layers of a run went in the information plane, by one estimator.

    A line that turns to the left is called compression only together with a look at the geometry of the layer: most
    estimators tell of clusters, not of information. Not for comparing estimators: each has a figure of its own, or a
    panel of its own in `plot_estimators`.

    Args:
        planes: of one run, in any order.
        estimator: its name, see `Plane.points`; by default the first.
        allow_mismatch: names of fields in which points may differ, such as a parameter that the data choose for each
            layer; see `check_points`. The figure says it.

    Returns:
        A figure that belongs to no window and no pyplot state: I(X;T) to the right and I(T;Y) upwards, both in bits; a
        line a layer, its points coloured by the epoch (or the number of the measurement), the last one named. Below
        stand the estimator with its parameters, what kind of number each coordinate is, the number of samples, how many
        points are flagged as what, and of which modules and what set the samples are, if the planes know it; of a
        parameter that the data chose, the lowest and the highest value. Points without a finite value are left out, and
        those more than log N below 0, which are counted below.

    Raises:
        ValueError: no plane, none with a point by this estimator, or points that were not measured alike: of different
            modules, pooling or sets, too, as far as they are known.
    """
    if not planes:
        raise ValueError("planes: at least one is required, got none; measure first.")
    if estimator is None:
        estimator = next((name for plane in planes for own in plane.points.values() for name in own), "")
    courses = PlaneCourses.of(planes, estimator, allow_mismatch)
    told = [*courses.describe(), *([courses.origin] if courses.origin else [])]
    notes = [line for words in told for line in textwrap.wrap(words, _LONGEST_LINE)]
    figure = Figure(figsize=(7.6, 5.0 + _LINE_HEIGHT * len(notes)), layout="constrained")
    axes = figure.subplots()
    shades = courses.draw(axes)
    if len(courses.moments) > 1:
        bar = figure.colorbar(shades, ax=axes, fraction=0.04, pad=0.02)
        bar.set_label(courses.unit, fontsize=style.LABEL)
    figure.suptitle(estimator, fontsize=style.TITLE, parse_math=False)
    figure.supxlabel("\n".join(notes), fontsize=style.NOTE, color=style.DARK, x=0.02, ha="left", parse_math=False)
    return figure
