"""What TensorBoard shows in addition to the numbers: explanations, all layers in one chart, hyperparameters."""

from __future__ import annotations

import inspect
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lightning_infomem.records.metric_names import Metric, metric_name, overview_name
from lightning_infomem.reporting.meaning import LIMITS, MEANING

__all__ = ["Watched", "introduce_to_tensorboard", "log_final_measures"]

# Logged next to the hyperparameters of a run.
_FINAL_MEASURES = (Metric.MI_MEAN, Metric.ENTROPY_MEAN, Metric.MEMORIZING, Metric.SMOOTHNESS)
_CHARTS = {
    "mutual information of each layer (nats)": Metric.MI_MEAN,
    "entropy of each layer (nats)": Metric.ENTROPY_MEAN,
    "smoothness of each layer": Metric.SMOOTHNESS,
    "share of dead units of each layer": Metric.DEAD_FRACTION,
}
_LAYOUT_TAG, _HPARAMS_TAG = "custom_scalars__config__", "_hparams_/experiment"  # TensorBoard's names
_END = 2**20  # bytes at each end of an event file: layouts and texts are written at the start, a declaration at either
_MOST_LAYERS = 12  # named in the text
_PACKAGES = ("lightning-infomem", "torch", "pytorch-lightning", "tensorboard")


@dataclass(frozen=True)
class Watched:
    """What one monitor measures in a run.

    Attributes:
        prefix: Prefix of its logged names.
        layers: Names of the layers.
        settings: Settings of the measurement, as plain numbers and strings.
    """

    prefix: str
    layers: Sequence[str]
    settings: Mapping[str, Any]


def introduce_to_tensorboard(logger: Any, watched: Sequence[Watched]) -> None:
    """Write explanations of the numbers of a run into its event file, once.

    A text for each monitor explains what its numbers mean and how they are measured. A layout of the tab Custom Scalars
    shows all layers in one chart. A layout that the run already has is kept, and a later one replaces ours, because
    TensorBoard shows the last of a run.

    Args:
        logger: TensorBoardLogger of the run.
        watched: What each monitor of the run measures.
    """
    writer = logger.experiment
    if not _is_written(writer, _LAYOUT_TAG):
        writer.add_custom_scalars({_title(each.prefix): _charts(each.prefix) for each in watched})
    for each in watched:
        name = overview_name(each.prefix, "what the numbers mean")
        if not _is_written(writer, name):
            _add_text(writer, name, _text(each))


def log_final_measures(logger: Any, prefixes: Sequence[str], logged: Mapping[str, Any], step: int) -> None:
    """Write the row of a run in the tab HParams: the hyperparameters that the logger holds, and the last measures.

    TensorBoard keeps the first declaration of a run. So nothing is written if there is one already: by the user, or by
    Lightning for its placeholder ``hp_metric``, which ``TensorBoardLogger(default_hp_metric=False)`` leaves out.
    Nothing is written for a run without hyperparameters either.

    Args:
        logger: TensorBoardLogger of the run, which holds what modules and data modules saved for it.
        prefixes: Prefix of each monitor of the run.
        logged: Logged name -> last value.
        step: Place on the x-axis at which the values are logged once more.
    """
    names = [metric_name(prefix, measure) for prefix in prefixes for measure in _FINAL_MEASURES]
    measures = {name: float(logged[name]) for name in names if name in logged}
    # Before Lightning 2.5 the logger would put the last values at the start of the x-axis.
    has_step = "step" in inspect.signature(logger.log_hyperparams).parameters
    if has_step and logger.hparams and measures and not _is_written(logger.experiment, _HPARAMS_TAG):
        logger.log_hyperparams(logger.hparams, measures, step=step)


def _add_text(writer: Any, name: str, markdown: str) -> None:
    """Add a text under exactly this name; the writer's own method appends "text_summary" to it."""
    from torch.utils.tensorboard.summary import text  # here, since it takes a second to import

    summary = text(name, markdown)  # type: ignore[no-untyped-call]
    summary.value[0].tag = name
    writer.file_writer.add_summary(summary, 0)


def _is_written(writer: Any, tag: str) -> bool:
    """Whether the first or last MiB of an event file has a tag, from the user or from before the run was resumed."""
    writer.flush()
    for path in Path(writer.log_dir).glob("events.out.tfevents.*"):
        with path.open("rb") as stream:
            start = stream.read(_END)
            stream.seek(max(stream.seek(0, os.SEEK_END) - _END, 0))
            if tag.encode() in start or tag.encode() in stream.read():
                return True
    return False


def _title(prefix: str) -> str:
    return overview_name(prefix, "").strip(" /") + ", layer by layer"


def _charts(prefix: str) -> dict[str, list[Any]]:
    """Return charts whose tags are patterns, since the names of layers and the Trainer's own prefixes vary."""
    start = "(.*[/-])?" + re.escape(metric_name(prefix, ""))
    return {title: ["Multiline", [f"{start}[^/]+/{measure}$"]] for title, measure in _CHARTS.items()}


def _text(watched: Watched) -> str:
    """Return the explanation as Markdown."""
    names = [f"`{name}`" for name in watched.layers]
    if len(names) > _MOST_LAYERS:
        half = _MOST_LAYERS // 2
        names = [*names[:half], "...", *names[-half:]]
    table = {
        f"layers ({len(watched.layers)})": ", ".join(names),
        **{name.replace("_", " "): value for name, value in watched.settings.items()},
        "versions": ", ".join([*_versions(), f"python {platform.python_version()}"]),
    }
    lines = ["### What the numbers mean", "", *(f"- {_plain(sentence)}" for sentence in MEANING), ""]
    lines += ["### What they do not mean", "", *(f"- {_plain(sentence)}" for sentence in LIMITS), ""]
    lines += ["### How this run is measured", "", "| setting | value |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in table.items())])


def _plain(sentence: str) -> str:
    return sentence.replace("_", r"\_")


def _versions() -> list[str]:
    found = []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:  # not installed, or Lightning under its other name
            continue
    return found
