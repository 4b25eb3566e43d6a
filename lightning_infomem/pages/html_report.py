"""Rankings and runs as one HTML page that can be opened anywhere, mailed and printed."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lightning_infomem.pages.questions_part import QuestionsPart
from lightning_infomem.pages.ranking_part import RankingPart
from lightning_infomem.pages.run_part import RunPart
from lightning_infomem.pages.runs_part import RunsPart
from lightning_infomem.pages.verdict_part import VerdictPart
from lightning_infomem.records.file_names import common_folder, files_by_reason
from lightning_infomem.records.run_verdict import RunVerdict
from lightning_infomem.reporting.meaning import LIMITS, MEANING
from lightning_infomem.runs.recorded_runs import RecordedRun
from lightning_infomem.selection.questions import Questions
from lightning_infomem.selection.ranking import Ranking

__all__ = ["Chapter", "html_report"]


@dataclass(frozen=True)
class Chapter:
    """One part of a page: a ranking of checkpoints, runs, a verdict on one run, or several of these.

    Attributes:
        title: Title, in a few words.
        ranking: Result of `rank_checkpoints`. If it has no ranking, the page shows the values and the reason.
        note: Sentence shown first, such as why there is no ranking.
        runs: Result of `recorded_runs`.
        faults: Path -> why the file could not be read.
        verdict: Result of `judge_run`, if the checkpoints are epochs of one run.
        questions: Result of `Ranking.ask`: inputs to label, with what the leading checkpoints predict.
        data: Batches that hold these inputs, such as the validation loader, in any order: images and texts are shown
            beside the questions.
        decode: Function from a list of token ids to their text, such as ``tokenizer.decode``, if inputs are token ids.
    """

    title: str
    ranking: Ranking | None = None
    note: str = ""
    runs: Sequence[RecordedRun] = ()
    faults: Mapping[str, str] = field(default_factory=dict)
    verdict: RunVerdict | None = None
    questions: Questions | None = None
    data: Iterable[Any] | None = None
    decode: Callable[[list[int]], str] | None = None


def html_report(chapters: Sequence[Chapter], *, title: str | None = None) -> str:
    """Show rankings and runs on one HTML page: verdicts, doubts, figures, tables, settings, and what they mean.

    Args:
        chapters: Chapters of the page, at least one.
        title: Title of the page; by default that of the first chapter.

    Returns:
        The page, well-formed. It contains its style, its figures and one script, which sorts tables. It fetches
        nothing, and its policy forbids any other script. Text from files (names, metrics, messages) is escaped. The
        page follows the reader's choice of light or dark, and can be printed. With more than three runs in a chapter,
        the figures of the single runs are left out.

    Cost:
        One second per ranking and three seconds per run with figures, mostly for drawing.

    >>> from pathlib import Path
    >>> from lightning_infomem.records.ranking_row import RankedCheckpoint
    >>> rows = (RankedCheckpoint(Path(n), 9, 90, 2.5, 0.1, None, None) for n in ("a.ckpt", "<b>.ckpt"))
    >>> page = html_report([Chapter("Two", Ranking(tuple(rows), None, ("fc1",), refusal="kind unknown"))])
    >>> "Kind unknown." in page, "&lt;b&gt;.ckpt" in page, "<b>.ckpt" in page
    (True, True, False)
    """
    # Templates escape every value, and a missing value is an error.
    environment = Environment(
        loader=PackageLoader("lightning_infomem.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["sentence"] = _sentence
    script = environment.get_template("sort_tables.js").render()
    return environment.get_template("page.html").render(
        title=chapters[0].title if title is None else title,
        chapters=[_parts(chapter) for chapter in chapters],
        meaning=MEANING,
        limits=LIMITS,
        version=version("lightning-infomem"),
        script=Markup(script),
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
    )


def _parts(chapter: Chapter) -> dict[str, Any]:
    """Return the values for the template of a chapter."""
    runs, verdict = chapter.runs, chapter.verdict
    names = _names(runs) if runs else []
    # The monitor saw more than a verdict that rests on the reports of few checkpoints.
    is_whole = verdict is not None and all(len(verdict.rows) >= len(run.course.steps) for run in runs)
    return {
        "title": chapter.title,
        "note": chapter.note,
        "questions": None
        if chapter.questions is None
        else QuestionsPart(chapter.questions, chapter.data, chapter.decode),
        "ranking": None if chapter.ranking is None else RankingPart(chapter.ranking),
        "verdict": None if verdict is None else VerdictPart(verdict),
        "is_verdict_first": is_whole,
        "is_verdict_drawn": verdict is not None and all(run.judgement is None for run in runs),
        "runs": [RunPart(run, name) for run, name in zip(runs, names, strict=True)],
        "comparison": RunsPart(runs, names),
        "faults": files_by_reason(chapter.faults),
    }


def _names(runs: Sequence[RecordedRun]) -> list[str]:
    """Return paths below the common folder; runs in one place also get their prefix, or the start of their id."""
    folder = common_folder(run.place for run in runs)
    names = [os.path.relpath(run.place, folder) for run in runs]
    for suffixes in ([run.course.prefix for run in runs], [f"run {run.last.run_id[:6]}" for run in runs]):
        names = [
            f"{name}, {suffix}" if names.count(name) > 1 else name for name, suffix in zip(names, suffixes, strict=True)
        ]
    return names


def _sentence(text: str) -> str:
    """Give a text a capital letter and a full stop."""
    text = text.strip().rstrip(".;")
    return f"{text[:1].upper()}{text[1:]}." if text else ""
