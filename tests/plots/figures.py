"""Every figure of the package, drawn from synthetic reports that are equal on all machines up to rounding."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from lightning_infomem import plots
from lightning_infomem.information_plane import Plane, PlanePoint
from lightning_infomem.information_plane.plots import plot_estimators, plot_information_plane
from lightning_infomem.model_information import DomainSimilarity, InformationAblation, OnlineCode, SyncedDistillation
from lightning_infomem.model_information.plots import (
    plot_codelengths,
    plot_domain_similarity,
    plot_information_ablation,
    plot_information_capacity,
    plot_synced_distillation,
    plot_task_difficulty,
)
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.layer_courses import LayerCourses
from lightning_infomem.records.report import InformationReport
from lightning_infomem.records.run_verdict import RunRow, RunVerdict
from tests.model_information.plots import (
    test_plot_codelengths,
    test_plot_information_capacity,
    test_plot_task_difficulty,
)
from tests.plots.rankings import Ranking, make_rows
from tests.plots.test_layers import layer, report
from tests.plots.test_run import run

LEVELS = [0.0, 0.25, 0.5, 0.75, 1.0]
ACCURACIES = [0.95, 0.9, 0.8, math.nan, 0.3]


def network(seed: int, *, scale: float = 1.0, layers: int = 4) -> InformationReport:
    """Make a report whose mutual information is multiplied by ``scale``."""
    drawn = [layer(f"blocks.{place}", units=20, seed=seed + place) for place in range(layers)]
    return report(
        *(
            dataclasses.replace(each, mutual_information=each.mutual_information * scale * (1 + place / 4))
            for place, each in enumerate(drawn)
        ),
        epoch=3 * seed,
    )


def courses(slope: float, *, layers: int = 5, moments: int = 12) -> LayerCourses:
    """Make a run in which entropy falls and information rises, most in late layers; the last layer starts with NaN."""
    epochs, depth = np.arange(moments), np.arange(1, layers + 1)[:, None]
    entropy = 3.0 - slope * depth * epochs / moments
    information = 0.1 + 0.05 * depth + slope * 0.1 * depth * (epochs / moments) ** 2
    entropy[-1, :3] = information[-1, :3] = np.nan
    names = [f"blocks.{place}" for place in range(layers)]
    return LayerCourses(names, "epoch", epochs.tolist(), entropy, information, "1,024 samples, k = 3, 100 bins")


def _layers() -> Figure:
    odd = layer("dead", dead=12), layer("missing", missing=20), layer("few", units=6), layer("single", units=1)
    return plots.plot_layers(report(*network(0).layers, *odd, epoch=4))


def _comparison() -> Figure:
    reports = [network(place, scale=1 + level) for place, level in enumerate(LEVELS)]
    names = [f"run {level}" for level in LEVELS]
    return plots.plot_comparison(reports, names, levels=LEVELS, level_name="share", accuracies=ACCURACIES)


def _runs() -> Figure:
    accuracies = [np.linspace(0.1, 0.9 - 0.5 * level, 12) for level in LEVELS]
    names = [f"run {level}" for level in LEVELS]
    return plots.plot_runs(
        [courses(0.1 + level) for level in LEVELS], names, levels=LEVELS, level_name="share", accuracies=accuracies
    )


def _run_verdict() -> Figure:
    fallen = [0.0, 0.0, 0.0, 0.0, 0.08, 0.1, 0.12, 0.15]
    rows = tuple(
        RunRow(Path("run", f"{epoch}.ckpt"), epoch, 10 * epoch, 0.5 - drop, 2.5, 0.9 - drop, 0.95 - drop, epoch > 5)
        for epoch, drop in enumerate(fallen)
    )
    judgement = Judgement(True, 3, 0.15, 0.15, streak=4, voters=6, agreement=tuple(row.agreement for row in rows))
    return plots.plot_run_verdict(RunVerdict(rows, judgement, rows[3]))


def _information_map() -> Figure:
    copies = layer("copies", units=24)
    copies.mutual_information[:6, :6] = 1.0
    return plots.plot_information_map(report(copies, layer("odd", units=24, dead=4, missing=4), *network(0).layers))


def _ranking() -> Figure:
    kinds = (None, "heuristic", "example", None, "heuristic", None)
    rows = tuple(dataclasses.replace(row, kind=kind) for row, kind in zip(make_rows(6), kinds, strict=True))
    groups = tuple(dataclasses.replace(row, name=f"recipe {place}") for place, row in enumerate(make_rows(2)))
    return plots.plot_ranking(Ranking(rows, groups=groups, control=make_rows(9)[-1]))


def _criteria() -> Figure:
    ranks = [{"information": 1 + place, "norm": 6 - place, "epoch": 1} for place in range(5)]
    rows = zip(make_rows(6), [*ranks, {"information": 6}], strict=True)
    return plots.plot_criteria(Ranking(tuple(dataclasses.replace(row, ranks=each) for row, each in rows)))


def _zoo() -> Figure:
    shares = np.repeat(LEVELS, 2)
    noise = np.random.default_rng(0).normal(0.0, 0.03, len(shares))
    return plots.plot_zoo(shares, 3 - shares + noise, 0.2 + shares / 2 - noise, 1 - shares / 2, level_name="share")


def _information_plane() -> Figure:
    planes = []
    for epoch in (0, 1, 3, 10, 30, 100, 300):
        points = {}
        for place in range(3):
            told = 0.6 * (1 - math.exp(-epoch / (20 * (place + 1))))
            kept = 5 - place + math.log1p(epoch) / 4 - place * max(0.0, math.log(1 + epoch / 30)) / 2
            point = PlanePoint("Binning", {"bins": 30}, kept, told, "neither", "neither", 500, 10)
            points[f"layers.{2 * place}"] = {"Binning": point}
        planes.append(Plane(points, epoch=epoch))
    return plot_information_plane(planes)


def _synced_distillation() -> Figure:
    sizes, labels_before = (10, 10, 20, 40, 80, 160), np.array([10, 20, 40, 80, 160])

    def codes(start: float, half: float) -> tuple[OnlineCode, ...]:
        costs = [start * half / (half + labels_before) + 0.1 * seed / labels_before**0.5 for seed in range(3)]
        bits = [(10 * math.log2(10), *(each * sizes[1:]).tolist()) for each in costs]
        return tuple(OnlineCode(10, sizes, each) for each in bits)

    given = codes(3.2, 40), codes(3.5, 60), codes(2.6, 20)
    return plot_synced_distillation(SyncedDistillation((0, 1, 2), *given, {"alpha": 0.7, "temperature": 4.0}))


def domain_similarity() -> DomainSimilarity:
    """Make a result with two similar domains and a third one, whose model learns nothing in one seed."""
    bits = torch.tensor([[300.0, 250, 90], [240, 320, -60], [20, 60, 200]], dtype=torch.float64)
    bits = torch.stack([bits, 1.1 * bits + 20, 0.9 * bits])
    bits[2, 2, 2] = 0.0
    distances = torch.ones(3, 3, dtype=torch.float64)
    return DomainSimilarity(("plain", "noisy", "rotated"), bits, distances, distances, (0, 1, 2), {})


def information_ablation() -> InformationAblation:
    components = {"stem": 432, "blocks.0": 4704, "blocks.1": 23808, "head": 2570}
    bits = torch.tensor([[379.0, 751, 2088, -167], [420, 700, 1900, -90]], dtype=torch.float64)
    whole = torch.tensor([2900.0, 2700], dtype=torch.float64)
    return InformationAblation(components, bits, whole, 31514, (0, 1), {})


def _task_difficulty() -> Figure:
    results = {
        "missing pixels": test_plot_task_difficulty.made_up(90),
        "wrong labels": test_plot_task_difficulty.made_up(-120),
    }
    return plot_task_difficulty(results, levels=(0, 0.1, 0.4))


def _estimators() -> Figure:
    planes = []
    for epoch in (0, 1, 3, 10, 30, 100, 300):
        points: dict[str, dict[str, PlanePoint]] = {}
        for place in range(3):
            told = 0.6 * (1 - math.exp(-epoch / (20 * (place + 1))))
            kept = 5 - place + math.log1p(epoch) / 4
            points[f"layers.{2 * place}"] = {
                "Binning": PlanePoint("Binning", {"bins": 30}, kept, told, "neither", "neither", 500, 10),
                "KernelDensity": PlanePoint(
                    "KernelDensity", {"noise_variance": 0.1}, kept - told**2 * place, told, "upper", "neither", 500, 10
                ),
                "VariationalBound": PlanePoint(
                    "VariationalBound", {"folds": 2}, math.nan, told - 0.02, "neither", "lower", 500, 10
                ),
            }
        planes.append(Plane(points, epoch=epoch))
    return plot_estimators(planes)


FIGURES: dict[str, Callable[[], Figure]] = {
    "codelengths": lambda: plot_codelengths(test_plot_codelengths.made_up()),
    "comparison": _comparison,
    "criteria": _criteria,
    "domain_similarity": lambda: plot_domain_similarity(domain_similarity()),
    "epochs_map": lambda: plots.plot_epochs_map(courses(1.0)),
    "information_ablation": lambda: plot_information_ablation(information_ablation()),
    "information_capacity": lambda: plot_information_capacity(test_plot_information_capacity.made_up()),
    "estimators": _estimators,
    "information_map": _information_map,
    "information_plane": _information_plane,
    "layers": _layers,
    "plane": lambda: plots.plot_plane(courses(1.0)),
    "plane_of_checkpoints": lambda: plots.plot_plane(
        [network(place, scale=1 + level) for place, level in enumerate(LEVELS)],
        names=[f"run {each}" for each in LEVELS],
    ),
    "ranking": _ranking,
    "run": lambda: run(metric=[0.5 + 0.03 * place for place in range(10)], metric_name="accuracy on labels"),
    "run_verdict": _run_verdict,
    "runs": _runs,
    "synced_distillation": _synced_distillation,
    "task_difficulty": _task_difficulty,
    "tasks_side_by_side": lambda: plot_task_difficulty(test_plot_task_difficulty.published()),
    "zoo": _zoo,
}
