"""One run by several estimators of the information plane, a panel each."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lightning_infomem.information_plane.plane import Plane
from lightning_infomem.information_plane.plots.plane_courses import PlaneCourses, describe_origin
from lightning_infomem.plots import style

__all__ = ["plot_estimators"]

_MOST_IN_A_ROW = 3
_WIDTH, _HEIGHT = 4.3, 3.7  # inches, of a panel with what stands below it
_LONGEST_LINE = 54  # characters below a panel
_WARNING = "Each panel has axes of its own: numbers of different estimators are not to be compared."


def plot_estimators(
    planes: Sequence[Plane],
    estimators: Sequence[str] | None = None,
    *,
    allow_mismatch: Sequence[str] = (),
) -> Figure:
    """Draw one run by several estimators, each in a panel with axes of its own.

    To see whether they agree on what happened: which layers rose, fell, and when. Not for comparing the numbers: an
    estimator tells as much of itself as of the layer, so there is no common scale, and no common plane.

    Args:
        planes: of one run, in any order; all estimators looked at the same samples.
        estimators: their names, see `Plane.points`, in the order of the panels; by default all, as they come.
        allow_mismatch: names of fields in which the points of an estimator may differ, see `plot_information_plane`;
            parameters that an estimator does not have are no mistake here.

    Returns:
        A figure that belongs to no window and no pyplot state: up to three panels in a row, drawn as by
        `plot_information_plane`, with the parameters, the kinds of number and the flags below each. Of an estimator
        that tells nothing of I(X;T) the panel shows I(T;Y) over the epochs.

    Raises:
        ValueError: no plane, an estimator without points, or points that were not measured alike.
    """
    if not planes:
        raise ValueError("planes: at least one is required, got none; measure first.")
    if estimators is None:
        estimators = list(dict.fromkeys(name for plane in planes for own in plane.points.values() for name in own))
    courses = {name: PlaneCourses.of(planes, name, _known(planes, name, allow_mismatch)) for name in estimators}
    if not courses:
        raise ValueError("estimators: at least one is required, got none; leave them out to draw all.")
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
    """The fields that points of this estimator have."""
    points = [own[estimator] for plane in planes for own in plane.points.values() if estimator in own]
    parameters = {f"parameters.{name}" for point in points for name in point.parameters}
    return [name for name in fields if name in parameters or not name.startswith("parameters.")]
