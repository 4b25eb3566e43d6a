"""A ranking as one HTML page that can be opened anywhere, mailed and printed."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from scipy.stats import kendalltau

from lightning_infomem.selection.criteria import CRITERIA, MUTUAL_INFORMATION
from lightning_infomem.selection.direction import BETTER, KINDS
from lightning_infomem.selection.html_page import PAGE
from lightning_infomem.selection.naming import files_by_reason, name_files

if TYPE_CHECKING:
    from lightning_infomem.selection.result import RankedCheckpoint, RankedGroup, Ranking

__all__ = ["html_report"]

_CRITERIA = {criterion.name: criterion for criterion in CRITERIA}
_UNKNOWN = "–"  # noqa: RUF001, the dash is meant


def html_report(ranking: Ranking, *, title: str | None = None) -> str:
    """Tell a ranking on one HTML page: verdict, doubts, tables, figures, other criteria, what is missing.

    Args:
        ranking: as `rank_checkpoints` returns it; where it was refused, the page shows the values and says why.
        title: of the page; by default the folder of the checkpoints.

    Returns:
        The page: well-formed, with its style and figures inside, without scripts, and nothing is fetched. What comes
        from files (names, metrics, messages) is escaped. It follows the reader's choice of light or dark, and prints.

    Cost:
        About a second, nearly all of it for two figures; for 60 checkpoints a page of a megabyte.

    >>> from pathlib import Path
    >>> from lightning_infomem.selection.result import RankedCheckpoint, Ranking
    >>> rows = (RankedCheckpoint(Path(n), 9, 90, 2.5, 0.1, None, None) for n in ("a.ckpt", "<b>.ckpt"))
    >>> page = html_report(Ranking(tuple(rows), None, ("fc1",), refusal="kind unknown"))
    >>> "Kind unknown." in page, "&lt;b&gt;.ckpt" in page, "<b>.ckpt" in page
    (True, True, False)
    """
    folder = os.path.commonpath([row.path.parent for row in ranking.rows]) or "."
    heading = f"Checkpoints in {folder}" if title is None else title
    names = {row.path: os.path.relpath(row.path, folder) for row in ranking.rows}
    parts = [
        f"<h1>{escape(heading)}</h1>",
        f'<p class="pale">{len(ranking.rows)} checkpoints, ranked without labels by the mutual information of hidden '
        "units</p>"
        if ranking.refusal is None
        else f'<p class="pale">{len(ranking.rows)} checkpoints, not ranked</p>',
        _verdict(ranking, names),
        _doubts(ranking),
        _draw_ranking(ranking),
        *(["<h2>Recipes</h2>", _groups(ranking.groups)] if ranking.groups else []),
        "<h2>Checkpoints</h2>",
        _checkpoints(ranking, names),
        *_others(ranking, names),
        *_lists(ranking, folder),
        _footer(ranking),
    ]
    return PAGE.substitute(title=escape(heading), body="\n".join(part for part in parts if part))


def _verdict(ranking: Ranking, names: Mapping[Path, str]) -> str:
    if ranking.kept is not None:
        return f'<div class="verdict"><p>{escape(ranking.verdict)}</p></div>'
    if ranking.order is None:
        return (
            f'<div class="verdict refused"><p><b>No ranking.</b> {escape(_sentence(ranking.refusal or ""))}</p></div>'
        )
    told = f"For {ranking.order} memorization" if ranking.order in KINDS else "By mutual information"
    direction = f"{told} {BETTER[ranking.order]}"
    recipe = ""
    if ranking.groups:
        recipe = f"<p>Best recipe: <b>{escape(ranking.groups[0].name)}</b>. {_certainty(ranking.groups)}</p>"
    best = escape(names[ranking.best.path])
    return (
        f'<div class="verdict"><p>Best: <b>{best}</b>. {_certainty(ranking.rows)}</p>{recipe}'
        f'<p class="pale">{escape(_sentence(direction))} {escape(_sentence(ranking.evidence))}</p></div>'
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


def _doubts(ranking: Ranking) -> str:
    if not ranking.flags:
        return ""
    items = (f"<b>{escape(flag.name.replace('_', ' '))}</b>: {escape(flag.message)}" for flag in ranking.flags)
    return f'<div class="doubts"><h2>Before you trust it</h2>{_items(items)}</div>'


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
        line = [_whole(row.rank), _range(row.rank_interval, "d")] if ranked else []
        line += [
            "untrained control" if is_control else names[row.path],
            *([row.group or _UNKNOWN] if has_group else []),
        ]
        line += [_whole(row.epoch), _number(row.mutual_information), _range(row.interval, ".3f"), _number(row.entropy)]
        line += [_whole(row.entropy_rank), _probability(row)] if ranked else []
        line += [row.kind or _UNKNOWN] if has_kind else []
        line += [f"{row.metrics[name]:.4g}" if name in row.metrics else _UNKNOWN for name in metrics]
        lines.append(line)
        classes.append("control" if is_control else "best" if row.in_best_set or row is ranking.kept else "")
    table = _table(head, lines, classes, text={"checkpoint", "recipe", "kind"})
    marked = "Marked: cannot be told from the best. " if ranked else ""
    note = f"{marked}MI (mutual information) and entropy: means over layers, nats. 90 %: intervals, over units."
    return f'{table}<p class="pale">{note}</p>'


def _groups(groups: Sequence[RankedGroup]) -> str:
    ranked = groups[0].rank is not None
    head = [*(["rank", "90 %"] if ranked else []), "recipe", "checkpoints", "MI", "90 %"]
    head += ["P(best)"] if ranked else []
    lines = []
    for group in groups:
        line = [_whole(group.rank), _range(group.rank_interval, "d")] if ranked else []
        line += [group.name, str(len(group.paths)), _number(group.mutual_information), _range(group.interval, ".3f")]
        lines.append([*line, *([_probability(group)] if ranked else [])])
    return _table(head, lines, ["best" if group.in_best_set else "" for group in groups], text={"recipe"})


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
                *(choice if tells else ["all alike", _UNKNOWN]),
                f"{tau:.2f}" if tells and math.isfinite(tau) else _UNKNOWN,
                criterion.formula.replace("`", ""),
                criterion.source,
            ]
        )
    text = {"criterion", "would choose", "definition", "source"}
    return [
        "<h2>What other criteria would choose</h2>",
        _draw_criteria(ranking),
        _table(head, lines, [""] * len(lines), text=text),
    ]


def _lists(ranking: Ranking, folder: str) -> Iterable[str]:
    """What is not in the tables."""
    needs: dict[str, list[str]] = {}
    for name, need in ranking.missing.items():
        needs.setdefault(need, []).append(name.replace("_", " "))
    skipped = {path.removeprefix(folder + os.sep): reason for path, reason in ranking.skipped.items()}
    for heading, lines in (
        ("Not known", [f"{', '.join(criteria)}: needs {need}" for need, criteria in needs.items()]),
        ("Skipped files", files_by_reason(skipped)),
        ("Notes", [note for note in ranking.notes if note != ranking.evidence]),  # the verdict has that one
        ("Layers", [f"{len(ranking.layers)} ranked, each on its own: {', '.join(ranking.layers)}"]),
    ):
        if lines:
            yield f"<h2>{heading}</h2>{_items(escape(line) for line in lines)}"


def _footer(ranking: Ranking) -> str:
    return (
        f"<footer>Written by lightning-infomem {escape(version('lightning-infomem'))}. Rank: within each layer by "
        "mutual information, then the median over layers. P(best): share of bootstrap draws, over units, that a "
        "checkpoint leads.</footer>"
    )


def _draw_ranking(ranking: Ranking) -> str:
    # Imported late: who only ranks does not wait for matplotlib.
    from lightning_infomem.plots import embed_figure, plot_ranking

    return _figure(embed_figure(plot_ranking(ranking)), "Mutual information of each checkpoint with its 90 % interval")


def _draw_criteria(ranking: Ranking) -> str:
    from lightning_infomem.plots import embed_figure, plot_criteria

    return _figure(embed_figure(plot_criteria(ranking, list(_CRITERIA))), "Rank of each checkpoint by each criterion")


def _figure(address: str, description: str) -> str:
    return f'<figure><img alt="{escape(description)}" src="{address}"></figure>'


def _table(head: Sequence[str], lines: Sequence[Sequence[str]], classes: Sequence[str], *, text: set[str]) -> str:
    """Columns whose head is in ``text`` are words, the first of them the name of the line; the others are numbers."""
    kinds = ["words" if name in text else "number" for name in head]
    kinds[kinds.index("words")] = "name"
    titles = "".join(f'<th class="{kind}">{escape(name)}</th>' for name, kind in zip(head, kinds, strict=True))
    rows = []
    for line, name in zip(lines, classes, strict=True):
        cells = "".join(f'<td class="{kind}">{escape(cell)}</td>' for cell, kind in zip(line, kinds, strict=True))
        rows.append(f'<tr class="{name}">{cells}</tr>' if name else f"<tr>{cells}</tr>")
    return f'<div class="scroll"><table><thead><tr>{titles}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _items(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{line}</li>" for line in lines) + "</ul>"


def _probability(row: RankedCheckpoint | RankedGroup) -> str:
    return _UNKNOWN if row.probability_best is None else f"{row.probability_best:.2f}"


def _range(values: tuple[float, float] | None, form: str) -> str:
    if values is None or not all(map(math.isfinite, values)):
        return _UNKNOWN
    low, high = (format(value, form) for value in values)
    if low == high:
        return low
    return f"{low}–{high}" if form == "d" else f"{low} to {high}"  # noqa: RUF001, the dash is meant


def _range_of(ranks: Iterable[int | None]) -> str:
    known = sorted(rank for rank in ranks if rank is not None)
    return _range((known[0], known[-1]), "d") if known else _UNKNOWN


def _whole(value: int | None) -> str:
    return _UNKNOWN if value is None else str(value)


def _number(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else _UNKNOWN


def _sentence(words: str) -> str:
    """With a capital letter and a full stop."""
    words = words.strip().rstrip(".;")
    return f"{words[:1].upper()}{words[1:]}." if words else ""
