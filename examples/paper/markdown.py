"""Write the tables of the paper with our numbers as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from examples.paper.measures import NETWORK
from examples.paper.published import TABLE_2, TABLE_4, TABLE_5, TABLE_5_ORDER, TABLE_6
from examples.paper.summary import MEASURES

__all__ = ["tables"]

_NAMES = {"entropy": "mean entropy", "mutual_information": "mean MI"}
Summary = Mapping[str, Any]


def tables(summaries: Mapping[str, Summary], left_out: Mapping[str, str]) -> str:
    """Write all tables as one Markdown text.

    Args:
        summaries: Name of an experiment -> `summary.summarize` of its records.
        left_out: Title of an experiment -> why it is missing.
    """
    done = {name: each for name, each in summaries.items() if each["seeds"]}
    parts = [
        "# The tables of the paper, with our numbers",
        _about(done),
        *(f"- **{title}** is left out: {why}." for title, why in left_out.items()),
        "## Table 2: Kendall's tau of a measure with an extrinsic metric\n\n"
        "Positive where the hypothesis holds (shortcuts: low entropy, high MI; stored examples: high entropy, low MI). "
        "Each cell has tau of the means over seeds, [its 90 % interval when seeds are redrawn], and the mean of tau "
        "within each seed. The paper's numbers are for the whole network with the released code. With five levels "
        "tau = 1 occurs by chance once in 120.",
        *(_table_2(name, each) for name, each in done.items()),
        "## What was measured\n\nMeans over seeds, nats, values before the nonlinearity.",
        *(_means(each) for each in done.values()),
        "## Table 4: magnitude of Pearson's correlation with norms and accuracy, ours (the paper's)\n\n"
        "For the whole network with the released code, means over seeds. Norms are sums over weights; the paper does "
        "not give their exact form.",
        _table_4(done),
        *(_table_5(done["bias-in-bios"]) if "bias-in-bios" in done else []),
        "## Table 6: Kendall's tau of norms with an extrinsic metric, ours (the paper's)\n\n"
        "Positive where networks with small norms generalise.",
        _table_6(done),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _about(done: Mapping[str, Summary]) -> str:
    lines = []
    for each in done.values():
        recipe, examples, sizes = each["recipe"], each["examples"], each["sizes"]
        seeds = f"{len(each['seeds'])} seed{'s' * (len(each['seeds']) > 1)}"
        units = sorted(set(each["units"].values()))
        lines.append(
            f"- **{each['title']}**: {examples['train']:,} training and {examples['validation']:,} validation "
            f"examples, {recipe['epochs']} epochs, {seeds}; measured on {each['samples']:,} inputs, "
            f"{len(each['units'])} layers of {' or '.join(map(str, units))} units"
            + (" drawn at random" if sizes["max_units"] in units else "")
            + f" ({each['date']}, torch {each['versions']['torch']}, lightning-infomem "
            f"{each['versions']['lightning-infomem']}, {each['machine']})."
        )
    return "\n".join(lines)


def _table_2(name: str, summary: Summary) -> str:
    metrics = list(summary["extrinsic"])
    head = ["preset", "values", "layer", "measure", *(_plain(metric) for metric in metrics), "the paper"]
    rows = []
    for column in summary["columns"]:
        cells = [_tau(column["tau"][metric]) for metric in metrics]
        of_paper = ""
        if (column["preset"], column["values"], column["layer"]) == ("released_code", "before", NETWORK):
            published = TABLE_2.get(name, {})
            given = [published.get(metric, {}).get(column["measure"]) for metric in metrics]
            of_paper = ", ".join(f"{tau:+.2f}" for tau in given if tau is not None)
        rows.append([column["preset"], column["values"], column["layer"], _NAMES[column["measure"]], *cells, of_paper])
    return f"### {summary['title']}\n\n" + _markdown(head, rows)


def _means(summary: Summary) -> str:
    labels = [f"{summary['level_name']} {level}" for level in summary["levels"]]
    rows = [[_plain(name), *_cells(values, 3)] for name, values in summary["extrinsic"].items()]
    rows.append(["training accuracy", *_cells(summary["train_accuracy"], 3)])
    for column in summary["columns"]:
        if column["values"] == "before":
            name = f"{column['preset']}, {column['layer']}: {_NAMES[column['measure']]}"
            rows.append([name, *_cells(column["by_level"], 3)])
    rows += [[name, *_cells(values, 4)] for name, values in summary["norms"].items()]
    return f"### {summary['title']}\n\n" + _markdown(["", *labels], rows)


def _table_4(done: Mapping[str, Summary]) -> str:
    rows = []
    for name, summary in done.items():
        columns = {column["measure"]: column for column in _of_network(summary)}
        for beside in next(iter(columns.values()))["correlation"]:
            published = TABLE_4.get(name, {}).get(beside, {})
            cells = [
                _number(columns[measure]["correlation"][beside], ".2f") + _in_brackets(published.get(measure), ".2f")
                for measure in MEASURES
            ]
            rows.append([summary["title"], _plain(beside), *cells])
    return _markdown(["", "with", *(_NAMES[measure] for measure in MEASURES)], rows)


def _table_5(summary: Summary) -> Iterable[str]:
    yield "## Table 5: Bias-in-Bios, Kendall's tau among metrics, ours (the paper's)"
    found = summary["metrics_tau"]
    rows = [
        [
            _plain(row),
            *(
                _number(found[row].get(other), "+.2f") + f" ({TABLE_5[i][j]:.2f})"
                for j, other in enumerate(TABLE_5_ORDER)
            ),
        ]
        for i, row in enumerate(TABLE_5_ORDER)
    ]
    yield _markdown(["", *map(_plain, TABLE_5_ORDER)], rows)


def _table_6(done: Mapping[str, Summary]) -> str:
    rows = []
    for name, summary in done.items():
        for norm, by_metric in summary["norms_tau"].items():
            published = TABLE_6.get(name, {}).get(norm)
            for metric, tau in by_metric.items():
                rows.append([summary["title"], norm, _plain(metric), _tau(tau) + _in_brackets(published, "+.2f")])
    return _markdown(["", "norm", "metric", "tau"], rows)


def _of_network(summary: Summary) -> list[Summary]:
    place = ("released_code", "before", NETWORK)
    return [each for each in summary["columns"] if (each["preset"], each["values"], each["layer"]) == place]


def _tau(agreement: Mapping[str, Any]) -> str:
    if agreement["tau"] is None:
        return "-"
    text = f"{agreement['tau']:+.2f}"
    if agreement["low"] is not None:
        text += f" [{agreement['low']:+.2f}, {agreement['high']:+.2f}]"
    of_seeds = [tau for tau in agreement["of_seeds"] if tau is not None]
    return text + (f"; {sum(of_seeds) / len(of_seeds):+.2f}" if of_seeds else "")


def _cells(by_level: Sequence[Sequence[float]], digits: int) -> list[str]:
    return [f"{mean:.{digits}g}" if abs(mean) >= 1000 else f"{mean:.{digits}f}" for mean in np.mean(by_level, axis=1)]


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _in_brackets(value: float | None, form: str) -> str:
    return "" if value is None else f" ({value:{form}})"


def _plain(name: str) -> str:
    return _NAMES.get(name, name.replace("_", " "))


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
