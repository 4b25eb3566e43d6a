"""Every backend against the rule taken point by point, and against the reference where that would take too long."""

from __future__ import annotations

import functools
import logging

import pytest
import torch
from scipy.special import digamma
from torch import Tensor

from lightning_infomem.functional.standardization import standardized_columns
from lightning_infomem.kernels import reference, select_backend
from tests import oracles
from tests.functional.kinds_of_samples import KINDS

NEEDS_A_GPU = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here"),
]

# Name and device of each; a further backend is one further line.
BACKENDS_UNDER_TEST = [
    pytest.param(("reference", "cpu"), id="reference"),
    pytest.param(("cpu", "cpu"), id="cpu"),
    pytest.param(("reference", "cuda"), id="reference on cuda", marks=NEEDS_A_GPU),
    pytest.param(("cuda", "cuda"), id="cuda", marks=NEEDS_A_GPU),  # in Triton's interpreter: test_cuda.py
]

# The counts are integers and agree exactly; a sum of some thousand digammas may be added up in another order.
ROUNDING_OF_A_SUM = 1e-12
MEMORY_LIMIT = 2**26


@pytest.fixture(params=BACKENDS_UNDER_TEST)
def backend(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param


def mean_terms(
    backend: tuple[str, str],
    columns: Tensor,
    first: Tensor,
    second: Tensor,
    *,
    neighbors: int = 3,
    memory_limit: int = MEMORY_LIMIT,
) -> Tensor:
    name, device = backend
    chosen, kernel = select_backend(name, torch.device(device))
    assert chosen == name
    columns, first, second = columns.to(device), first.to(device), second.to(device)
    terms = kernel(columns, first, second, neighbors=neighbors, memory_limit=memory_limit)
    assert terms.dtype == torch.float64
    assert terms.device == columns.device
    return terms.cpu()


def all_pairs(columns: Tensor) -> tuple[Tensor, Tensor]:
    first, second = torch.triu_indices(len(columns), len(columns))
    return first, second


def assert_same_as_reference(backend: tuple[str, str], columns: Tensor, *, neighbors: int = 3) -> None:
    first, second = all_pairs(columns)
    # The other way round, so that the reference itself is compared with a search along the other axis.
    expected = reference.mean_terms(columns, second, first, neighbors=neighbors, memory_limit=MEMORY_LIMIT)
    terms = mean_terms(backend, columns, first, second, neighbors=neighbors)
    torch.testing.assert_close(terms, expected, rtol=0, atol=ROUNDING_OF_A_SUM)


def normal(num_units: int, num_samples: int, *, seed: int = 0) -> Tensor:
    return torch.randn(num_units, num_samples, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@functools.cache
def terms_point_by_point(kind: str, first: int, second: int, neighbors: int) -> float:
    columns = standardized_columns(KINDS[kind])[0].numpy()
    information = oracles.brute_force_tie_rule(columns[first], columns[second], neighbors)
    return float(digamma(neighbors) + digamma(columns.shape[1])) - information


@pytest.mark.parametrize(
    ("kind", "neighbors"),
    [(kind, 3) for kind in KINDS]
    + [
        (kind, k)
        for k in (1, 16)
        for kind, samples in KINDS.items()
        if samples.dtype == torch.float64 and len(samples) > k
    ],
)
def test_every_kind_of_samples_agrees_with_the_rule_taken_point_by_point(
    backend: tuple[str, str], kind: str, neighbors: int
) -> None:
    columns, _ = standardized_columns(KINDS[kind])
    pairs = [(0, 1), (1, 2), (3, 0)]
    expected = [terms_point_by_point(kind, *pair, neighbors) for pair in pairs]
    terms = mean_terms(backend, columns, *torch.tensor(pairs).T, neighbors=neighbors)
    assert terms.tolist() == pytest.approx(expected, abs=ROUNDING_OF_A_SUM)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("num_samples", [4, 5, 15, 16, 17, 31, 33, 63, 64, 65, 127, 255, 257, 1000])
def test_every_number_of_samples_agrees_with_the_reference(
    backend: tuple[str, str], num_samples: int, dtype: torch.dtype
) -> None:
    columns = normal(6, num_samples)
    columns[1] += 10 * columns[0]
    columns[4:] = columns[4:].relu()
    assert_same_as_reference(backend, columns.to(dtype))


@pytest.mark.parametrize("neighbors", [1, 3, 16])  # a backend that compiles does so for each
def test_every_number_of_neighbors_agrees_with_the_reference(backend: tuple[str, str], neighbors: int) -> None:
    columns = normal(4, 100)
    columns[2:] = columns[2:].relu()
    assert_same_as_reference(backend, columns, neighbors=neighbors)


@pytest.mark.parametrize("zeros", [0.0, 0.3, 0.5, 0.8, 0.95])
def test_every_share_of_zeros_agrees_with_the_reference(backend: tuple[str, str], zeros: float) -> None:
    columns = normal(4, 1000)
    columns = (columns - columns.quantile(zeros, dim=1, keepdim=True)).relu()
    assert_same_as_reference(backend, columns.float())


@pytest.mark.parametrize("shape", [(41, 101), (11, 401)])
def test_odd_shapes_agree_with_the_reference(backend: tuple[str, str], shape: tuple[int, int]) -> None:
    columns = normal(*shape)
    columns[::3] = columns[::3].bfloat16().double()
    assert_same_as_reference(backend, columns.float())


def test_a_pair_in_either_order_has_the_same_terms(backend: tuple[str, str]) -> None:
    columns, _ = standardized_columns(KINDS["continuous with rectified"])
    first, second = all_pairs(columns)
    there, back = mean_terms(backend, columns, first, second), mean_terms(backend, columns, second, first)
    torch.testing.assert_close(there, back, rtol=0, atol=ROUNDING_OF_A_SUM)


def test_pairs_may_be_asked_for_in_any_order_and_more_than_once(backend: tuple[str, str]) -> None:
    columns, _ = standardized_columns(KINDS["rectified float32"])
    first, second = all_pairs(columns)
    once = mean_terms(backend, columns, first, second)
    chosen = torch.tensor([7, 0, 3, 3, 9, 0])
    assert torch.equal(mean_terms(backend, columns, first[chosen], second[chosen]), once[chosen])


def test_no_pair_gives_no_term(backend: tuple[str, str]) -> None:
    none = torch.empty(0, dtype=torch.int64)
    assert mean_terms(backend, normal(2, 10), none, none).shape == (0,)


@pytest.mark.parametrize("kind", ["dependent", "rectified float32", "every sample four times"])
def test_the_memory_limit_changes_no_bit(backend: tuple[str, str], kind: str) -> None:
    columns, _ = standardized_columns(KINDS[kind])
    first, second = all_pairs(columns)
    plenty = mean_terms(backend, columns, first, second)
    four_pairs_at_a_time = 24 * 8 * 4 * columns.shape[1]
    assert torch.equal(mean_terms(backend, columns, first, second, memory_limit=four_pairs_at_a_time), plenty)


@pytest.mark.parametrize("kind", ["dependent", "rectified float32", "every sample four times"])
def test_the_same_call_twice_gives_the_same_bits(backend: tuple[str, str], kind: str) -> None:
    columns, _ = standardized_columns(KINDS[kind])
    first, second = all_pairs(columns)
    assert torch.equal(mean_terms(backend, columns, first, second), mean_terms(backend, columns, first, second))


def test_the_number_of_threads_changes_no_bit(backend: tuple[str, str]) -> None:
    columns = normal(60, 200).float()  # enough for a backend to share among threads
    columns[::3] = columns[::3].relu()
    first, second = all_pairs(columns)
    alone = mean_terms(backend, columns, first, second)
    torch.set_num_threads(4)
    assert torch.equal(mean_terms(backend, columns, first, second), alone)


# The choice


def test_the_reference_runs_wherever_it_is_asked_for() -> None:
    assert select_backend("reference", torch.device("cpu")) == ("reference", reference.mean_terms)


def test_an_unknown_backend_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match=r"backend: one of 'auto', .* got 'cdua'; did you mean 'cuda'"):
        select_backend("cdua", torch.device("cpu"))


def test_a_gpu_backend_is_refused_for_samples_on_the_cpu() -> None:
    with pytest.raises(ValueError, match=r'^backend: samples on the device cuda are required for "cuda", got cpu'):
        select_backend("cuda", torch.device("cpu"))


def test_auto_says_once_what_it_chose(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lightning_infomem.kernels._announced", set())
    with caplog.at_level(logging.INFO, logger="lightning_infomem.kernels"):
        name, _ = select_backend("auto", torch.device("cpu"))
        select_backend("auto", torch.device("cpu"))
        select_backend("reference", torch.device("cpu"))
    assert name != "auto"
    assert len(caplog.messages) == 1
    assert repr(name) in caplog.messages[0]
