"""A parsed page."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

_EMPTY = {"meta"}


class Page(HTMLParser):
    """Its words, tables and tags; fails where tags do not nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.cells: list[list[list[str]]] = []
        self.marked: list[str | None] = []
        self.words = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs
        if tag not in _EMPTY:
            self.open.append(tag)
        if tag == "table":
            self.cells.append([])
        elif tag == "tr":
            self.cells[-1].append([])
            self.marked.append(dict(attrs).get("class"))
        elif tag in ("td", "th"):
            self.cells[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"style", "script"} & set(self.open):
            return
        self.words += data
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1][-1][-1] += data

    @property
    def figures(self) -> list[str]:
        """Their descriptions."""
        return [value or "" for name, value in self.attributes if name == "aria-label"]
