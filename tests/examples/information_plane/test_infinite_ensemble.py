"""Ensembles of infinitely wide random networks."""

from __future__ import annotations

import math

import pytest
import torch

from examples.information_plane.infinite_ensemble import ensemble_information, infinite_relu_kernel
from examples.information_plane.replica import ReplicaLinear
from examples.information_plane.replica_channels import LinearChannel


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_wide_network_has_nearly_the_covariance_of_an_infinite_one():
    inputs, width = drawn(6, 4), 40_000
    weights, biases = drawn(4, width, seed=1) * math.sqrt(1.5 / 4), drawn(width, seed=2) * math.sqrt(0.3)
    hidden = (inputs @ weights + biases).relu()
    found = 0.3 + 1.5 * hidden @ hidden.T / width
    expected = infinite_relu_kernel(inputs, weight_variance=1.5, bias_variance=0.3)
    # Averages of 40,000 independent products, whose deviation is of the size of the kernel: five standard errors.
    assert (found - expected).abs().max() < 5 * float(expected.max()) * 2 / math.sqrt(width)


def test_a_second_layer_is_one_on_the_features_of_the_first():
    inputs = drawn(5, 3)
    once = infinite_relu_kernel(inputs)
    features = torch.linalg.cholesky(once) * math.sqrt(5 / 2)  # their products over 5, times 2, are the kernel
    torch.testing.assert_close(
        infinite_relu_kernel(features), infinite_relu_kernel(inputs, layers=2), atol=1e-7, rtol=0
    )


def test_variance_two_keeps_the_scale_and_zero_inputs_stay_zero():
    inputs = torch.cat([drawn(3, 7), torch.zeros(1, 7, dtype=torch.float64)])
    start, deep = (infinite_relu_kernel(inputs, layers=layers) for layers in (0, 5))
    torch.testing.assert_close(start.diagonal(), deep.diagonal())
    assert deep[3].tolist() == [0.0] * 4


@pytest.mark.parametrize("shape", [(20, 50), (50, 20)])
def test_a_linear_ensemble_has_the_normal_linear_form(shape):
    inputs = drawn(*shape)
    kernel = infinite_relu_kernel(inputs, layers=0, weight_variance=1.0)
    by_replicas = ReplicaLinear(channel=LinearChannel(0.1)).of_weights(inputs / math.sqrt(shape[1]))
    assert ensemble_information(kernel, noise=0.1) == pytest.approx(by_replicas.information * shape[1], rel=1e-10)


def test_information_falls_with_noise_and_is_none_of_nothing():
    kernel = infinite_relu_kernel(drawn(10, 4))
    assert ensemble_information(kernel, noise=0.1) > ensemble_information(kernel, noise=1.0) > 0
    assert ensemble_information(torch.zeros(3, 3), noise=1.0) == 0


def test_what_is_no_ensemble_is_refused():
    with pytest.raises(ValueError, match="weight_variance: a positive"):
        infinite_relu_kernel(drawn(3, 2), weight_variance=0.0)
    with pytest.raises(ValueError, match="bias_variance: a number of at least 0"):
        infinite_relu_kernel(drawn(3, 2), bias_variance=-1.0)
    with pytest.raises(ValueError, match="layers: a whole number >= 0"):
        infinite_relu_kernel(drawn(3, 2), layers=-1)
    with pytest.raises(TypeError, match="inputs: a floating-point tensor"):
        infinite_relu_kernel(torch.ones(3, 2, dtype=torch.int64))
    with pytest.raises(ValueError, match="kernel: a symmetric matrix"):
        ensemble_information(drawn(3, 3), noise=1.0)
    with pytest.raises(ValueError, match="kernel: eigenvalues of at least 0"):
        ensemble_information(-torch.eye(3), noise=1.0)
    with pytest.raises(ValueError, match="noise: a positive variance"):
        ensemble_information(torch.eye(3), noise=0.0)
