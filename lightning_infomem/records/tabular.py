"""Printing and exporting that all results share."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lightning_infomem.records.table import Table, plain_value

if TYPE_CHECKING:
    import pandas
    from rich.console import Console, ConsoleOptions, RenderableType

__all__ = ["Tabular", "metric_columns"]


class Tabular(ABC):
    """A frozen result that is printed and exported as a table."""

    @abstractmethod
    def to_table(self) -> Table:
        """Return the result as a table, with verdict and notes below it."""

    def to_records(self) -> list[dict[str, Any]]:
        """Return one flat dictionary per row, all with the same keys; unknown values are None."""
        return self.to_table().to_records()

    def to_csv(self) -> str:
        """Return `to_records` as CSV with a line of names."""
        return self.to_table().to_csv()

    def to_markdown(self) -> str:
        """Return the table as GitHub's Markdown, with verdict and notes as a list below."""
        return self.to_table().to_markdown()

    def to_dataframe(self) -> pandas.DataFrame:
        """Return `to_records` as a data frame.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        return self.to_table().to_dataframe()

    def to_json(self) -> str:
        """Return the whole nested result as JSON; numbers that are not finite become null."""
        return json.dumps(plain_value(self), indent=2, allow_nan=False)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield self.to_table()

    def __str__(self) -> str:
        return str(self.to_table())


def metric_columns(row: Any) -> dict[str, float]:
    """Return the ``metrics`` of a row by the names of their columns: one named like a field becomes ``metric_name``."""
    taken = {f"{name}{end}" for name in vars(row) for end in ("", "_low", "_high")}
    return {f"metric_{name}" if name in taken else name: value for name, value in row.metrics.items()}
