"""What TensorBoard shows beside the numbers of a run: what they mean, all layers in one chart, hyperparameters."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lightning_infomem.records.metric_names import Metric, metric_name, overview_name
from lightning_infomem.reporting.meaning import LIMITS, MEANING

__all__ = ["FINAL_MEASURES", "Watched", "declare_hyperparameters", "introduce_to_tensorboard"]

# The last values of these stand beside the hyperparameters of a run.
FINAL_MEASURES = (Metric.MI_MEAN, Metric.ENTROPY_MEAN, Metric.MEMORIZING, Metric.SMOOTHNESS)
_CHARTS = {
    "mutual information of each layer (nats)": Metric.MI_MEAN,
    "entropy of each layer (nats)": Metric.ENTROPY_MEAN,
    "smoothness of each layer": Metric.SMOOTHNESS,
    "share of dead units of each layer": Metric.DEAD_FRACTION,
}
_LAYOUT_TAG = "custom_scalars__config__"  # TensorBoard's own
_BEGINNING = 2**20  # bytes of an event file, in which a layout or a text would stand
_MOST_LAYERS = 12  # named in the text
_PACKAGES = ("lightning-infomem", "torch", "pytorch-lightning", "tensorboard")


@dataclass(frozen=True)
class Watched:
    """What one monitor measures in a run.

    Attributes:
        prefix: of its names.
        layers: their names.
        settings: of the measurement, plain numbers and strings.
    """

    prefix: str
    layers: Sequence[str]
    settings: Mapping[str, Any]


def introduce_to_tensorboard(
    logger: Any, watched: Sequence[Watched], hyperparameters: Mapping[str, Any] | None
) -> None:
    """Write what stands beside the numbers of a run into its event file, once.

    A text for each monitor, of what its numbers mean and how they are measured; one layout of the tab Custom Scalars
    for all, with all layers in one chart; the last measures as columns of the tab HParams. A layout that the run has
    already stays, and a later one takes the place of ours: TensorBoard shows the last of a run.

    Args:
        logger: a TensorBoardLogger.
        watched: by each monitor of the run.
        hyperparameters: flat, those that Lightning is about to write for this logger; TensorBoard keeps the first
            declaration of a run, so this one must hold them. None where it will write none: then the tab stays the
            user's.
    """
    writer = logger.experiment
    for each in watched:
        name = overview_name(each.prefix, "what the numbers mean")
        if not _is_written(writer, name):
            _add_text(writer, name, _text(each))
    if not _is_written(writer, _LAYOUT_TAG):
        writer.add_custom_scalars({_title(each.prefix): _charts(each.prefix) for each in watched})
    if hyperparameters is not None:
        own = getattr(logger, "_prefix", "")
        names = [metric_name(each.prefix, measure) for each in watched for measure in FINAL_MEASURES]
        names = [f"{own}{logger.LOGGER_JOIN_CHAR}{name}" for name in names] if own else names
        declare_hyperparameters(writer, hyperparameters, [*names, "hp_metric"])


def declare_hyperparameters(writer: Any, hyperparameters: Mapping[str, Any], measures: Sequence[str]) -> None:
    """Say which hyperparameters and measures of a run the tab HParams shows; the first such word of a run counts.

    Args:
        writer: torch's SummaryWriter.
        hyperparameters: flat: numbers, strings and the like.
        measures: names of logged values, of which the last is shown.
    """
    from torch.utils.tensorboard.summary import hparams  # here, since it takes a second to import

    shown = dict.fromkeys(measures, 0.0)  # the values go nowhere: TensorBoard reads those that are logged
    experiment, session, _ = hparams(dict(hyperparameters), shown)  # type: ignore[no-untyped-call]
    for summary in (experiment, session):
        writer._get_file_writer().add_summary(summary)


def _add_text(writer: Any, name: str, markdown: str) -> None:
    """As the writer's own method, which would end the name in "text_summary"."""
    from torch.utils.tensorboard.summary import text

    summary = text(name, markdown)  # type: ignore[no-untyped-call]
    summary.value[0].tag = name
    writer._get_file_writer().add_summary(summary, 0)


def _is_written(writer: Any, tag: str) -> bool:
    """Whether the files of a run hold it: by the user, or from before the run was taken up again."""
    writer.flush()
    for path in Path(writer.log_dir).glob("events.out.tfevents.*"):
        with path.open("rb") as stream:
            if tag.encode() in stream.read(_BEGINNING):
                return True
    return False


def _title(prefix: str) -> str:
    return overview_name(prefix, "").strip(" /") + ", layer by layer"


def _charts(prefix: str) -> dict[str, list[Any]]:
    """Their tags are patterns, so that the names of the layers need not be known, nor what a Trainer puts in front."""
    start = "(.*[/-])?" + re.escape(metric_name(prefix, ""))
    return {title: ["Multiline", [f"{start}[^/]+/{measure}$"]] for title, measure in _CHARTS.items()}


def _text(watched: Watched) -> str:
    """As Markdown."""
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
        except PackageNotFoundError:  # run from its folder, or Lightning under its other name
            continue
    return found
