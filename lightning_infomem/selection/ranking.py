"""What a ranking returns: plain frozen records that can be printed, saved and turned into a table."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType

from lightning_infomem._checks import nearest_names
from lightning_infomem.records.csv_text import to_csv
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.selection.agreement import Agreement, rank_agreement
from lightning_infomem.selection.criteria import MUTUAL_INFORMATION
from lightning_infomem.selection.direction import BETTER
from lightning_infomem.selection.doubts import Flag
from lightning_infomem.selection.export import to_markdown
from lightning_infomem.selection.table import render_ranking

if TYPE_CHECKING:
    import pandas

__all__ = ["RankedCheckpoint", "RankedGroup", "Ranking"]


@dataclass(frozen=True)
class RankedCheckpoint:
    """One checkpoint in a ranking. Intervals are of 90 %.

    Attributes:
        path: of the file.
        epoch: in which it was saved; None where the file does not say.
        step: the global step at which it was saved; None where the file does not say.
        entropy: mean over the layers ranked of their mean entropy, nats; for the eye, ranks are made per layer.
        mutual_information: mean over the layers ranked of their mean mutual information, nats; likewise.
        rank: by mutual information, 1 is best; None where no ranking was made.
        entropy_rank: by entropy, 1 is best; None where no ranking was made.
        metrics: what ModelCheckpoint monitored when it saved the file, name -> value.
        interval: of ``mutual_information``, over units.
        reseed_interval: where ``mutual_information`` of the same training with another seed is expected.
        rank_interval: of ``rank``, over units; None where no ranking was made.
        probability_best: share of bootstrap draws that it leads; None where no ranking was made.
        in_best_set: whether it cannot be told from the best; None where no ranking was made.
        kind: of memorization as told by the reference: "heuristic", "example", or None (like the reference, or none
            was given).
        group: the name of its group; None without groups.
        scores: criterion -> value, all those of `selection.criteria` that are known; means over layers.
        ranks: criterion -> rank, 1 is best; empty where no ranking was made.
    """

    path: Path
    epoch: int | None
    step: int | None
    entropy: float
    mutual_information: float
    rank: int | None
    entropy_rank: int | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    interval: tuple[float, float] = (math.nan, math.nan)
    reseed_interval: tuple[float, float] = (math.nan, math.nan)
    rank_interval: tuple[int, int] | None = None
    probability_best: float | None = None
    in_best_set: bool | None = None
    kind: str | None = None
    group: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    ranks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RankedGroup:
    """Checkpoints of one recipe, usually of several seeds, ranked as one by the mean of their values.

    Attributes:
        name: of the group.
        paths: of its checkpoints.
        mutual_information: mean over members and layers, nats.
        interval: of the same; over members where there are several, else over units.
        rank: see `RankedCheckpoint`, as the rest.
        rank_interval: likewise.
        probability_best: likewise.
        in_best_set: likewise.
    """

    name: str
    paths: tuple[Path, ...]
    mutual_information: float
    interval: tuple[float, float]
    rank: int | None = None
    rank_interval: tuple[int, int] | None = None
    probability_best: float | None = None
    in_best_set: bool | None = None


@dataclass(frozen=True)
class Ranking:
    """Checkpoints, best first; `print` shows a table.

    Attributes:
        rows: the checkpoints, best first by mutual information; in the order of training where there is no ranking.
        memorization: the kind of memorization, told or inferred from a reference: "heuristic", "example", or "mixed";
            None where it cannot be told.
        layers: names of the layers that were ranked.
        skipped: path -> why a checkpoint is not among the rows.
        notes: what a reader of the ranking should know.
        refusal: why there is no ranking; None where there is one.
        evidence: where the kind of memorization comes from.
        flags: doubts, each with a name.
        groups: best first; empty without groups.
        control: the network before any training, with the rank that it would take; None where it was not asked for.
        missing: criterion -> what it would need.
        order: what is better: a key of `direction.BETTER`, the kind that was told, or "nearest" to the reference; None
            where there is no ranking.
        judgement: of one run, whose checkpoints these are; None for checkpoints of several.
        kept: the checkpoint of that run to keep; None where that cannot be told.
    """

    rows: tuple[RankedCheckpoint, ...]
    memorization: str | None
    layers: tuple[str, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    refusal: str | None = None
    evidence: str = ""
    flags: tuple[Flag, ...] = ()
    groups: tuple[RankedGroup, ...] = ()
    control: RankedCheckpoint | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    order: str | None = None
    judgement: Judgement | None = None
    kept: RankedCheckpoint | None = None

    @property
    def best(self) -> RankedCheckpoint:
        """The first of the rows, the best by mutual information; of one run the checkpoint to keep.

        Raises:
            ValueError: there is no ranking; the message says why.
        """
        if self.kept is not None:
            return self.kept
        if self.refusal is not None:
            raise ValueError(self.refusal)
        return self.rows[0]

    @property
    def best_set(self) -> tuple[RankedCheckpoint, ...]:
        """Those that cannot be told from the best: each would lead it in 5 % of the draws or more.

        Raises:
            ValueError: there is no ranking; the message says why.
        """
        if self.kept is not None:
            return (self.kept,)
        return tuple(row for row in self.rows if row.in_best_set) if self.best else ()

    @property
    def verdict(self) -> str:
        """In a sentence or three: what was ranked how, the best, and how sure that is; or why there is no ranking."""
        if self.judgement is not None:
            return self._verdict_on_run(self.judgement)
        if self.order is None:
            return f"No ranking: {self.refusal}"
        kind = "" if self.memorization is None else f", for {self.memorization} memorization"
        told = f"Ranked by mutual information{kind}: {BETTER[self.order]}."
        if self.best.probability_best is None:
            return told
        alike, others = len(self.best_set) - 1, len(self.rows) - 1
        sure = f"{alike} of the {others} others cannot be told from it" if alike else "all others are worse"
        if alike == others == 1:
            sure = "the other one cannot be told from it"
        return f"{told} Best: '{self._short(self.best)}' (P(best) {self.best.probability_best:.2f}); {sure}."

    def _verdict_on_run(self, judgement: Judgement) -> str:
        if self.kept is None:
            return f"One run, of which nothing can be told: {judgement.abstention}."
        drops = (
            f"neighbours in its layers are predicted less alike than before (by {judgement.smoothness_drop:.2f}), and "
            f"{judgement.consensus_drop:.0%} more of the inputs otherwise than by most of its checkpoints"
        )
        if judgement.is_memorizing:
            return f"This run stores single examples: at its end {drops}. Keep '{self._short(self.kept)}'."
        return f"One run, without a sign that it stores single examples: keep its last, '{self._short(self.kept)}'."

    def _short(self, row: RankedCheckpoint) -> str:
        """Its path below the folder that all share: a name alone may be "last.ckpt" in each."""
        return os.path.relpath(row.path, os.path.commonpath([each.path.parent for each in self.rows]))

    def correlate(
        self, metric: str | Mapping[Any, float], *, criterion: str = MUTUAL_INFORMATION.name, seed: int = 0
    ) -> Agreement:
        """How the ranking agrees with any column: Kendall's tau-b with interval and p-value.

        Args:
            metric: the name of a metric or criterion that the rows have, or path (or file name) -> value. A higher
                value counts as better: for a loss expect a negative tau.
            criterion: whose ranks.
            seed: of the draws.

        Returns:
            See `Agreement`; checkpoints without a value are left out.

        Raises:
            ValueError: there is no ranking, no such metric, a path that is no row, or fewer than two values.

        >>> names, ranks = ("a.ckpt", "b.ckpt"), ({"mutual_information": 1}, {"mutual_information": 2})
        >>> rows = (RankedCheckpoint(Path(n), 9, 90, 2.5, 0.1, 1, 1, ranks=r) for n, r in zip(names, ranks))
        >>> Ranking(tuple(rows), "heuristic", ("fc1",)).correlate({"a.ckpt": 0.9, "b.ckpt": 0.7}).tau
        1.0
        """
        if self.refusal is not None:
            raise ValueError(self.refusal)
        ranked = [row for row in self.rows if criterion in row.ranks]
        if not ranked:
            known = sorted({name for row in self.rows for name in row.ranks})
            raise ValueError(f"criterion: one of {', '.join(known)} is required, got {criterion!r}.")
        values = self._named(metric) if isinstance(metric, str) else self._given(metric)
        return rank_agreement(
            [row.ranks[criterion] for row in ranked], [values.get(row.path, math.nan) for row in ranked], seed=seed
        )

    def _named(self, metric: str) -> dict[Path, float]:
        columns = {row.path: {**row.scores, **row.metrics} for row in self.rows}
        values = {path: known[metric] for path, known in columns.items() if metric in known}
        if not values:
            known = sorted({name for known in columns.values() for name in known})
            nearest = ", ".join(nearest_names(metric, known, count=3)) or "none"
            raise ValueError(f"metric: a metric or criterion of rows is required, got {metric!r}; nearest: {nearest}.")
        return values

    def _given(self, metric: Mapping[Any, float]) -> dict[Path, float]:
        names = {str(row.path): row.path for row in self.rows}
        by_file: dict[str, list[Path]] = {}
        for row in self.rows:
            by_file.setdefault(row.path.name, []).append(row.path)
        names |= {name: paths[0] for name, paths in by_file.items() if len(paths) == 1}
        values = {}
        for key, value in metric.items():
            if str(key) not in names:
                raise ValueError(
                    f"metric: a value for each checkpoint, by path or file name, is required, got '{key}', which is no "
                    f"row or not the only one of its name; the rows are {', '.join(names)[:200]}."
                )
            values[names[str(key)]] = float(value)
        return values

    def to_dataframe(self) -> pandas.DataFrame:
        """One line a checkpoint, the fields of `RankedCheckpoint` as columns, then metrics, scores and their ranks.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        try:
            import pandas
        except ModuleNotFoundError as fault:
            raise ModuleNotFoundError(
                "to_dataframe: pandas is required and not installed; pip install 'lightning-infomem[pandas]'."
            ) from fault
        frame = pandas.DataFrame(self.to_records())
        # Whole numbers that may be missing.
        return frame.astype(dict.fromkeys(("epoch", "step", "rank", "entropy_rank"), "Int64"))

    def to_records(self) -> list[dict[str, Any]]:
        """One flat dictionary a checkpoint, all with the same keys; None where a value is not known."""
        lines = [_flat(row) for row in self.rows]
        names = dict.fromkeys(name for line in lines for name in line)
        return [{name: line.get(name) for name in names} for line in lines]

    def to_json(self) -> str:
        """The whole ranking as JSON; numbers that are not finite become null."""
        return json.dumps(_plain(dataclasses.asdict(self)), indent=2, allow_nan=False)

    def to_csv(self) -> str:
        """`to_records` as CSV, with a line of names."""
        return to_csv(self.to_records())

    def to_markdown(self) -> str:
        """The table as GitHub's Markdown, with verdict, flags and notes below."""
        return to_markdown(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield render_ranking(self, options.max_width)

    def __str__(self) -> str:
        console = Console(file=io.StringIO(), width=100, color_system=None, legacy_windows=False)
        with console.capture() as capture:
            console.print(self)
        return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _flat(row: RankedCheckpoint) -> dict[str, Any]:
    line = {name.name: getattr(row, name.name) for name in dataclasses.fields(row)}
    line["path"] = str(row.path)
    metrics, scores, ranks = line.pop("metrics"), line.pop("scores"), line.pop("ranks")
    for name in ("interval", "reseed_interval", "rank_interval"):
        line[f"{name}_low"], line[f"{name}_high"] = line.pop(name) or (None, None)
    scores = {name: value for name, value in scores.items() if name not in line}
    return {**line, **metrics, **scores, **{f"rank_by_{name}": rank for name, rank in ranks.items()}}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, Flag):
        return value._asdict()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(part) for part in value]
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
