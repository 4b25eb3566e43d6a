"""The paper's own measures: what its text says, and what the program released with it computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lightning_infomem import InformationReport, MemorizationMonitor, measure
from lightning_infomem.functional import binned_entropy, mutual_information, pairwise_mutual_information
from lightning_infomem.measurement import measure_samples
from lightning_infomem.runs.scalars import scalars
from lightning_infomem.selection.fingerprint import take_fingerprint
from lightning_infomem.settings import PRESETS, MeasurementSettings

RELEASED = dict(np.load(Path(__file__).parent / "data" / "bansal_information.npz"))
ACCURACY = 1e-9
ROUNDING = 1e-12


def released(samples: torch.Tensor, **settings: object) -> InformationReport:
    return measure_samples({"all": samples}, MeasurementSettings(preset="released_code", **settings))


@pytest.mark.parametrize("backend", ["reference", "cpu"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_preset_equals_the_released_code_on_all_units_tied_and_constant_ones_too(dtype: str, backend: str) -> None:
    layer = released(torch.tensor(RELEASED[f"reps_{dtype}"]), backend=backend)["all"]
    information = torch.tensor(RELEASED[f"mi_{dtype}_k3"])
    torch.testing.assert_close(layer.mutual_information, information, rtol=0, atol=ACCURACY)
    entropy = torch.tensor(RELEASED[f"entropy_{dtype}_bins100_global"])
    torch.testing.assert_close(layer.entropy, entropy, rtol=0, atol=ACCURACY)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_convention_equals_the_released_code_for_other_neighbors_and_bins(dtype: str) -> None:
    samples = torch.tensor(RELEASED[f"reps_{dtype}"])
    information = pairwise_mutual_information(samples, neighbors=10, convention="released_code")
    torch.testing.assert_close(information, torch.tensor(RELEASED[f"mi_{dtype}_k10"]), rtol=0, atol=ACCURACY)
    for bins in (10, 20, 30, 256):
        for value_range, name in (("unit", "neuron"), ("layer", "global")):
            found = binned_entropy(samples, bins=bins, value_range=value_range, convention="released_code")
            expected = torch.tensor(RELEASED[f"entropy_{dtype}_bins{bins}_{name}"])
            torch.testing.assert_close(found, expected, rtol=0, atol=ACCURACY)


@pytest.mark.parametrize("correlation", ["0.0", "0.5", "0.9"])
def test_single_pairs_equal_the_released_code(correlation: str) -> None:
    pair = torch.tensor(np.stack([RELEASED[f"gauss_rho{correlation}_{axis}"] for axis in "xy"], axis=1))
    for neighbors in (1, 3, 5, 10):
        found = pairwise_mutual_information(pair, neighbors=neighbors, convention="released_code")[0, 1]
        assert float(found) == pytest.approx(float(RELEASED[f"gauss_rho{correlation}_mi_k{neighbors}"]), abs=ACCURACY)


def test_some_pairs_have_the_released_codes_values_too() -> None:
    samples = torch.tensor(RELEASED["reps_float64"])
    some = pairwise_mutual_information(samples, pairs=[(3, 4), (0, 6)], convention="released_code")
    expected = torch.tensor([RELEASED["mi_float64_k3"][3, 4], RELEASED["mi_float64_k3"][0, 6]])
    torch.testing.assert_close(some.information, expected, rtol=0, atol=ACCURACY)


def test_means_of_the_released_code_run_over_the_whole_matrix() -> None:
    report = released(torch.tensor(RELEASED["reps_float64"]))
    assert scalars(report)["infomem/mi_mean"] == pytest.approx(RELEASED["mi_float64_k3"].mean(), abs=ACCURACY)
    again = InformationReport.from_state(report.to_state())
    assert torch.equal(again["all"].pairs(), report["all"].pairs())


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


def test_a_setting_that_contradicts_the_preset_is_refused() -> None:
    with pytest.raises(ValueError, match=r"bins: 100 is required with preset='paper', got 30"):
        MeasurementSettings(preset="paper", bins=30)
    with pytest.raises(ValueError, match="preset: one of 'paper', 'released_code' is required, got 'papers'"):
        MeasurementSettings(preset="papers")
    with pytest.raises(ValueError, match="convention: one of 'standard', 'released_code' is required, got 'ksg'"):
        pairwise_mutual_information(torch.randn(10, 2), convention="ksg")
    with pytest.raises(ValueError, match="convention: one of"):
        binned_entropy(torch.randn(10, 2), convention="histogram")


def test_reports_of_another_convention_are_not_comparable() -> None:
    samples = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    reports = [released(samples), measure_samples({"all": samples}, MeasurementSettings())]
    first, second = (take_fingerprint(report).fields["settings.convention"] for report in reports)
    assert (first, second) == ("released_code", "standard")


def test_a_report_of_before_there_were_conventions_is_standard() -> None:
    report = measure_samples({"all": torch.randn(50, 3)}, MeasurementSettings())
    old = {name: value for name, value in report.settings.items() if name != "convention"}
    fields = take_fingerprint(InformationReport(report.layers, old, "cpu")).fields
    assert fields["settings.convention"] == "standard"
