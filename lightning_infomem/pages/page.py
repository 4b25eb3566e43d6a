"""The bare page that a report is written into: no script, no font, no picture from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from string import Template

__all__ = ["whole_page"]

# A column is sorted by its numbers, the first of each cell, or by its words; a second click turns it round. What has no
# value stands last in both. Without scripts the heads are words, and the tables stay as they are.
_SCRIPT = """
const value = (row, column) => {
  const text = row.cells[column].textContent.trim();
  const number = parseFloat(text.replace(/,/g, ""));
  return row.cells[column].classList.contains("number") ? number : text;
};
for (const head of document.querySelectorAll("thead th")) {
  const button = document.createElement("button");
  button.textContent = head.textContent;
  button.title = "sort by " + head.textContent;
  head.replaceChildren(button);
  button.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = head.closest("table").tBodies[0], column = head.cellIndex;
    const rows = [...body.rows].sort((a, b) => {
      const one = value(a, column), other = value(b, column);
      if (typeof one === "string") return (down ? -1 : 1) * one.localeCompare(other, undefined, {numeric: true});
      if (isNaN(one) || isNaN(other)) return isNaN(one) - isNaN(other);
      return down ? other - one : one - other;
    });
    body.append(...rows);
  });
}
"""
_DIGEST = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode("ascii")


def whole_page(title: str, parts: Iterable[str]) -> str:
    """Make a page.

    Args:
        title: words.
        parts: markup, in order; empty ones are left out.

    Returns:
        Well-formed HTML with its style, its figures and one script inside, which sorts tables. Nothing is fetched, and
        a browser is told to run no other script.
    """
    body = "\n".join(part for part in parts if part)
    return _PAGE.substitute(title=escape(title), body=body, script=_SCRIPT, digest=_DIGEST)


# Tables and figures may be wider than a telephone: they scroll by themselves, and the page does not. Figures are drawn
# for white paper; on a dark screen they are turned round, and their hues are turned back.
_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-$digest'">
<title>$title</title>
<style>
:root { --ink: #1c2126; --pale: #5c6670; --paper: #fff; --card: #f5f7f9; --line: #d9dfe4; --best: #0067a3;
  --best-card: #e6f1f8; --doubt: #8a4b00; --doubt-card: #fdf1e0; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ec; --pale: #9ba6b0; --paper: #14181c; --card: #1d2329; --line: #343c44; --best: #6cbcf0;
    --best-card: #16303f; --doubt: #f0b45f; --doubt-card: #33270f; }
  figure svg { filter: invert(0.92) hue-rotate(180deg); }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 70rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 0.25rem; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 0.6rem; }
h3 { font-size: 1.05rem; margin: 2rem 0 0.5rem; }
h4 { font-size: 1rem; margin: 1.5rem 0 0.4rem; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; list-style: none; padding: 0; }
a { color: var(--best); }
p, ul { margin: 0.4rem 0; }
ul { padding-left: 1.25rem; }
.pale, footer { color: var(--pale); font-size: 0.875rem; }
.verdict { background: var(--best-card); border-left: 4px solid var(--best); padding: 0.8rem 1rem; margin: 1.25rem 0;
  border-radius: 0 6px 6px 0; }
.verdict p:first-child { font-size: 1.15rem; margin-top: 0; }
.verdict.refused, .doubts { background: var(--doubt-card); border-left: 4px solid var(--doubt); }
.doubts { padding: 0.6rem 1rem; border-radius: 0 6px 6px 0; }
.doubts h2 { margin: 0 0 0.3rem; font-size: 1rem; color: var(--doubt); }
.doubts ul { list-style: none; padding: 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.8125rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.35rem 0.5rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; color: var(--pale); vertical-align: bottom; line-height: 1.3; }
td:not(.number) { min-width: 7rem; max-width: 22rem; }
td.name { min-width: 11rem; }
.number { text-align: right; }
td.number { white-space: nowrap; }
th button { all: unset; cursor: pointer; }
th button:hover, th button:focus-visible { color: var(--best); text-decoration: underline; }
th[aria-sort] button { color: var(--ink); }
th[aria-sort="ascending"] button::after { content: " \\25B2"; }
th[aria-sort="descending"] button::after { content: " \\25BC"; }
tr.best td { background: var(--best-card); }
tr.best td.name { font-weight: 600; color: var(--best); }
tr.control td { color: var(--pale); font-style: italic; }
figure { margin: 1rem 0; overflow-x: auto; }
figure svg { display: block; max-width: 100%; height: auto; margin: 0 auto; }
figure svg * { stroke-linejoin: round; stroke-linecap: butt; }
figcaption { font-weight: 600; margin: 2rem 0 0.6rem; }
tr.doubtful td { background: var(--doubt-card); }
summary { cursor: pointer; margin: 0.8rem 0; }
footer { margin-top: 3rem; padding-top: 0.8rem; border-top: 1px solid var(--line); }
@media screen and (max-width: 40rem) {
  body { padding: 1.25rem 0.9rem 3rem; }
  th, td { padding: 0.3rem 0.45rem; }
  figure svg { max-width: none; width: 38rem; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  .scroll { overflow: visible; }
  tr, figure, .verdict, .doubts { break-inside: avoid; }
  h2, h3, h4 { break-after: avoid; }
  figure svg { max-height: 22cm; }
  details > summary { list-style: none; }
  details::details-content { content-visibility: visible; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
</style>
</head>
<body>
$body
<script>$script</script>
</body>
</html>
""")
