"""The verdict on one run as parts of a page."""

from __future__ import annotations

import os
from html import escape
from typing import TYPE_CHECKING

from lightning_infomem.pages.elements import UNKNOWN, figure, items, number, section, table, whole
from lightning_infomem.records.file_names import files_by_reason

if TYPE_CHECKING:
    from lightning_infomem.records.run_verdict import RunVerdict

__all__ = ["draw_verdict", "tell_verdict", "verdict_in_a_box"]


def verdict_in_a_box(verdict: RunVerdict) -> str:
    """What comes first: whether the run memorizes, and what to keep."""
    refused = " refused" if verdict.kept is None else ""
    return f'<div class="verdict{refused}"><p>{escape(verdict.verdict)}</p></div>'


def draw_verdict(verdict: RunVerdict) -> str:
    """The figure of it."""
    from lightning_infomem.plots import plot_run_verdict  # late: who only ranks does not wait for matplotlib

    return figure(plot_run_verdict(verdict), "The run: what is watched, and where the alarm was on")


def tell_verdict(verdict: RunVerdict, level: int = 2) -> list[str]:
    """All that the verdict rests on: a table of the checkpoints, skipped files, notes.

    Args:
        verdict: What `judge_run` returns.
        level: Level of the headings.
    """
    rows = [row for row in verdict.rows if row.path is not None]
    folder = os.path.commonpath([row.path.parent for row in rows if row.path is not None]) if rows else "."
    metrics = list(dict.fromkeys(name for row in rows for name in row.metrics))
    lines = [
        [
            os.path.relpath(row.path or "", folder),
            whole(row.epoch),
            *map(number, (row.mutual_information, row.entropy, row.smoothness, row.agreement)),
            *(f"{row.metrics[name]:.4g}" if name in row.metrics else UNKNOWN for name in metrics),
        ]
        for row in rows
    ]
    head = ["checkpoint", "epoch", "MI", "entropy", "smoothness", "consensus", *metrics]
    classes = ["best" if row is verdict.kept else "doubtful" if row.is_memorizing else "" for row in rows]
    skipped = files_by_reason({path.removeprefix(folder + os.sep): why for path, why in verdict.skipped.items()})
    return [
        *section("Checkpoints", [table(head, lines, classes, text={"checkpoint"})] if rows else [], level),
        *section("Skipped files", [items(map(escape, skipped))] if skipped else [], level),
        *section("Notes", [items(map(escape, verdict.notes))], level),
    ]
