"""What all results can do: be printed, and leave as records, CSV, Markdown, JSON or a data frame."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lightning_infomem.records.plain_value import plain_value
from lightning_infomem.records.table import Table

if TYPE_CHECKING:
    import pandas
    from rich.console import Console, ConsoleOptions, RenderableType

__all__ = ["Tabular"]


class Tabular(ABC):
    """A frozen result that is shown and exported as a table."""

    @abstractmethod
    def to_table(self) -> Table:
        """The result as a table, with what a reader should know below it."""

    def to_records(self) -> list[dict[str, Any]]:
        """One flat dictionary per row, all with the same keys; None where a value is not known."""
        return self.to_table().to_records()

    def to_csv(self) -> str:
        """`to_records` as CSV, below a line of names."""
        return self.to_table().to_csv()

    def to_markdown(self) -> str:
        """The table as GitHub's Markdown, with verdict and notes as a list below."""
        return self.to_table().to_markdown()

    def to_dataframe(self) -> pandas.DataFrame:
        """`to_records` as a data frame.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        return self.to_table().to_dataframe()

    def to_json(self) -> str:
        """The whole result, nested as it is, as JSON; numbers that are not finite become null."""
        return json.dumps(plain_value(self), indent=2, allow_nan=False)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield self.to_table()

    def __str__(self) -> str:
        return str(self.to_table())
