"""Figure of one run by several estimators, one panel each."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lightning_infomem._errors import UsageValueError
from lightning_infomem.information_plane.plane import Plane
from lightning_infomem.information_plane.plots.plane_courses import PlaneCourses, describe_origin
from lightning_infomem.plots import style

__all__ = ["plot_estimators"]

_MOST_IN_A_ROW = 3
_WIDTH, _HEIGHT = 4.3, 3.7  # inches, size of a panel with the notes below it
_LONGEST_LINE = 54  # characters below a panel
_WARNING = "Each panel has its own axes: do not compare the numbers of different estimators."


def plot_estimators(
    planes: Sequence[Plane], estimators: Sequence[str] | None = None, *, allow_mismatch: Sequence[str] = ()
) -> Figure:
    """Draw one run by several estimators, each in a panel with its own axes.

    Use it to see whether they agree on what happened: which layers rose or fell, and when. Do not compare the numbers:
    an estimate depends on the estimator as much as on the layer, so there is no common scale and no common plane.

    Args:
        planes: Planes of one run, in any order; all estimators used the same samples.
        estimators: Estimator names (see `Plane.points`) in panel order; by default all, in order of appearance.
        allow_mismatch: Names of fields in which the points of an estimator may differ, see `plot_information_plane`.
            Parameters that an estimator does not have are ignored.

    Returns:
        A figure without window or pyplot state: up to three panels per row, each drawn as by `plot_information_plane`,
        with parameters, kinds of number and flags below. If an estimator gives no I(X;T), its panel shows I(T;Y) over
        epochs.

    Raises:
        ValueError: If there are no planes, an estimator has no points, or points were not measured alike.
    """
    if not planes:
        raise UsageValueError("planes: at least one is required, got none; measure first.")
    if estimators is None:
        estimators = list(dict.fromkeys(name for plane in planes for name in plane.estimators))
    courses = {name: PlaneCourses.of(planes, name, _known(planes, name, allow_mismatch)) for name in estimators}
    if not courses:
        raise UsageValueError("estimators: at least one is required, got none; leave them out to draw all.")
    columns = min(len(courses), _MOST_IN_A_ROW)
    rows = -(-len(courses) // columns)
    figure = Figure(figsize=(_WIDTH * columns + 0.8, _HEIGHT * rows + 0.4), layout="constrained")
    panels: list[Axes] = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes in panels[len(courses) :]:
        axes.remove()
    panels = panels[: len(courses)]
    for axes, course in zip(panels, courses.values(), strict=True):
        shades = course.draw(axes, against_moments=not course.has_inputs, is_small=True)
        axes.set_title(course.first.estimator, fontsize=style.HEADING, parse_math=False)
        notes = [line for words in course.describe() for line in textwrap.wrap(words, _LONGEST_LINE)]
        axes.annotate(
            "\n".join(notes), (0, 0), (-24, -38), xycoords="axes fraction", textcoords="offset points", va="top",
            fontsize=style.SMALL, color=style.DARK, parse_math=False, annotation_clip=False,
        )  # fmt: skip
    if max(len(course.moments) for course in courses.values()) > 1:
        bar = figure.colorbar(shades, ax=panels, fraction=0.02, pad=0.02, aspect=18 * rows)
        bar.set_label(course.unit, fontsize=style.LABEL)
    figure.suptitle(
        "\n".join(filter(None, (_WARNING, describe_origin(planes)))), fontsize=style.HEADING, parse_math=False
    )
    return figure


def _known(planes: Sequence[Plane], estimator: str, fields: Sequence[str]) -> list[str]:
    """Return the fields that points of this estimator have."""
    points = [points[estimator] for plane in planes for points in plane.points.values() if estimator in points]
    parameters = {f"parameters.{name}" for point in points for name in point.parameters}
    return [name for name in fields if name in parameters or not name.startswith("parameters.")]
