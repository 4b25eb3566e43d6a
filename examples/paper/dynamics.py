"""Measure memorizing and other networks along training, which the paper leaves to future work.

Run it with ``python -m examples.paper.dynamics --data-root FOLDER --output FOLDER``. Recorded runs are not repeated.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from pytorch_lightning import Callback, LightningModule, Trainer

from examples.paper.classifier import Classifier, accuracy
from examples.paper.data import PaperData
from examples.paper.figures.panels import level_color, level_name
from examples.paper.registry import find_experiment
from examples.paper.study import without_denormals
from lightning_infomem import MemorizationMonitor
from lightning_infomem.functional.released_code import mean_information
from lightning_infomem.plots import save_figure

__all__ = ["RUNS", "draw_dynamics", "measured_steps", "record_run"]

# For each experiment, one run that generalises and one that memorizes.
RUNS = (("colored-mnist", 0.0), ("colored-mnist", 1.0), ("shuffled-mnist", 0.0), ("shuffled-mnist", 0.5))
PRESETS = ("released_code", "default")
MAX_SAMPLES, MAX_UNITS, SEED = 500, 64, 0
_MOMENTS_A_DECADE = 7
_DIGITS = 5  # that are kept

Run = dict[str, Any]


class MonitorAt(MemorizationMonitor):
    """A monitor that measures only after chosen optimizer steps.

    Args:
        steps: Optimizer steps after which to measure.
        settings: Arguments of the monitor; ``dataloader`` is required.

    Attributes:
        information: Mean mutual information after each step, in nats, with equal weight per layer. With
            ``preset="released_code"`` it is the mean of that program, else the one that the monitor logs.
    """

    def __init__(self, steps: Sequence[int], **settings: Any) -> None:
        super().__init__(every_n_train_steps=1, on_error="raise", **settings)
        self.steps = frozenset(steps)
        self.information: list[float] = []

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Measure if this is one of the steps."""
        if trainer.global_step in self.steps:
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
            if self.report is not None and self.settings.preset == "released_code":
                matrices = [layer.mutual_information for layer in self.report.layers]
                self.information.append(fmean(mean_information(matrix) for matrix in matrices))
            else:
                self.information.append(self.history[-1][f"{self.prefix}/mi_mean"])


