from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from lightning_infomem.information_plane import KernelDensity, kernel_density
from lightning_infomem.information_plane.pairwise_distances import squared_distances

DATA = Path(__file__).parents[1] / "data"
MIXTURES = json.loads((DATA / "gaussian_mixture_mi.json").read_text())["cases"]


@pytest.fixture(scope="module")
def golden():
    return np.load(DATA / "ibsgd_kde_binning.npz")


def drawn(num_samples=60, units=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(num_samples, units, generator=generator, dtype=torch.float64)
    return hidden, torch.randint(0, 3, (num_samples,), generator=generator)


@pytest.mark.parametrize("variance", [0.001, 0.01, 0.1, 1.0])
def test_both_bounds_are_those_of_the_public_program(golden, variance):
    expected = dict(zip(golden["columns"], golden[f"var{variance}"], strict=True))
    hidden, labels = torch.from_numpy(golden["activity"]), torch.from_numpy(golden["labels"])
    for bound in ("upper", "lower"):
        point = KernelDensity(variance, bound).estimate(hidden, labels)
        assert point.input_information == pytest.approx(expected[f"I_XT_{bound}"], abs=1e-10)
        assert point.label_information == pytest.approx(expected[f"I_TY_{bound}"], abs=1e-10)
        assert point.scores["entropy"] == pytest.approx(expected[f"H_{bound}"], abs=1e-10)
        assert point.scores["noise_entropy"] == pytest.approx(expected["H_T_given_X"], abs=1e-10)
        assert (point.input_kind, point.label_kind) == (bound, "neither")


@pytest.mark.parametrize("case", MIXTURES, ids=lambda case: f"{case['centres']} {case['sigma']}")
def test_bounds_enclose_the_information_of_a_mixture(case):
    centres = torch.tensor(case["centres"], dtype=torch.float64).repeat(2)[:, None]  # one centre alone is no layer
    labels = torch.arange(len(centres)) // len(case["centres"])
    upper, lower = (
        KernelDensity(case["sigma"] ** 2, bound).estimate(centres, labels).input_information
        for bound in ("upper", "lower")
    )
    assert upper == pytest.approx(case["KDE_upper_I"], abs=1e-9)
    assert lower == pytest.approx(case["KDE_lower_I"], abs=1e-9)
    assert lower - 1e-9 <= case["I"] <= upper + 1e-9


@pytest.mark.parametrize("distance", [0.0, 0.3, 2.0, 50.0])
@pytest.mark.parametrize(("bound", "widening"), [("upper", 2), ("lower", 8)])
def test_two_clusters_give_the_closed_form(distance, bound, widening):
    hidden = torch.zeros(10, 3)
    hidden[5:, 1] = distance
    expected = -math.log(0.5 * (1 + math.exp(-(float(hidden[9, 1]) ** 2) / (widening * 0.25))))
    point = KernelDensity(0.25, bound).estimate(hidden, torch.arange(10) // 5)
    assert point.input_information == pytest.approx(expected, abs=1e-12)
    assert point.label_information == pytest.approx(expected, abs=1e-12)


def test_classes_of_different_size_count_by_their_share():
    hidden, labels = drawn()
    labels = (torch.arange(60) >= 45).long()
    point = KernelDensity(0.5).estimate(hidden, labels)
    squares = torch.cdist(hidden, hidden).square()
    inside = sum(
        share * -(-squares[labels == each][:, labels == each] / 1.0).exp().mean(1).log().mean()
        for each, share in ((0, 0.75), (1, 0.25))
    )
    assert point.label_information == pytest.approx(point.input_information - float(inside), abs=1e-10)


def test_adapted_noise_grows_with_the_largest_activation():
    hidden, labels = drawn()
    hidden -= 10
    largest = -float(hidden.min())
    adapted = KernelDensity(0.1, adapted=True).estimate(hidden, labels)
    assert adapted.parameters["adapted_variance"] == pytest.approx(0.1 * largest)
    given = KernelDensity(0.1 * largest).estimate(hidden, labels)
    assert "adapted_variance" not in given.parameters
    assert adapted.input_information == pytest.approx(given.input_information, abs=1e-12)
    assert adapted.scores == pytest.approx(given.scores)


def test_neither_order_nor_blocks_nor_labels_names_matter(monkeypatch):
    hidden, labels = drawn()
    plain = KernelDensity().estimate(hidden, labels)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    shuffled = KernelDensity().estimate(hidden[order], 7 - 3 * labels[order])
    monkeypatch.setattr(kernel_density, "squared_distances", partial(squared_distances, memory_limit=8 * 60 * 7))
    in_blocks = KernelDensity().estimate(hidden, labels)
    for other in (shuffled, in_blocks):
        assert other.input_information == pytest.approx(plain.input_information, abs=1e-12)
        assert other.label_information == pytest.approx(plain.label_information, abs=1e-12)


def test_float32_gives_what_its_values_in_float64_give():
    hidden, labels = drawn(units=200)
    hidden = (hidden * 1e-2 + 100).float()
    single, double = (KernelDensity(1e-2).estimate(each, labels) for each in (hidden, hidden.double()))
    assert single.input_information == pytest.approx(double.input_information, abs=1e-12)
    assert 0.1 < double.input_information < math.log(60) - 0.1


@pytest.mark.parametrize("adapted", [False, True])
@pytest.mark.parametrize("value", [0.0, 3.3])
def test_constant_layers_tell_nothing(adapted, value):
    point = KernelDensity(1e-12, adapted=adapted).estimate(torch.full((9, 100), value), torch.arange(9) % 2)
    assert point.input_information == pytest.approx(0, abs=1e-12)
    assert point.label_information == pytest.approx(0, abs=1e-12)
    assert math.isfinite(point.scores["entropy"])


def test_two_samples_far_apart_are_distinguished():
    point = KernelDensity().estimate(torch.tensor([[0.0], [1e6]]), torch.tensor([0, 1]))
    assert point.input_information == point.label_information == pytest.approx(math.log(2))
    assert "saturated" in point.flags


def test_other_parameters_are_refused():
    for variance in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match=r"noise_variance: a finite number > 0 is required, got .*0\.1 is usual"):
            KernelDensity(variance)
    for value in ("layer", True):
        with pytest.raises(TypeError, match="noise_variance: a finite number > 0 is required, got"):
            KernelDensity(value)
    with pytest.raises(ValueError, match="bound: one of 'upper', 'lower' is required, got 'both'"):
        KernelDensity(bound="both")
    with pytest.raises(TypeError, match="adapted: True or False is required, got int 1"):
        KernelDensity(adapted=1)
    with pytest.raises(ValueError, match="max_samples: a whole number >= 2"):
        KernelDensity(max_samples=1)


def test_more_samples_than_allowed_are_refused():
    hidden, labels = drawn()
    with pytest.raises(
        ValueError, match="KernelDensity: hidden: at most 59 samples are required, got 60: time is quad"
    ):
        KernelDensity(max_samples=59).estimate(hidden, labels)
    KernelDensity(max_samples=60).estimate(hidden, labels)
