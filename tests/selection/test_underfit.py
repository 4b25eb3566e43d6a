"""Networks that were hardly trained."""

from __future__ import annotations

import math

import torch

from lightning_infomem.selection.underfit import doubts_of_underfit, find_underfit
from tests.selection.voters import make_candidate

CLASSES = torch.arange(40) % 4


def _network(name, *, loss=None, confidence=None, classes=CLASSES):
    scores = {} if confidence is None else {"mean_confidence": confidence}
    return make_candidate(name, classes, loss=loss, scores=scores)


def test_a_loss_that_has_hardly_fallen_is_underfit():
    guessing = math.log(4)
    candidates = [_network("a", loss=0.1), _network("b", loss=0.99 * guessing), _network("c", loss=1.0)]
    assert find_underfit(candidates) == [False, True, False]


def test_the_confidence_tells_where_no_loss_is_known():
    candidates = [_network("a", confidence=0.95), _network("b", confidence=0.26), _network("c", loss=0.1)]
    assert find_underfit(candidates) == [False, True, False]


def test_the_loss_counts_before_the_confidence():
    candidates = [_network("a", loss=0.1, confidence=0.9), _network("b", loss=0.2, confidence=0.25)]
    assert find_underfit(candidates) == [False, False]


def test_what_is_not_known_is_not_guessed():
    assert find_underfit([_network("a"), _network("b", classes=None, loss=0.1)]) == [None, None]
    assert find_underfit([_network("a", loss=2.0), _network("b", loss=3.0)]) == [None, None]  # worse than guessing


def test_the_remark_names_them():
    candidates = [_network("a"), _network("b")]
    assert doubts_of_underfit(candidates, [False, None]) == []
    [flag] = doubts_of_underfit(candidates, [False, True])
    assert (flag.name, flag.is_doubt) == ("underfit", False)
    assert flag.message.startswith("'zoo/b': its network learned hardly anything")
