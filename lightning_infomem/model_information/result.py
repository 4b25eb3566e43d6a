"""Base class of results: printing and saving."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning_infomem._errors import UsageValueError
from lightning_infomem.records.table import Column, Table
from lightning_infomem.records.tabular import Tabular
from lightning_infomem.reporting.text_file import write_text

__all__ = ["Result"]

_SPREAD = "_spread"
_WIDTH = 120  # of a table printed without a terminal


class Result(Tabular):
    """Rows of plain values with the settings they were measured with; `plots` has a figure for each kind of result."""

    settings: Mapping[str, Any]

    @abstractmethod
    def to_records(self) -> list[dict[str, Any]]:
        """Return one flat dictionary per row, all with the same keys."""

    @property
    def facts(self) -> dict[str, Any]:
        """What JSON holds in addition to the rows."""
        return {"settings": dict(self.settings)}

    def to_table(self) -> Table:
        """The rows as a `Table`, in which people see each mean with half the width of its interval behind it."""
        records = self.to_records()
        columns = [
            Column(name, shown="never")
            if name.endswith(_SPREAD)
            else Column(name, spread=name + _SPREAD if name + _SPREAD in records[0] else None)
            for name in records[0]
        ]
        return Table(columns, records, facts=self.facts)

    def to_json(self) -> str:
        """Return `to_records` and `facts` as JSON; numbers that are not finite become null."""
        return self.to_table().to_json()

    def save(self, path: str | Path) -> Path:
        """Write the result in the format of the suffix: ``.json`` (with the settings), ``.csv`` or ``.md``.

        Raises:
            ValueError: The suffix is another one.
            OSError: The folder is missing or not writable.
        """
        path = Path(path)
        forms = {".json": self.to_json, ".csv": self.to_csv, ".md": self.to_markdown}
        if path.suffix not in forms:
            raise UsageValueError(f"path: a name that ends in {', '.join(forms)} is required, got '{path}'; rename it.")
        write_text(path, forms[path.suffix]())
        return path

    def __str__(self) -> str:
        return self.to_table().to_text(_WIDTH)
