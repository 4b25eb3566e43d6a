"""Any data against the rule taken point by point: `make fuzz` tries 2,000 cases of each backend."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import digamma
from torch import Tensor

from lightning_infomem.functional.standardization import standardized_columns
from lightning_infomem.kernels import cpu, cuda, reference
from tests import oracles

ROUNDING_OF_A_SUM = 1e-12

# From all values different to nearly all the same.
VALUES = {
    "any": st.floats(-1e6, 1e6, width=32),
    "close together": st.floats(1, 1.000002),
    "tenths": st.integers(-30, 30).map(lambda whole: whole / 10),
    "few": st.sampled_from([-1.0, 0.0, 0.5, 0.5000001, 1.0]),
    "mostly zero": st.sampled_from([0.0] * 8 + [0.1, 0.3, 2.0]) | st.floats(0, 1),
    "coarse": st.floats(-4, 4, width=16),
}


@st.composite
def cases(draw: st.DrawFn, most_samples: int) -> tuple[Tensor, int]:
    """Standardised columns of three units, each of its own kind, and a number of neighbours."""
    num_samples = draw(st.integers(2, most_samples))
    units = [
        draw(arrays.arrays(np.float64, num_samples, elements=VALUES[draw(st.sampled_from(sorted(VALUES)))]))
        for _ in range(2)
    ]
    order = draw(st.permutations(range(num_samples)))
    units.append(units[0][np.array(order)])  # the same values, dealt out otherwise
    samples = torch.from_numpy(np.stack(units, axis=1))
    columns, _ = standardized_columns(draw(st.sampled_from([samples, samples.float()])))
    # A backend that compiles does so for each number of neighbours: those that the other tests need as well.
    return columns, draw(st.sampled_from([1, 3] if num_samples > 3 else [1]))


def assert_right(backend: object, case: tuple[Tensor, int]) -> None:
    columns, neighbors = case
    pairs = [(0, 1), (2, 0)]
    at_k_and_samples = float(digamma(neighbors) + digamma(columns.shape[1]))
    values = columns.numpy()
    expected = [at_k_and_samples - oracles.brute_force_tie_rule(values[x], values[y], neighbors) for x, y in pairs]
    terms = backend.mean_terms(columns, *torch.tensor(pairs).T, neighbors=neighbors, memory_limit=2**24)  # type: ignore[attr-defined]
    assert terms.tolist() == pytest.approx(expected, abs=ROUNDING_OF_A_SUM)


@given(cases(most_samples=40))
def test_the_reference_is_right_on_any_data(case: tuple[Tensor, int]) -> None:
    assert_right(reference, case)


@given(cases(most_samples=150))
def test_the_cpu_search_is_right_on_any_data(case: tuple[Tensor, int]) -> None:
    assert_right(cpu, case)


@pytest.mark.interpreter
@pytest.mark.skipif(torch.cuda.is_available(), reason="Triton's interpreter is not used where there is a CUDA device")
@given(cases(most_samples=12))
def test_the_cuda_search_is_right_on_any_data(case: tuple[Tensor, int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # Two blocks, and groups large enough to be jumped over.
        patch.setattr(cuda, "_POINTS", 16)
        patch.setattr(cuda, "_LARGE_GROUP", 4)
        assert_right(cuda, case)
