from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path

import pytest
import torch

from lightning_infomem.information_plane import KernelDensity, SamplePropagation, sample_propagation
from lightning_infomem.information_plane.pairwise_distances import squared_distances

MIXTURES = json.loads((Path(__file__).parents[1] / "data" / "gaussian_mixture_mi.json").read_text())["cases"]


def drawn(num_samples=60, units=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(num_samples, units, generator=generator, dtype=torch.float64)
    return hidden, torch.randint(0, 3, (num_samples,), generator=generator)


@pytest.mark.parametrize("case", MIXTURES, ids=lambda case: f"{case['centres']} {case['sigma']}")
def test_information_of_a_mixture_is_found_within_its_error(case):
    centres = torch.tensor(case["centres"], dtype=torch.float64).repeat(2)[:, None]  # one centre alone is no layer
    labels = torch.arange(len(centres)) // len(case["centres"])
    point = SamplePropagation(case["sigma"] ** 2, draws=5000).estimate(centres, labels)
    error = point.scores["input_standard_error"]
    assert error < 0.01
    assert point.input_information == pytest.approx(case["I"], abs=4 * error + 1e-9)
    assert point.scores["entropy"] == pytest.approx(case["h"], abs=4 * error + 1e-9)
    assert point.label_information == pytest.approx(0, abs=1e-9)  # both classes are the same mixture


def test_labels_that_tell_some_of_the_centres():
    # Classes {-1} and {1, 1 + 20}: given the class, the second is a mixture that the noise does not blur.
    hidden, labels = torch.tensor([[-1.0], [1.0], [21.0]]), torch.tensor([0, 1, 1])
    point = SamplePropagation(1.0, draws=20_000).estimate(hidden, labels)
    between = 2 / 3 * next(case["I"] for case in MIXTURES if case["centres"] == [-1, 1] and case["sigma"] == 1.0)
    split = math.log(3) / 3 + math.log(1.5) * 2 / 3  # the far one against the two others
    error = point.scores["input_standard_error"]
    assert point.input_information == pytest.approx(split + between, abs=4 * error)
    expected = split + between - 2 / 3 * math.log(2)
    assert point.label_information == pytest.approx(expected, abs=4 * point.scores["label_standard_error"])
    assert error < 0.01


@pytest.mark.parametrize("units", [1, 20, 300])
def test_information_lies_between_the_pairwise_bounds(units):
    hidden, labels = drawn(units=units)
    variance = 0.2 * units  # so that the samples are blurred in part
    point = SamplePropagation(variance, draws=50).estimate(hidden, labels)
    upper, lower = (KernelDensity(variance, bound).estimate(hidden, labels) for bound in ("upper", "lower"))
    assert lower.input_information < point.input_information < upper.input_information
    assert 0.1 < point.input_information < math.log(60) - 0.1
    assert (point.input_kind, point.label_kind) == ("neither", "neither")


def test_standard_errors_are_those_of_repeated_seeds():
    hidden, labels = drawn()
    points = [SamplePropagation(0.3, draws=2, seed=seed).estimate(hidden, labels) for seed in range(200)]
    for name, values in (
        ("input", torch.tensor([point.input_information for point in points])),
        ("label", torch.tensor([point.label_information for point in points])),
    ):
        reported = torch.tensor([point.scores[f"{name}_standard_error"] for point in points]).mean()
        assert float(values.std() / reported) == pytest.approx(
            1, abs=0.2
        )  # 4 standard errors of a spread of 200 are .2


def test_neither_blocks_nor_draws_together_matter(monkeypatch):
    hidden, labels = drawn(units=1)  # 60 numbers a draw: no multiple of what a generator makes at once
    plain = SamplePropagation(draws=7).estimate(hidden, labels)
    monkeypatch.setattr(sample_propagation, "squared_distances", partial(squared_distances, memory_limit=8 * 60 * 7))
    monkeypatch.setattr(sample_propagation, "_POINTS", 120)
    other = SamplePropagation(draws=7).estimate(hidden, labels)
    assert other.input_information == pytest.approx(plain.input_information, abs=1e-11)
    assert other.label_information == pytest.approx(plain.label_information, abs=1e-11)
    assert other.scores == pytest.approx(plain.scores, abs=1e-11)


def test_order_of_samples_matters_within_the_error_only():
    hidden, labels = drawn()
    order = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    estimator = SamplePropagation(0.3, draws=200)
    plain, shuffled = estimator.estimate(hidden, labels), estimator.estimate(hidden[order], 9 - labels[order])
    bearable = 6 * plain.scores["input_standard_error"]
    assert plain.input_information == pytest.approx(shuffled.input_information, abs=bearable)
    assert plain.label_information == pytest.approx(shuffled.label_information, abs=bearable)


def test_the_same_seed_gives_the_same_and_leaves_the_global_generator_alone():
    hidden, labels = drawn()
    before = torch.get_rng_state()
    first, second, third = (SamplePropagation(seed=seed).estimate(hidden, labels) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    assert first.input_information == second.input_information != third.input_information


def test_float32_gives_what_its_values_in_float64_give():
    hidden, labels = drawn(units=200)
    hidden = (hidden * 1e-2 + 100).float()
    single, double = (SamplePropagation(1e-2).estimate(each, labels) for each in (hidden, hidden.double()))
    assert single.input_information == pytest.approx(double.input_information, abs=1e-12)
    assert 0.1 < double.input_information < math.log(60) - 0.1


def test_constant_layers_tell_nothing_and_distant_samples_everything():
    point = SamplePropagation().estimate(torch.full((9, 50), 3.3), torch.arange(9) % 2)
    assert point.input_information == pytest.approx(0, abs=1e-9)
    assert point.label_information == pytest.approx(0, abs=1e-9)
    point = SamplePropagation(1e-4).estimate(torch.tensor([[0.0], [1e3]]), torch.tensor([0, 1]))
    assert point.input_information == point.label_information == pytest.approx(math.log(2), abs=1e-9)
    assert point.scores["input_standard_error"] == pytest.approx(0, abs=1e-9)


def test_other_parameters_are_refused():
    with pytest.raises(ValueError, match="noise_variance: a finite number > 0 is required"):
        SamplePropagation(0.0)
    for name, value in (("draws", 1), ("seed", -1), ("max_samples", 1)):
        with pytest.raises(ValueError, match=f"{name}: a whole number >="):
            SamplePropagation(**{name: value})
    hidden, labels = drawn()
    with pytest.raises(ValueError, match=r"SamplePropagation: hidden: at most 59 samples are required, got 60"):
        SamplePropagation(max_samples=59).estimate(hidden, labels)
