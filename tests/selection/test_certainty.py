"""How often the best is where a ranking says it is, on made-up checkpoints whose accuracies are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lightning_infomem.selection.certainty import draw_layers, draw_votes, summarize_draws
from lightning_infomem.selection.vote_scores import terms_of_votes
from tests.selection.voters import make_votes


def _summary(accuracies, *, seed=0, inputs=600):
    votes, _ = make_votes(accuracies, seed=seed, inputs=inputs)
    terms = terms_of_votes(votes)
    draws = draw_votes(terms, "consensus_accuracy", torch.ones(inputs, dtype=torch.float64))
    return summarize_draws(draws, int(terms["consensus_accuracy"].mean(1).argmax()), tolerance=0.01)


def test_a_clear_winner_is_nearly_certain():
    found = _summary([0.95, 0.7, 0.7, 0.7, 0.65, 0.6, 0.5])
    # Its 600 inputs count as far fewer, so that even this is not quite certain.
    assert 0.9 < found["probability_best"][0] < 1
    assert max(found["probability_best"][1:]) < 0.1
    assert found["in_best_set"][0]
    assert sum(found["in_best_set"]) <= 3
    assert found["rank_interval"][0][0] == 1


def test_equal_predictions_are_all_as_good():
    terms = {"consensus_accuracy": torch.full((3, 50), 0.7, dtype=torch.float64)}
    found = summarize_draws(draw_votes(terms, "consensus_accuracy", torch.ones(50)), 0)
    assert found["probability_best"] == pytest.approx([1 / 3] * 3)
    assert found["in_best_set"] == [True] * 3
    assert found["rank_interval"] == [(1, 1)] * 3


def test_the_best_set_of_voters_of_known_accuracy_holds_the_best_as_often_as_promised():
    generator = np.random.default_rng(0)
    held, sizes = [], []
    for seed in range(20):
        accuracies = generator.uniform(0.5, 0.9, 10)
        found = _summary(accuracies.tolist(), seed=seed)
        held.append(found["in_best_set"][int(accuracies.argmax())])
        sizes.append(sum(found["in_best_set"]))
    assert np.mean(held) >= 0.8
    assert np.mean(sizes) <= 5


def test_draws_depend_on_the_seed_alone():
    terms = {"consensus_accuracy": torch.rand(3, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))}
    first, again, other = (draw_votes(terms, "consensus_accuracy", torch.ones(50), seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    state = torch.get_rng_state(), np.random.get_state()[1].tolist()
    draw_layers(np.ones((2, 3)))
    assert torch.equal(torch.get_rng_state(), state[0])
    assert np.random.get_state()[1].tolist() == state[1]


def test_terms_that_are_not_known_do_not_count():
    terms = torch.tensor([[0.8] * 30 + [torch.nan] * 20, [0.5] * 50], dtype=torch.float64)
    draws = draw_votes({"consensus_accuracy": terms}, "consensus_accuracy", torch.ones(50))
    assert draws[0] == pytest.approx(0.8)
    assert draws[1] == pytest.approx(0.5)


def test_measures_of_layers_err_in_proportion_to_their_spread():
    values = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    drawn = draw_layers(values)
    assert drawn.shape[:2] == (2, 3)
    assert drawn[1] == pytest.approx(10 * drawn[0])
    assert (draw_layers(np.ones((1, 3))) == 1).all()  # no spread, no error


def test_the_chance_of_leading_is_shared_by_those_that_lead_together():
    found = summarize_draws(np.array([[0.5] * 10, [0.5] * 10, [0.1] * 10]), 0)
    assert found["probability_best"] == [0.5, 0.5, 0.0]
    assert found["in_best_set"] == [True, True, False]
    assert found["rank_interval"] == [(1, 1), (1, 1), (3, 3)]


def test_the_chosen_one_is_in_the_set_even_if_it_leads_in_no_draw():
    assert summarize_draws(np.array([[0.1] * 10, [0.5] * 10]), 0)["in_best_set"] == [True, True]


def test_within_the_tolerance_is_as_good():
    found = summarize_draws(np.array([[0.5] * 10, [0.495] * 10, [0.1] * 10]), 0, tolerance=0.01)
    assert found["probability_best"] == [1.0, 1.0, 0.0]


def test_labels_of_all_inputs_are_worth_half_of_these():
    generator = torch.Generator().manual_seed(0)
    terms = {"consensus_accuracy": (torch.rand(2, 400, generator=generator) < 0.7).double()}
    weights = torch.full((400,), 50.0, dtype=torch.float64)  # equal, as without labels
    alone, few, all_of_them = (
        draw_votes(terms, "consensus_accuracy", weights, num_labels=count).std(axis=1) for count in (0, 20, 400)
    )
    share = np.asarray(terms["consensus_accuracy"].mean(1))
    expected = np.sqrt(share * (1 - share))
    for found, effective in ((alone, 20), (few, 80), (all_of_them, 200)):
        assert found == pytest.approx(expected / np.sqrt(effective + 1), rel=0.1)
