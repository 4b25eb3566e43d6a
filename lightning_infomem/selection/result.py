"""What a ranking returns: plain frozen records that can be printed, saved and turned into a table."""

from __future__ import annotations

import dataclasses
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType

from lightning_infomem.selection.table import render_ranking

if TYPE_CHECKING:
    import pandas

__all__ = ["RankedCheckpoint", "Ranking"]


@dataclass(frozen=True)
class RankedCheckpoint:
    """One checkpoint in a ranking.

    Attributes:
        path: of the file.
        epoch: in which it was saved; None where the file does not say.
        step: the global step at which it was saved; None where the file does not say.
        entropy: mean over the layers ranked of their mean entropy, nats; for the eye, ranks are made per layer.
        mutual_information: mean over the layers ranked of their mean mutual information, nats; likewise.
        rank: by mutual information, 1 is best; None where no ranking was made.
        entropy_rank: by entropy, 1 is best; None where no ranking was made.
        metrics: what ModelCheckpoint monitored when it saved the file, name -> value.
    """

    path: Path
    epoch: int | None
    step: int | None
    entropy: float
    mutual_information: float
    rank: int | None
    entropy_rank: int | None
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Ranking:
    """Checkpoints, best first; `print` shows a table.

    Attributes:
        rows: the checkpoints, best first by mutual information; in the order of training where there is no ranking.
        memorization: the kind of memorization that decided the direction; None where there is no ranking.
        layers: names of the layers that were ranked.
        skipped: path -> why a checkpoint is not among the rows.
        notes: what a reader of the ranking should know.
        refusal: why there is no ranking; None where there is one.
    """

    rows: tuple[RankedCheckpoint, ...]
    memorization: str | None
    layers: tuple[str, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    refusal: str | None = None

    @property
    def best(self) -> RankedCheckpoint:
        """The first of the rows, the best by mutual information.

        Raises:
            ValueError: there is no ranking; the message says why.
        """
        if self.refusal is not None:
            raise ValueError(self.refusal)
        return self.rows[0]

    def to_dataframe(self) -> pandas.DataFrame:
        """One line a checkpoint, the fields of `RankedCheckpoint` as columns, then one column a monitored metric.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        try:
            import pandas
        except ModuleNotFoundError as fault:
            raise ModuleNotFoundError(
                "to_dataframe: pandas is required and not installed; pip install 'lightning-infomem[pandas]'."
            ) from fault
        lines = []
        for row in self.rows:
            line = {**dataclasses.asdict(row), "path": str(row.path)}
            lines.append({**line.pop("metrics"), **line})
        names = [field.name for field in dataclasses.fields(RankedCheckpoint) if field.name != "metrics"]
        frame = pandas.DataFrame(lines)
        frame = frame[names + [name for name in frame.columns if name not in names]]
        # Whole numbers that may be missing.
        return frame.astype(dict.fromkeys(("epoch", "step", "rank", "entropy_rank"), "Int64"))

    def to_json(self) -> str:
        """The whole ranking as JSON; numbers that are not finite become null."""
        state: dict[str, Any] = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        state["rows"] = [{**dataclasses.asdict(row), "path": str(row.path)} for row in self.rows]
        for row in state["rows"]:
            row["metrics"] = {name: value if math.isfinite(value) else None for name, value in row["metrics"].items()}
        state["skipped"] = dict(self.skipped)
        return json.dumps(state, indent=2, allow_nan=False)

    def __rich__(self) -> RenderableType:
        return render_ranking(self)

    def __str__(self) -> str:
        console = Console(file=io.StringIO(), width=100, color_system=None, legacy_windows=False)
        with console.capture() as capture:
            console.print(self)
        return "\n".join(line.rstrip() for line in capture.get().splitlines())
