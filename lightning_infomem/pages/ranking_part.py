"""A ranking as parts of a page."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from scipy.stats import kendalltau

from lightning_infomem.pages.elements import UNKNOWN, figure, interval, items, number, section, sentence, table, whole
from lightning_infomem.records.file_names import files_by_reason, name_files
from lightning_infomem.selection.criteria import CRITERIA, MUTUAL_INFORMATION
from lightning_infomem.selection.direction import BETTER, KINDS

if TYPE_CHECKING:
    from lightning_infomem.records.flag import Flag
    from lightning_infomem.records.ranking_row import RankedCheckpoint, RankedGroup
    from lightning_infomem.selection.ranking import Ranking

__all__ = ["draw_ranking", "folder_of", "tell_doubts", "tell_ranking", "verdict_on_ranking"]

_CRITERIA = {criterion.name: criterion for criterion in CRITERIA}


def folder_of(ranking: Ranking) -> str:
    """The folder that all its checkpoints are in."""
    return os.path.commonpath([row.path.parent for row in ranking.rows]) or "."


def verdict_on_ranking(ranking: Ranking) -> list[str]:
    """What comes first: how many were ranked, the verdict, and the doubts."""
    how = "ranked without labels by the mutual information of hidden units" if ranking.refusal is None else "not ranked"
    count = f"{len(ranking.rows)} checkpoints, {how}"
    return [f'<p class="pale">{count}</p>', _verdict(ranking, _names(ranking)), tell_doubts(ranking.flags)]


def draw_ranking(ranking: Ranking) -> str:
    """The figure of it."""
    # Imported late: who only ranks does not wait for matplotlib.
    from lightning_infomem.plots import plot_ranking

    return figure(plot_ranking(ranking), "Mutual information of each checkpoint with its 90 % interval")


def tell_ranking(ranking: Ranking, level: int = 2) -> list[str]:
    """All that the verdict rests on: tables, other criteria, what is missing.

    Args:
        ranking: as `rank_checkpoints` returns it.
        level: of the headings.
    """
    names = _names(ranking)
    return [
        *section("Recipes", [_groups(ranking.groups)] if ranking.groups else [], level),
        *section("Checkpoints", [_checkpoints(ranking, names)], level),
        *section("What other criteria would choose", _others(ranking, names), level),
        *_lists(ranking, folder_of(ranking), level),
    ]


def _names(ranking: Ranking) -> dict[Path, str]:
    folder = folder_of(ranking)
    return {row.path: os.path.relpath(row.path, folder) for row in ranking.rows}


def _verdict(ranking: Ranking, names: Mapping[Path, str]) -> str:
    if ranking.order is None:
        return f'<div class="verdict refused"><p><b>No ranking.</b> {escape(sentence(ranking.refusal or ""))}</p></div>'
    told = f"For {ranking.order} memorization" if ranking.order in KINDS else "By mutual information"
    direction = f"{told} {BETTER[ranking.order]}"
    recipe = ""
    if ranking.groups:
        recipe = f"<p>Best recipe: <b>{escape(ranking.groups[0].name)}</b>. {_certainty(ranking.groups)}</p>"
    best = escape(names[ranking.best.path])
    return (
        f'<div class="verdict"><p>Best: <b>{best}</b>. {_certainty(ranking.rows)}</p>{recipe}'
        f'<p class="pale">{escape(sentence(direction))} {escape(sentence(ranking.evidence))}</p></div>'
    )


def _certainty(lines: Sequence[RankedCheckpoint] | Sequence[RankedGroup]) -> str:
    """How sure the first of them is the best."""
    if lines[0].probability_best is None:
        return ""
    alike, others = sum(bool(line.in_best_set) for line in lines) - 1, len(lines) - 1
    if others == 1:
        told = "the other one cannot be told from it" if alike else "the other one is worse"
    else:
        told = f"{alike} of the {others} others cannot be told from it" if alike else "all others are worse"
    return f"It leads in {100 * lines[0].probability_best:.0f} % of the bootstrap draws; {told}."


def tell_doubts(flags: Sequence[Flag]) -> str:
    """A box with the doubts; nothing without any."""
    if not flags:
        return ""
    lines = (f"<b>{escape(flag.name.replace('_', ' '))}</b>: {escape(flag.message)}" for flag in flags)
    return f'<div class="doubts"><p><b>Before you trust it</b></p>{items(lines)}</div>'


def _checkpoints(ranking: Ranking, names: Mapping[Path, str]) -> str:
    """A line a checkpoint, and the control as the last; columns without any value are left out."""
    metrics = list(dict.fromkeys(name for row in ranking.rows for name in row.metrics))
    rows = [*ranking.rows, *([] if ranking.control is None else [ranking.control])]
    ranked = ranking.refusal is None
    has_group, has_kind = any(row.group for row in rows), any(row.kind for row in rows)
    head = [*(["rank", "90 %"] if ranked else []), "checkpoint", *(["recipe"] if has_group else []), "epoch"]
    head += ["MI", "90 %", "entropy", *(["entropy rank", "P(best)"] if ranked else [])]
    head += [*(["kind"] if has_kind else []), *metrics]
    lines, classes = [], []
    for row in rows:
        is_control = row is ranking.control
        line = [whole(row.rank), interval(row.rank_interval, "d")] if ranked else []
        line += [
            "untrained control" if is_control else names[row.path],
            *([row.group or UNKNOWN] if has_group else []),
        ]
        line += [whole(row.epoch), number(row.mutual_information), interval(row.interval, ".3f"), number(row.entropy)]
        line += [whole(row.entropy_rank), _probability(row)] if ranked else []
        line += [row.kind or UNKNOWN] if has_kind else []
        line += [f"{row.metrics[name]:.4g}" if name in row.metrics else UNKNOWN for name in metrics]
        lines.append(line)
        classes.append("control" if is_control else "best" if row.in_best_set else "")
    told = table(head, lines, classes, text={"checkpoint", "recipe", "kind"})
    marked = "Marked: cannot be told from the best. " if ranked else ""
    note = f"{marked}MI (mutual information) and entropy: means over layers, nats. 90 %: intervals, over units."
    return f'{told}<p class="pale">{note}</p>'


def _groups(groups: Sequence[RankedGroup]) -> str:
    ranked = groups[0].rank is not None
    head = [*(["rank", "90 %"] if ranked else []), "recipe", "checkpoints", "MI", "90 %"]
    head += ["P(best)"] if ranked else []
    lines = []
    for group in groups:
        line = [whole(group.rank), interval(group.rank_interval, "d")] if ranked else []
        line += [group.name, str(len(group.paths)), number(group.mutual_information), interval(group.interval, ".3f")]
        lines.append([*line, *([_probability(group)] if ranked else [])])
    return table(head, lines, ["best" if group.in_best_set else "" for group in groups], text={"recipe"})


def _others(ranking: Ranking, names: Mapping[Path, str]) -> list[str]:
    """What every criterion would choose, and how far it agrees."""
    known = [name for name in _CRITERIA if any(name in row.ranks for row in ranking.rows)]
    if not known:
        return []
    head = ["criterion", "would choose", "of rank", "tau-b with MI", "definition", "source"]
    lines = []
    for name in known:
        rows = [row for row in ranking.rows if name in row.ranks]
        ranks = [row.ranks[name] for row in rows]
        first = [row for row in rows if row.ranks[name] == 1]
        tells = len(set(ranks)) > 1
        tau = kendalltau(ranks, [row.ranks.get(MUTUAL_INFORMATION.name, 0) for row in rows]).statistic if tells else 0
        criterion = _CRITERIA[name]
        choice = [name_files([names[row.path] for row in first]), _range_of(row.rank for row in first)]
        lines.append(
            [
                name.replace("_", " "),
                *(choice if tells else ["all alike", UNKNOWN]),
                f"{tau:.2f}" if tells and math.isfinite(tau) else UNKNOWN,
                criterion.formula.replace("`", ""),
                criterion.source,
            ]
        )
    text = {"criterion", "would choose", "definition", "source"}
    return [_draw_criteria(ranking), table(head, lines, text=text)]


def _lists(ranking: Ranking, folder: str, level: int) -> Iterable[str]:
    """What is not in the tables."""
    needs: dict[str, list[str]] = {}
    for name, need in ranking.missing.items():
        needs.setdefault(need, []).append(name.replace("_", " "))
    skipped = {path.removeprefix(folder + os.sep): reason for path, reason in ranking.skipped.items()}
    is_ranked = ranking.refusal is None
    not_known = [f"{', '.join(criteria)}: needs {need}" for need, criteria in needs.items()] if is_ranked else []
    for heading, lines in (
        ("Not known", not_known),
        ("Skipped files", files_by_reason(skipped)),
        ("Notes", [note for note in ranking.notes if note != ranking.evidence]),  # the verdict has that one
        ("Layers", [f"{len(ranking.layers)} ranked, each on its own: {', '.join(ranking.layers)}"]),
    ):
        yield from section(heading, [items(map(escape, lines))] if lines else [], level)


def _draw_criteria(ranking: Ranking) -> str:
    from lightning_infomem.plots import plot_criteria

    return figure(plot_criteria(ranking, list(_CRITERIA)), "Rank of each checkpoint by each criterion")


def _probability(row: RankedCheckpoint | RankedGroup) -> str:
    return UNKNOWN if row.probability_best is None else f"{row.probability_best:.2f}"


def _range_of(ranks: Iterable[int | None]) -> str:
    known = sorted(rank for rank in ranks if rank is not None)
    return interval((known[0], known[-1]), "d") if known else UNKNOWN
