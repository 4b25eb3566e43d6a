"""Rankings and runs as one HTML page that can be opened anywhere, mailed and printed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.metadata import version

from lightning_infomem.pages.elements import items, section, sentence
from lightning_infomem.pages.page import whole_page
from lightning_infomem.pages.ranking_part import draw_ranking, tell_ranking, verdict_on_ranking
from lightning_infomem.pages.run_part import draw_run, tell_run, verdict_on_run
from lightning_infomem.pages.runs_part import compare_runs
from lightning_infomem.pages.verdict_part import draw_verdict, tell_verdict, verdict_in_a_box
from lightning_infomem.records.file_names import files_by_reason
from lightning_infomem.records.run_verdict import RunVerdict
from lightning_infomem.reporting.meaning import LIMITS, MEANING
from lightning_infomem.runs.recorded_runs import RecordedRun
from lightning_infomem.selection.ranking import Ranking

__all__ = ["Chapter", "html_report"]

_MOST_DRAWN = 3  # runs with figures of their own in a chapter


@dataclass(frozen=True)
class Chapter:
    """What belongs together on a page: a ranking of checkpoints, runs, a verdict on one run, or several of these.

    Attributes:
        title: in a few words.
        ranking: as `rank_checkpoints` returns it; where it was refused, the page shows the values and says why.
        note: what to know before anything else, such as why there is no ranking.
        runs: as `recorded_runs` returns them.
        faults: path -> why a file could not be read.
        verdict: What `judge_run` returns, where the checkpoints are epochs of one run.
    """

    title: str
    ranking: Ranking | None = None
    note: str = ""
    runs: Sequence[RecordedRun] = ()
    faults: Mapping[str, str] = field(default_factory=dict)
    verdict: RunVerdict | None = None


def html_report(chapters: Sequence[Chapter], *, title: str | None = None) -> str:
    """Tell rankings and runs on one HTML page: verdicts, doubts, figures, tables, settings, and what to make of them.

    Args:
        chapters: at least one.
        title: of the page; by default that of the first chapter.

    Returns:
        The page: well-formed, with its style, its figures and one script inside, which sorts tables; nothing is
        fetched. What comes from files (names, metrics, messages) is escaped. It follows the reader's choice of light
        or dark, and prints. Of more than three runs in a chapter the figures of each are left out.

    Cost:
        A second a ranking, three seconds a run whose figures are drawn, nearly all of it for these.

    >>> from pathlib import Path
    >>> from lightning_infomem.records.ranking_row import RankedCheckpoint
    >>> rows = (RankedCheckpoint(Path(n), 9, 90, 2.5, 0.1, None, None) for n in ("a.ckpt", "<b>.ckpt"))
    >>> page = html_report([Chapter("Two", Ranking(tuple(rows), None, ("fc1",), refusal="kind unknown"))])
    >>> "Kind unknown." in page, "&lt;b&gt;.ckpt" in page, "<b>.ckpt" in page
    (True, True, False)
    """
    heading = chapters[0].title if title is None else title
    parts = [f"<h1>{escape(heading)}</h1>"]
    if len(chapters) == 1:
        parts += _tell(chapters[0], level=2)
    else:
        links = (f'<a href="#chapter-{place}">{escape(each.title)}</a>' for place, each in enumerate(chapters, start=1))
        parts.append(f"<nav>{items(links)}</nav>")
        for place, chapter in enumerate(chapters, start=1):
            parts.append(f'<h2 id="chapter-{place}">{escape(chapter.title)}</h2>')
            parts += _tell(chapter, level=3)
    parts += section("What the numbers mean", [items(map(escape, MEANING))])
    parts += section("What they do not mean", [items(map(escape, LIMITS))])
    parts.append(_FOOTER)
    return whole_page(heading, parts)


def _tell(chapter: Chapter, level: int) -> Iterator[str]:
    ranking, runs = chapter.ranking, chapter.runs
    verdict = chapter.verdict
    # The monitor saw more than a verdict that rests on the reports of few checkpoints.
    is_whole = verdict is not None and all(len(verdict.rows) >= len(run.course.steps) for run in runs)
    if chapter.note:
        yield f'<p class="pale">{escape(sentence(chapter.note))}</p>'
    if ranking is not None:
        yield from verdict_on_ranking(ranking)
        yield draw_ranking(ranking)
    if verdict is not None and is_whole:
        yield verdict_in_a_box(verdict)
    if verdict is not None and all(run.judgement is None for run in runs):
        yield draw_verdict(verdict)
    if len(runs) == 1:
        if not is_whole:
            yield from verdict_on_run(runs[0])
        yield from draw_run(runs[0])
        yield from tell_run(runs[0], level)
    elif runs:
        names = _names(runs)
        yield from section("Runs", compare_runs(runs, names), level)
        for run, name in zip(runs, names, strict=True):
            parts = [
                *verdict_on_run(run),
                *(draw_run(run) if len(runs) <= _MOST_DRAWN else ()),
                *tell_run(run, level + 1),
            ]
            yield f"<details><summary>{escape(name)}</summary>{''.join(parts)}</details>"
    if ranking is not None:
        yield from tell_ranking(ranking, level)
    if verdict is not None:
        yield from tell_verdict(verdict, level)
    yield from section(
        "Not read", [items(map(escape, files_by_reason(chapter.faults)))] if chapter.faults else [], level
    )


def _names(runs: Sequence[RecordedRun]) -> list[str]:
    """The places below the folder that all share; where several are in one place, with what tells them apart."""
    folder = os.path.commonpath([run.place.parent for run in runs]) or "."
    names = [os.path.relpath(run.place, folder) for run in runs]
    for more in ([run.course.prefix for run in runs], [f"run {run.last.run_id[:6]}" for run in runs]):
        names = [f"{name}, {own}" if names.count(name) > 1 else name for name, own in zip(names, more, strict=True)]
    return names


_FOOTER = (
    f"<footer>Written by lightning-infomem {escape(version('lightning-infomem'))}. Rank: within each layer by mutual "
    "information, then the median over layers. P(best): share of bootstrap draws, over units, that a checkpoint leads."
    "</footer>"
)