class AccuraciesAt(Callback):
    """Measures both accuracies after the same steps."""

    def __init__(self, steps: Sequence[int], data: PaperData) -> None:
        self.steps, self.data = frozenset(steps), data
        self.validation: list[float] = []
        self.train: list[float] = []

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Measure the accuracies if this is one of the steps."""
        if trainer.global_step in self.steps and isinstance(pl_module, Classifier):
            self.validation.append(accuracy(pl_module.network, self.data.val_dataloader()))
            self.train.append(accuracy(pl_module.network, self.data.train_dataloader()))
            pl_module.train()


def measured_steps(last: int) -> list[int]:
    """Choose steps from the first to the last, up to seven for each power of ten.

    >>> measured_steps(12)
    [1, 2, 3, 4, 5, 7, 9, 12]
    """
    count = 2 + round(_MOMENTS_A_DECADE * np.log10(last))
    return sorted({int(step) for step in np.geomspace(1, last, count).round()})


def record_run(name: str, level: float, data_root: Path | None, epochs: int | None = None) -> Run:
    """Train one network with its recipe and measure it on the probe during training.

    Args:
        name: Name of the experiment.
        level: Level of the experiment.
        data_root: Folder of its data.
        epochs: Number of epochs, instead of that of the recipe.

    Returns:
        "experiment", "level", "seed", "epochs", "max_samples" and "max_units"; "steps", the optimizer steps to which
        the lists belong; "validation_accuracy", with the validation labels of the experiment (true ones, except that
        Colored MNIST flips them as in training); "train_accuracy", with the labels as given; and for each of `PRESETS`
        the mean "entropy" and "mutual_information" in nats, with equal weight per layer.
    """
    experiment = find_experiment(name)
    data = experiment.make_data(data_root, level, SEED)
    network = experiment.make_network(data, SEED)
    epochs = epochs or experiment.recipe.epochs
    steps = measured_steps(epochs * len(data.train_dataloader()))
    monitors = {
        preset: MonitorAt(
            steps,
            layers=experiment.layers,
            dataloader=data.probe_dataloader(),
            max_samples=MAX_SAMPLES,
            max_units=MAX_UNITS,
            pooling=experiment.pooling,
            preset=None if preset == "default" else preset,
            prefix=preset,
        )
        for preset in PRESETS
    }
    accuracies = AccuraciesAt(steps, data)
    torch.manual_seed(SEED)  # of dropout
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*does not have many workers.*")
        warnings.filterwarnings("ignore", ".*LeafSpec.*is deprecated.*")
        Trainer(
            max_epochs=epochs,
            limit_val_batches=0,
            callbacks=[*monitors.values(), accuracies],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        ).fit(Classifier(network, experiment.recipe), data)
    return {
        **_identity(name, level, epochs),
        "steps": steps,
        "validation_accuracy": _rounded(accuracies.validation),
        "train_accuracy": _rounded(accuracies.train),
        "measures": {
            preset: {
                "entropy": _rounded([moment[f"{preset}/entropy_mean"] for moment in monitor.history]),
                "mutual_information": _rounded(monitor.information),
            }
            for preset, monitor in monitors.items()
        },
    }


def draw_dynamics(runs: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw entropy, mutual information and accuracy against the training step, one column per experiment.

    Args:
        runs: At least one result of `record_run`.

    Returns:
        A figure without pyplot state, with steps on a logarithmic axis and one colour per level.
    """
    names = list(dict.fromkeys(run["experiment"] for run in runs))
    figure = Figure(figsize=(0.8 + 3.4 * len(names), 6.4), layout="constrained")
    rows = figure.subplots(3, len(names), squeeze=False, sharex="col")
    for column, name in zip(rows.T, names, strict=True):
        there = sorted((run for run in runs if run["experiment"] == name), key=lambda run: run["level"])
        experiment = find_experiment(name)
        handles = []
        for place, run in enumerate(there):
            color = level_color(place, len(there))
            steps = run["steps"]
            for preset, style in zip(PRESETS, ("-", "--"), strict=True):
                measures = run["measures"][preset]
                column[0].plot(steps, measures["entropy"], style, color=color, linewidth=1.8)
                column[1].plot(steps, measures["mutual_information"], style, color=color, linewidth=1.8)
            column[2].plot(steps, run["validation_accuracy"], "-", color=color, linewidth=1.8)
            column[2].plot(steps, run["train_accuracy"], ":", color=color, linewidth=1.8)
            label = f"{experiment.level_name} = {level_name(experiment, run['level'])}"
            handles.append(Line2D([], [], color=color, linewidth=3, label=label))
        column[0].set_title(experiment.title, fontsize=12, pad=24)
        column[0].legend(
            handles=handles, fontsize=10, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 0.98), ncols=2
        )
        column[-1].set_xlabel("training step", fontsize=11)
        for axes in column:
            axes.set_xscale("log")
            _plain(axes)
        column[2].set_ylim(-0.02, 1.05)
    for axes, words in zip(rows[:, 0], ("entropy (nats)", "mutual\ninformation (nats)", "accuracy"), strict=True):
        axes.set_ylabel(words, fontsize=11)
    styles = {"released code, validation accuracy": "-", "default": "--", "training accuracy, labels as given": ":"}
    explained = [Line2D([], [], color="0.3", linestyle=style, label=words) for words, style in styles.items()]
    figure.legend(handles=explained, fontsize=9, frameon=False, loc="outside lower center", ncols=3)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Record what is missing, and draw all runs."""
    parser = argparse.ArgumentParser(prog="python -m examples.paper.dynamics", description=__doc__)
    parser.add_argument("--data-root", type=Path, required=True, help="folder with the IDX files of MNIST")
    parser.add_argument("--output", type=Path, required=True, help="folder of dynamics.json and dynamics.png")
    parser.add_argument("--epochs", type=int, help="number of epochs, instead of that of each recipe")
    given = parser.parse_args(arguments)
    for log in ("pytorch_lightning", "lightning.pytorch", "lightning.fabric"):
        logging.getLogger(log).setLevel(logging.ERROR)
    try:
        with without_denormals():
            runs = _recorded(given.data_root, given.output, given.epochs)
    except KeyboardInterrupt:
        print("Stopped. Finished runs are kept; run the same command to continue.", file=sys.stderr)
        return 130
    except (FileNotFoundError, ValueError) as fault:
        print(fault, file=sys.stderr)
        return 2
    print(f"written: {save_figure(draw_dynamics(runs), given.output / 'dynamics.png')}")
    return 0


def _recorded(data_root: Path, output: Path, epochs: int | None) -> list[Run]:
    """Record all runs, and write each as soon as it is done."""
    path = output / "dynamics.json"
    kept: list[Run] = json.loads(path.read_text()) if path.exists() else []
    output.mkdir(parents=True, exist_ok=True)
    for name, level in RUNS:
        wanted = _identity(name, level, epochs or find_experiment(name).recipe.epochs)
        before = [run for run in kept if (run["experiment"], run["level"]) == (name, level)]
        for run in before:
            differing = [field for field, value in wanted.items() if run[field] != value]
            if differing:
                raise ValueError(
                    f"output: runs of the same settings are required in one file, that of {name} at level {level:g} in "
                    f"'{path}' has {differing[0]} {run[differing[0]]}, not {wanted[differing[0]]}; use another folder."
                )
        if not before:
            kept.append(record_run(name, level, data_root, epochs))
            # Written under a temporary name first, so that readers see all of it or none.
            unfinished = path.with_suffix(".unfinished")
            unfinished.write_text(json.dumps(kept))
            os.replace(unfinished, path)
        print(f"{name}, level {level:g}: {'recorded before' if before else 'recorded'}", flush=True)
    return kept


def _identity(name: str, level: float, epochs: int) -> Run:
    settings = {"seed": SEED, "epochs": epochs, "max_samples": MAX_SAMPLES, "max_units": MAX_UNITS}
    return {"experiment": name, "level": level, **settings}


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, _DIGITS) for value in values]


def _plain(axes: Axes) -> None:
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=10)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    sys.exit(main())
