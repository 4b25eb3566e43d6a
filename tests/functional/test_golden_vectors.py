"""What the released code of the paper gives (see tests/data/README.md), and analytic values."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from lightning_infomem.functional import binned_entropy, mutual_information, pairwise_mutual_information
from lightning_infomem.kernels import reference
from tests.functional.paired_columns import mutual_information_of_draws
from tests.known_answers import correlated_gaussians

DATA = Path(__file__).parents[1] / "data"
RELEASED = dict(np.load(DATA / "bansal_information.npz"))
CLOSED_FORMS = json.loads((DATA / "closed_forms.json").read_text())

ROUNDING_OF_A_SUM = 1e-12
CONSTANT = 6
# Units without tied values; as float32 the saturated unit 5 has some.
UNTIED = {"float64": [0, 1, 2, 5, 7], "float32": [0, 1, 2, 7]}


def information_of_raw_scales(samples: np.ndarray, neighbors: int) -> Tensor:
    """All pairs as the released code takes them, not standardised."""
    columns = torch.tensor(samples.T).contiguous()
    first, second = torch.triu_indices(len(columns), len(columns))
    terms = reference.mean_terms(columns, first, second, neighbors=neighbors, memory_limit=2**28)
    at_k, at_samples = torch.digamma(torch.tensor([neighbors, len(samples)], dtype=torch.float64))
    information = torch.empty(len(columns), len(columns), dtype=torch.float64)
    information[first, second] = information[second, first] = at_k + at_samples - terms
    return information


@pytest.mark.parametrize("neighbors", [1, 3, 5, 10])
@pytest.mark.parametrize("correlation", ["0.0", "0.5", "0.9"])
def test_gaussian_pairs_agree_with_the_released_code(correlation: str, neighbors: int) -> None:
    x, y = RELEASED[f"gauss_rho{correlation}_x"], RELEASED[f"gauss_rho{correlation}_y"]
    expected = float(RELEASED[f"gauss_rho{correlation}_mi_k{neighbors}"])
    ours = information_of_raw_scales(np.stack([x, y], axis=1), neighbors)[0, 1]
    assert float(ours) == pytest.approx(expected, abs=ROUNDING_OF_A_SUM)


@pytest.mark.parametrize("correlation", ["0.0", "0.5", "0.9"])
def test_standardising_hardly_moves_units_of_scale_one(correlation: str) -> None:
    x, y = (torch.tensor(RELEASED[f"gauss_rho{correlation}_{axis}"]) for axis in "xy")
    expected = float(RELEASED[f"gauss_rho{correlation}_mi_k3"])
    assert float(mutual_information(x, y)) == pytest.approx(expected, abs=0.002)  # a few of 500 counts change by one


@pytest.mark.parametrize("neighbors", [3, 10])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_untied_units_agree_with_the_released_code(dtype: str, neighbors: int) -> None:
    units = UNTIED[dtype]
    ours = information_of_raw_scales(RELEASED[f"reps_{dtype}"][:, units], neighbors)
    expected = torch.tensor(RELEASED[f"mi_{dtype}_k{neighbors}"][np.ix_(units, units)])
    torch.testing.assert_close(ours, expected, rtol=0, atol=ROUNDING_OF_A_SUM)


def test_tied_units_do_not_have_the_released_codes_negative_information() -> None:
    samples = torch.tensor(RELEASED["reps_float64"])
    first_relu, second_relu = 3, 4
    assert float(RELEASED["mi_float64_k3"][first_relu, second_relu]) < -0.9
    assert float(RELEASED["mi_float64_k3"][CONSTANT, CONSTANT]) < -5
    information = pairwise_mutual_information(samples)
    assert abs(float(information[first_relu, second_relu])) < 0.1
    assert not information[CONSTANT].any()


def with_the_maximum_in_a_bin_of_its_own(entropies: Tensor, samples: Tensor, high: Tensor, width: Tensor) -> Tensor:
    """Our entropy, after the m samples at the upper end have left the last bin of c for a hundred-and-first."""

    def weight(count: Tensor) -> Tensor:
        return torch.special.xlogy(count, count)

    in_last_bin = (samples >= high - width).sum(0).double()
    maxima = (samples == high).sum(0).double()
    gained = weight(in_last_bin) - weight(in_last_bin - maxima) - weight(maxima)
    return entropies + torch.where(width > 0, gained / len(samples), 0)


@pytest.mark.parametrize("bins", [10, 20, 30, 100, 256])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("value_range", "released"), [("unit", "neuron"), ("layer", "global")])
def test_entropies_agree_with_the_released_code(value_range: str, released: str, dtype: str, bins: int) -> None:
    samples = torch.tensor(RELEASED[f"reps_{dtype}"])
    low, high = samples.double().aminmax(dim=0)
    if value_range == "layer":
        low, high = low.min().expand(8), high.max().expand(8)
    ours = binned_entropy(samples, bins=bins, value_range=value_range)
    corrected = with_the_maximum_in_a_bin_of_its_own(ours, samples.double(), high, (high - low) / bins)
    expected = torch.tensor(RELEASED[f"entropy_{dtype}_bins{bins}_{released}"])
    torch.testing.assert_close(corrected, expected, rtol=0, atol=ROUNDING_OF_A_SUM)


@pytest.mark.parametrize("num_samples", [100, 400, 1000, 2500])
def test_a_unit_against_itself_has_the_closed_form(num_samples: int) -> None:
    expected = CLOSED_FORMS["ksg1_self_mi_nats(k=3): psi(N)-psi(k)"][str(num_samples)]
    x = torch.linspace(0, 1, num_samples, dtype=torch.float64) ** 3
    assert float(mutual_information(x, x)) == pytest.approx(expected, abs=ROUNDING_OF_A_SUM)


@pytest.mark.parametrize("correlation", ["0", "0.1", "0.5", "0.7", "0.9", "0.99"])
def test_gaussians_have_the_closed_form(correlation: str) -> None:
    x, y, truth = correlated_gaussians(float(correlation), num_samples=500, num_draws=40)
    assert truth == pytest.approx(CLOSED_FORMS["gaussian_mi_nats"][correlation], abs=ROUNDING_OF_A_SUM)
    # Bias up to .03 at 500 samples and strong dependence; three standard errors of .05 / sqrt(40).
    assert float(mutual_information_of_draws(x, y).mean()) == pytest.approx(truth, abs=0.03 + 0.025)
