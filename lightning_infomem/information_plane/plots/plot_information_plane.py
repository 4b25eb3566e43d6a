"""Information plane of a run: I(T;Y) against I(X;T), one line per layer, coloured by epoch."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure

from lightning_infomem._errors import UsageValueError
from lightning_infomem.information_plane.plane import Plane
from lightning_infomem.information_plane.plots.plane_courses import PlaneCourses
from lightning_infomem.plots import style

__all__ = ["plot_information_plane"]

_LONGEST_LINE = 95  # characters below the panel
_LINE_HEIGHT = 0.18  # inches


def plot_information_plane(
    planes: Sequence[Plane], estimator: str | None = None, *, allow_mismatch: Sequence[str] = ()
) -> Figure:
    """Draw the paths of the layers of a run through the information plane, by one estimator.

    Call a line that turns left compression only after checking the geometry of the layer: most estimators respond to
    clusters rather than to information. Do not use it to compare estimators: draw one figure for each, or use
    `plot_estimators` with one panel for each.

    Args:
        planes: Planes of one run, in any order.
        estimator: Estimator name, see `Plane.points`; the first by default.
        allow_mismatch: Names of fields in which points may differ, such as a parameter that the data determine for each
            layer; see `check_points`. The figure states them.

    Returns:
        A figure without window or pyplot state. I(X;T) runs to the right and I(T;Y) upwards, both in bits. Each layer
        is a line with points coloured by epoch (or measurement number), named at its last point. Notes below give the
        estimator with its parameters (lowest and highest value if the data determine one), the kind of each coordinate,
        the number of samples, the number of points per flag, and the modules and data split of the samples, if known.
        Points without a finite value, or more than log N below 0, are left out; the notes count the latter.

    Raises:
        ValueError: If there are no planes, none has a point by this estimator, or points were not measured alike. Known
            differences in modules, pooling or split count too.
    """
    if not planes:
        raise UsageValueError("planes: at least one is required, got none; measure first.")
    if estimator is None:
        estimator = next((name for plane in planes for name in plane.estimators), "")
    courses = PlaneCourses.of(planes, estimator, allow_mismatch)
    notes = [line for words in (*courses.describe(), courses.origin) for line in textwrap.wrap(words, _LONGEST_LINE)]
    figure = Figure(figsize=(7.6, 5.0 + _LINE_HEIGHT * len(notes)), layout="constrained")
    axes = figure.subplots()
    shades = courses.draw(axes)
    if len(courses.moments) > 1:
        bar = figure.colorbar(shades, ax=axes, fraction=0.04, pad=0.02)
        bar.set_label(courses.unit, fontsize=style.LABEL)
    figure.suptitle(estimator, fontsize=style.TITLE, parse_math=False)
    figure.supxlabel("\n".join(notes), fontsize=style.NOTE, color=style.DARK, x=0.02, ha="left", parse_math=False)
    return figure
