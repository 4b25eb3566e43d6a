"""One table, in every form in which a result leaves the package."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from lightning_infomem.records.table import Column, Note, Table, plain_value

COLUMNS = (
    Column("rank"),
    Column("rank_interval", "90 %", shown="wide", pair=True),
    Column("path", "checkpoint"),
    Column("step", shown="never"),
    Column("information", "MI (nats)", ".4f", spread="spread"),
    Column("spread", shown="never"),
    Column("val_loss"),
    Column("kind"),
)
ROWS = (
    {"rank": 1, "rank_interval": (1, 2), "path": Path("runs/a[bold].ckpt"), "step": 30, "information": 0.125}
    | {"spread": 0.01, "val_loss": 1234.5, "kind": "heuristic"},
    {"rank": None, "rank_interval": None, "path": Path("runs/b/b.ckpt"), "step": None, "information": math.nan}
    | {"spread": math.nan, "val_loss": math.inf},
)
TABLE = Table(
    COLUMNS,
    ROWS,
    title="runs: means over 'fc1', nats",
    notes=("a note", Note("a [red]doubt[/red]", "yellow")),
    facts={"settings": {"bins": 100, "bandwidth": math.inf}},
    folder=Path("runs"),
    styles={0: "bold"},
)
HOSTILE = "a\x1b[2J|`b`\n<script>[x](y)\u202e _z_\udcff"


def table_of(rows, **fields):
    return Table([Column(name) for name in rows[0]], rows, **fields)


def print_in(table, width, **options):
    console = Console(file=io.StringIO(), width=width, **{"color_system": None, **options})
    console.print(table)
    return console.file.getvalue()


def test_records_are_flat_and_all_have_the_same_keys():
    first, second = TABLE.to_records()
    assert first == {
        "rank": 1,
        "rank_interval_low": 1,
        "rank_interval_high": 2,
        "path": "runs/a[bold].ckpt",
        "step": 30,
        "information": 0.125,
        "spread": 0.01,
        "val_loss": 1234.5,
        "kind": "heuristic",
    }
    assert list(second) == list(first)
    assert (second["rank_interval_low"], second["kind"], second["val_loss"]) == (None, None, math.inf)


def test_json_holds_rows_facts_and_notes_and_no_number_that_json_lacks():
    state = json.loads(TABLE.to_json())
    assert list(state) == ["title", "rows", "settings", "notes"]
    assert state["settings"] == {"bins": 100, "bandwidth": None}
    assert state["notes"] == ["a note", "a [red]doubt[/red]"]
    assert state["rows"][0] == TABLE.to_records()[0]
    assert (state["rows"][1]["information"], state["rows"][1]["val_loss"]) == (None, None)
    assert json.loads(table_of([{"a": np.float32(0.5)}]).to_json()) == {"rows": [{"a": 0.5}]}


def test_csv_leaves_empty_what_is_not_known_or_not_finite():
    assert TABLE.to_csv().splitlines() == [
        "rank,rank_interval_low,rank_interval_high,path,step,information,spread,val_loss,kind",
        "1,1,2,runs/a[bold].ckpt,30,0.125,0.01,1234.5,heuristic",
        ",,,runs/b/b.ckpt,,,,,",
    ]


def test_markdown_shows_people_their_columns_and_the_notes():
    assert TABLE.to_markdown().splitlines() == [
        "runs: means over 'fc1', nats",
        "",
        "| rank | 90 % | checkpoint | MI (nats) | val loss | kind |",
        "| ---: | ---: | --- | ---: | ---: | --- |",
        "| 1 | 1-2 | `a[bold].ckpt` | 0.1250 ± 0.0100 | 1,234 | heuristic |",
        "| - | - | `b/b.ckpt` | - | - | - |",
        "",
        "- a note",
        r"- a \[red\]doubt\[/red\]",
    ]


def test_text_holds_title_cells_and_notes_and_takes_nothing_for_markup():
    lines = str(TABLE).splitlines()
    assert lines[0] == TABLE.title
    assert lines[-2:] == ["a note", "a [red]doubt[/red]"]
    cells = next(line for line in lines if "a[bold].ckpt" in line).split()
    assert cells == ["1", "1-2", "a[bold].ckpt", "0.1250", "±", "0.0100", "1,234", "heuristic"]
    assert next(line for line in lines if "b.ckpt" in line).split() == ["-", "-", "b/b.ckpt", "-", "-", "-"]


def test_a_narrow_terminal_gets_fewer_columns_and_every_number_whole():
    long = [{**row, "path": Path("runs", "many_words" * 6)} for row in ROWS]
    table = Table([*COLUMNS, Column("validation loss of a long name", form=".6f")], long, folder=Path("runs"))
    wide, narrow = print_in(table, 80), print_in(table, 60)
    assert "90 %" in wide
    assert "90 %" not in narrow
    assert max(map(len, narrow.splitlines())) <= 60
    assert "0.1250 ± 0.0100" in narrow
    assert "1,234" in narrow


def test_rows_and_notes_are_printed_in_their_style():
    text = print_in(TABLE, 100, color_system="standard", force_terminal=True)
    bold, plain = (next(line for line in text.splitlines() if name in line) for name in ("a[bold]", "b/b"))
    assert "\x1b[1m" in bold
    assert "\x1b[1m" not in plain
    assert "\x1b[33ma [red]doubt" in text


def test_an_interval_below_zero_is_no_row_of_dashes():
    table = Table([Column("interval", form=".1f", pair=True)], [{"interval": (-0.25, -0.1)}])
    assert "-0.2 to -0.1" in str(table)
    assert str(Table([Column("interval", pair=True)], [{"interval": (math.nan, 1.0)}])).splitlines()[-1].strip() == "-"


def test_text_from_a_file_cannot_steer_a_terminal_or_break_out_of_a_cell():
    table = table_of([{HOSTILE: HOSTILE, "path": Path(HOSTILE)}], title=HOSTILE, notes=[HOSTILE])
    terminal = print_in(table, 300, color_system="standard", force_terminal=True)
    for text in (
        str(table),
        table.to_csv(),
        table.to_markdown(),
        terminal.replace("\x1b[2m", "").replace("\x1b[0m", ""),
    ):
        assert "\\x1b" in text
        assert not set("\x1b\u202e\udcff") & set(text.replace("\x1b[1m", ""))
    cell = r"a\\x1b\[2J\|\`b\`\\n\<script\>\[x\](y)\\u202e \_z\_\\udcff"
    heading = cell.replace(r"\_", " ").replace(r"\\n", " ").replace("  ", " ")
    title, _, head, _, row, _, note = table.to_markdown().splitlines()
    assert (title, head, row, note) == (
        cell,
        f"| {heading} | path |",
        f"| {cell} | {cell} |",
        f"- {cell}",
    )
    assert len(list(csv.reader(io.StringIO(table.to_csv())))) == 2
    assert json.loads(table.to_json())["rows"] == [{HOSTILE: HOSTILE, "path": HOSTILE}]


def test_parts_stand_between_rows_and_notes():
    part = table_of([{"group": "large"}])
    for form in (str, Table.to_markdown):
        text = form(table_of([{"name": "a"}], parts=[part], notes=["the end"]))
        assert text.index("name") < text.index("large") < text.index("the end")
    assert "large" not in table_of([{"name": "a"}], parts=[part]).to_json()


def test_what_matters_most_stands_above_all_and_among_the_notes_of_other_programs():
    table = dataclasses.replace(TABLE, lead=["the choice", Note("! a [red]doubt[/red]", "yellow")])
    assert str(table).splitlines()[:3] == ["the choice", "! a [red]doubt[/red]", TABLE.title]
    assert table.to_markdown().splitlines()[:4] == ["- the choice", r"- ! a \[red\]doubt\[/red\]", "", TABLE.title]
    assert json.loads(table.to_json())["notes"][:2] == ["the choice", "! a [red]doubt[/red]"]
    assert table.to_csv() == TABLE.to_csv()
    text = print_in(table, 100, color_system="standard", force_terminal=True)
    assert "\x1b[33m! a [red]doubt" in text
    hostile = str(table_of([{"a": 1}], lead=[HOSTILE]))
    assert not set("\x1b\u202e\udcff") & set(hostile)


def test_the_width_is_that_of_a_line_in_a_wide_terminal():
    longest = [Column("name"), Column("heading that is long"), Column("hidden", shown="never")]
    table = Table(longest, [{"name": "x" * 30, "heading that is long": 1, "hidden": "y" * 99}])
    # The cell, the heading, and two places beside each, of which the last one is empty.
    assert table.width == 30 + 2 + 20 + 2
    assert max(map(len, print_in(table, 200).splitlines())) == table.width - 1
    for room, whole in ((table.width, True), (table.width - 2, False)):
        assert ("heading that is long" in print_in(table, room)) == whole
    assert Table(longest[:1], []).width == len("name") + 2


def test_plain_values_leave_out_what_is_not_exported():
    @dataclasses.dataclass
    class Record:
        shown: int
        hidden: object = dataclasses.field(default=None, metadata={"exported": False})
        nested: object = None

    record = Record(1, object(), {"inner": Record(2, object())})
    assert plain_value(record) == {"shown": 1, "nested": {"inner": {"shown": 2, "nested": None}}}
    assert plain_value([Record]) == [Record]  # a class is no record
    assert plain_value({"set": {3, 1}, "array": np.array([1.5, np.nan]), "yes": True}) == {
        "set": [1, 3],
        "array": [1.5, None],
        "yes": True,
    }


def test_a_data_frame_has_whole_numbers_that_can_be_missing():
    frame = TABLE.to_dataframe()
    assert frame.columns.tolist() == list(TABLE.to_records()[0])
    assert frame["rank"].dtype == "Int64"
    assert frame["rank"].isna().tolist() == [False, True]
    assert frame["val_loss"].tolist() == [1234.5, math.inf]


def test_a_table_without_rows_keeps_its_columns():
    empty = Table(COLUMNS, ())
    assert empty.to_records() == []
    assert empty.to_csv() == TABLE.to_csv().splitlines()[0] + "\n"
    assert empty.to_dataframe().columns.tolist() == list(TABLE.to_records()[0])
    assert "checkpoint" in str(empty)


def test_without_pandas_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ModuleNotFoundError, match=r"lightning-infomem\[pandas\]"):
        TABLE.to_dataframe()
