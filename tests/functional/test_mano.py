"""MaNo: by hand, its two normalisations, bounds, and what it refuses."""

from __future__ import annotations

import math

import pytest
import torch

from lightning_infomem.functional import mano


def test_the_taylor_series_by_hand():
    # Undecided enough: 1 + z + z^2 / 2 is 1, 2.5 and 0.5, 5.
    logits = torch.tensor([[0.0, 1.0], [-1.0, 2.0]])
    powers = (1 / 3.5) ** 4 + (2.5 / 3.5) ** 4 + (0.5 / 5.5) ** 4 + (5 / 5.5) ** 4
    assert mano(logits).item() == pytest.approx((powers / 4) ** 0.25)
    found = mano(logits, p=1)
    assert found.item() == pytest.approx(0.5)
    assert (found.dtype, found.shape) == (torch.float64, ())


def test_softmax_where_the_network_is_sure():
    logits = torch.tensor([[0.0, 20.0, 0.0], [30.0, 0.0, 29.0]])
    expected = (logits.double().softmax(1) ** 4).mean() ** 0.25
    assert mano(logits).item() == pytest.approx(expected.item(), abs=1e-12)
    assert mano(logits + 7).item() == pytest.approx(expected.item(), abs=1e-12)


def test_the_rule_changes_at_a_mean_of_five_nats():
    # For [0, z] the mean negative logarithm of the softmax is nearly z / 2.
    for z, normalised in [(9.9, 1 + 9.9 + 9.9**2 / 2), (10.1, math.exp(10.1))]:
        share = normalised / (1 + normalised)
        found = mano(torch.tensor([[0.0, z]], dtype=torch.float64)).item()
        assert found == pytest.approx(((share**4 + (1 - share) ** 4) / 2) ** 0.25, abs=1e-12)


@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("p", [1, 2, 4])
def test_it_lies_between_undecided_and_certain(classes, p):
    assert mano(torch.full((5, classes), 0.3), p).item() == pytest.approx(1 / classes)
    certain = mano(1e4 * torch.eye(classes), p)
    assert certain.item() == pytest.approx(classes ** (-1 / p))


@pytest.mark.parametrize(
    ("logits", "p", "fault", "message"),
    [
        (torch.zeros(3, 1), 4, ValueError, r"logits: finite values and at least two classes .* \[3, 1\]"),
        (torch.full((3, 2), math.nan), 4, ValueError, "logits: finite values"),
        (torch.zeros(3), 4, ValueError, "logits: shape"),
        (torch.zeros(3, 2, dtype=torch.int64), 4, TypeError, "logits: a floating-point tensor"),
        (torch.zeros(3, 2), 0.5, ValueError, "p: a finite number >= 1"),
        (torch.zeros(3, 2), math.inf, ValueError, "p: a finite number >= 1"),
    ],
)
def test_wrong_input_is_named(logits, p, fault, message):
    with pytest.raises(fault, match=message):
        mano(logits, p)
