"""A trained critic."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from lightning_infomem.information_plane import MINE
from lightning_infomem.information_plane.critic import Critic
from tests.known_answers.gaussian import correlated_gaussians

KNOWN = json.loads((Path(__file__).parents[1] / "data" / "closed_forms.json").read_text())


def halves(count):
    return torch.arange(count) % 2


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("correlation", "below"), [("0.5", 0.08), ("0.9", 0.18)])
def test_correlated_gaussians_are_bounded_from_below_and_nearly_reached(correlation, below):
    pairs = correlated_gaussians(float(correlation), num_samples=4000, num_draws=2)
    point = MINE(steps=250, learning_rate=0.01).estimate(pairs.y, halves(4000), inputs=pairs.x)
    expected = 2 * KNOWN["gaussian_mi_nats"][correlation]
    # Over 10 seeds .03 below at .5 and .09 below at .9, with deviations of .015 and .03: that and three of them below,
    # and one above the truth, for it is a lower bound in expectation only.
    assert expected - below < point.input_information < expected + 0.03
    assert (point.input_kind, point.label_kind) == ("lower", "lower")


def test_samples_that_share_nothing_have_no_information():
    point = MINE(steps=60).estimate(drawn(400, 3), halves(400), inputs=drawn(400, 3, seed=1))
    assert point.input_information == pytest.approx(0, abs=0.05)
    assert point.label_information == pytest.approx(0, abs=0.05)


def test_the_value_is_that_of_samples_which_training_has_not_seen():
    labels = torch.randint(0, 2, (200,), generator=torch.Generator().manual_seed(3))
    hidden = drawn(200, 10)
    hidden[:, 0] += 3 * labels
    point = MINE(steps=40, learning_rate=0.01).estimate(hidden, labels)
    assert 0 < point.scores["label_step"] < 40  # the best on samples of their own; afterwards it learns by heart
    # The truth is .527 nats; the same critic reads .47 off its training samples, .33 off those held out.
    assert point.label_information == pytest.approx(0.33, abs=0.06)


def test_classes_far_apart_give_the_entropy_of_the_labels():
    labels = torch.arange(900) % 3
    hidden = drawn(900, 3) + 8 * torch.nn.functional.one_hot(labels)
    point = MINE(steps=200, learning_rate=0.01).estimate(hidden, labels)
    assert math.log(3) - 0.1 < point.label_information < math.log(3) + 0.05
    assert math.isnan(point.input_information)
    assert "no_inputs" in point.flags


def test_noise_lowers_what_the_layer_tells():
    hidden = drawn(2000, 1)
    values = [
        MINE(steps=200, noise=noise, learning_rate=0.01).estimate(hidden, halves(2000), inputs=hidden)
        for noise in (0.0, 2.0)
    ]
    still, noisy = (each.input_information for each in values)
    assert noisy == pytest.approx(0.5 * math.log(1 + 1 / 2), abs=0.1)  # a normal channel of noise 2
    assert still > 1


def test_a_seed_gives_one_value_and_leaves_the_global_generator_alone():
    hidden, inputs = drawn(200, 2), drawn(200, 2, seed=1)
    inputs = inputs + hidden
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = (
        MINE(steps=40, noise=0.1, seed=seed).estimate(hidden, halves(200), inputs=inputs) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert first.input_information == again.input_information
    assert first.input_information != other.input_information


def test_the_tangent_lies_below_the_bound_and_touches_it_at_its_own_mean():
    x, t = drawn(200, 2), drawn(200, 2, seed=1)
    critic = Critic(x, t, width=8, generator=torch.Generator().manual_seed(0))
    own = critic.evaluate(x, t, rolls=16)
    assert own.value == own.donsker_varadhan
    for away in (-1.0, 1.0):
        other = critic.evaluate(x, t, rolls=16, tangent_at=own.log_mean + away)
        assert other.donsker_varadhan == own.donsker_varadhan
        assert other.value == pytest.approx(own.value - (away + math.expm1(-away)), abs=1e-6)


def test_the_bound_of_a_critic_is_that_of_its_values():
    x, t = drawn(5, 1), drawn(5, 1, seed=1)
    critic = Critic(x, t, width=8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        every = torch.stack([critic(x, t.roll(shift, 0)) for shift in range(5)]).double()
    expected = every[0].mean() - every[1:].exp().mean().log()
    assert critic.evaluate(x, t, rolls=99).donsker_varadhan == pytest.approx(expected.item(), abs=1e-6)


def test_half_precision_images_and_constant_units_are_taken():
    inputs = drawn(80, 2, 3)
    hidden = torch.cat([inputs.flatten(1), torch.ones(80, 1)], 1)
    of_float, of_double = (
        MINE(steps=40).estimate(hidden.to(dtype), halves(80), inputs=inputs) for dtype in (torch.float32, torch.float64)
    )
    assert math.isfinite(of_float.input_information)
    assert of_float.input_information == of_double.input_information


def test_constant_layers_share_no_information():
    point = MINE(steps=20).estimate(torch.ones(80, 2), halves(80), inputs=drawn(80, 2))
    assert point.input_information == pytest.approx(0, abs=1e-6)
    assert point.label_information == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0),
        ("width", 0),
        ("batch_size", 1),
        ("seed", -1),
        ("learning_rate", 0.0),
        ("learning_rate", math.inf),
        ("averaging", 1.0),
        ("averaging", -0.1),
        ("noise", -1.0),
        ("noise", math.nan),
    ],
)
def test_fields_out_of_their_ranges_are_refused(field, value):
    with pytest.raises(ValueError, match=f"{field}: .* required, got"):
        MINE(**{field: value})


def test_averaging_may_be_switched_off():
    hidden = drawn(200, 1)
    off, on = (
        MINE(steps=60, averaging=each).estimate(hidden, halves(200), inputs=hidden).input_information
        for each in (0.0, 0.99)
    )
    assert off != on
    assert off > 0.5


def test_samples_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="at least 40 samples are required, got 39"):
        MINE().estimate(drawn(39, 2), halves(39))
    with pytest.raises(ValueError, match=r"MINE: inputs: numbers of shape \[80, ...\] are required"):
        MINE().estimate(drawn(80, 2), halves(80), inputs=drawn(79, 2))
