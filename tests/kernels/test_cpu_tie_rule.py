"""The digamma of the compiled tie rule; `test_backends` and `test_cpu` compare the rule itself."""

from __future__ import annotations

import numpy as np
from scipy import special

from lightning_infomem.kernels.cpu_tie_rule import digamma


def test_digamma_is_exact_to_the_last_digits() -> None:
    arguments = np.concatenate([np.linspace(1, 20, 3001), np.geomspace(20, 1e5, 1000)])
    ours = np.array([digamma.py_func(argument) for argument in arguments])  # type: ignore[attr-defined]
    exact = special.digamma(arguments)
    # Up to ten reciprocals and a logarithm below 12 are added: a few roundings of numbers of that size.
    np.testing.assert_allclose(ours, exact, rtol=2e-15, atol=2e-15)
