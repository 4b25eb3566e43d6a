"""The paper's own measures: what its text says, and what the program released with it computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lightning_infomem import InformationReport, MemorizationMonitor, measure
from lightning_infomem.functional import binned_entropy, mutual_information, normal_scores
from lightning_infomem.functional.baselines import mean_over_pairs
from lightning_infomem.functional.released_code import mean_information, pairwise_information
from lightning_infomem.measurement import measure_samples
from lightning_infomem.runs.scalars import scalars
from lightning_infomem.selection.candidates import take_fingerprint
from lightning_infomem.selection.compare_candidates import check_fingerprints
from lightning_infomem.settings import PRESETS, MeasurementSettings

RELEASED = dict(np.load(Path(__file__).parent / "data" / "bansal_information.npz"))
ACCURACY = 1e-9
ROUNDING = 1e-12


def released(samples: torch.Tensor, **settings: object) -> InformationReport:
    return measure_samples({"all": samples}, MeasurementSettings(preset="released_code", **settings))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_preset_equals_the_released_code_on_all_units_tied_and_constant_ones_too(dtype: str) -> None:
    layer = released(torch.tensor(RELEASED[f"reps_{dtype}"]))["all"]
    information = torch.tensor(RELEASED[f"mi_{dtype}_k3"])
    torch.testing.assert_close(layer.mutual_information, information, rtol=0, atol=ACCURACY)
    entropy = torch.tensor(RELEASED[f"entropy_{dtype}_bins100_global"])
    torch.testing.assert_close(layer.entropy, entropy, rtol=0, atol=ACCURACY)


def test_the_diagonal_is_in_the_mean_of_the_released_code_alone() -> None:
    report = released(torch.tensor(RELEASED["reps_float64"]))
    matrix = RELEASED["mi_float64_k3"]
    assert mean_information(report["all"].mutual_information) == pytest.approx(matrix.mean(), abs=ACCURACY)
    pairs = matrix[np.triu_indices(len(matrix), 1)]
    assert scalars(report)["infomem/mi_mean"] == pytest.approx(pairs.mean(), abs=ACCURACY)


def test_the_report_says_that_no_backend_counted() -> None:
    assert released(torch.tensor(RELEASED["reps_float64"])).backend == "released_code"


def test_normal_scores_are_measured_by_the_same_estimator() -> None:
    samples = torch.tensor(RELEASED["reps_float64"])
    found = released(samples, normal_scores=True)["all"].scores["normal_mutual_information"]
    expected = mean_over_pairs(pairwise_information(normal_scores(samples)))
    assert found == pytest.approx(expected, abs=ROUNDING)


def test_the_paper_has_bins_over_each_units_own_range_and_is_right_on_ties() -> None:
    samples = torch.randn(400, 3, generator=torch.Generator().manual_seed(0)).relu() * torch.tensor([1.0, 10.0, 100.0])
    layer = measure_samples({"all": samples}, MeasurementSettings(preset="paper"))["all"]
    torch.testing.assert_close(layer.entropy, binned_entropy(samples, bins=100, value_range="unit"))
    information = mutual_information(samples[:, 0], samples[:, 1])
    assert float(layer.mutual_information[0, 1]) == pytest.approx(float(information), abs=ROUNDING)


def test_the_same_reports_come_from_measure_and_monitor() -> None:
    monitor = MemorizationMonitor(preset="released_code", max_samples=64)
    expected = MeasurementSettings(preset="released_code", max_samples=64)
    assert monitor.settings == expected
    report = measure(
        nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)),
        [torch.randn(64, 4)],
        max_samples=64,
        preset="released_code",
    )
    assert dict(report.settings) == expected.to_state()


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_preset_says_in_the_report_what_it_set(preset: str) -> None:
    state = MeasurementSettings(preset=preset).to_state()
    assert {name: state[name] for name in PRESETS[preset]} == PRESETS[preset]
    assert state["convention"] == {"paper": "standard", "released_code": "released_code"}[preset]


def test_a_setting_that_contradicts_the_preset_is_refused() -> None:
    with pytest.raises(ValueError, match=r"bins: 100 is required with preset='paper', got 30"):
        MeasurementSettings(preset="paper", bins=30)
    with pytest.raises(ValueError, match="preset: one of 'paper', 'released_code' is required, got 'papers'"):
        MeasurementSettings(preset="papers")
    with pytest.raises(ValueError, match="backend: 'auto' is required with preset='released_code', got 'cpu'"):
        MeasurementSettings(preset="released_code", backend="cpu")


def test_the_preset_is_the_only_way_to_the_released_code() -> None:
    with pytest.raises(TypeError, match="convention: an argument of measure or a field of MeasurementSettings"):
        measure(nn.Linear(4, 3), [torch.randn(20, 4)], convention="released_code")


def test_reports_of_another_convention_are_not_comparable() -> None:
    samples = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    reports = {"a": released(samples), "b": measure_samples({"all": samples}, MeasurementSettings())}
    fingerprints = {name: take_fingerprint(report) for name, report in reports.items()}
    with pytest.raises(ValueError, match=r"settings\.convention: released_code in 'a' but standard in 'b'"):
        check_fingerprints(fingerprints)
