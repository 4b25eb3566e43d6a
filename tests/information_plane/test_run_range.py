"""One range for all epochs."""

from __future__ import annotations

import math

import pytest
import torch

from lightning_infomem.information_plane import Binning, RunRange


def run_of(*scales):
    base = torch.linspace(-1, 1, 8)[:, None]
    return [base * scale for scale in scales]


def test_the_range_of_a_layer_is_over_all_epochs_and_that_of_the_run_over_all_layers():
    extremes = RunRange()
    for epoch in run_of(1, 4, 2):
        extremes.add("fc1", epoch)
        extremes.add("fc2", 3 + epoch.reshape(2, 2, 2))
    assert extremes.of("fc1") == (-4, 4)
    assert extremes.of("fc2") == (-1, 7)
    assert extremes.of() == extremes.of("fc1", "fc2") == (-4, 7)


def test_with_it_a_layer_that_grows_gains_information_in_the_bins():
    extremes, labels, epochs = RunRange(), torch.arange(8) % 2, run_of(0.1, 0.9, 4)
    for epoch in epochs:
        extremes.add("fc1", epoch)
    of_run = [Binning(8, extremes.of("fc1")).estimate(epoch, labels).input_information for epoch in epochs]
    of_epoch = [Binning(8, "layer").estimate(epoch, labels).input_information for epoch in epochs]
    assert of_epoch == pytest.approx([math.log(8)] * 3)
    assert of_run == pytest.approx([math.log(2), math.log(2), math.log(8)])


def test_a_layer_that_never_changes_has_a_range_and_a_single_bin():
    extremes, hidden = RunRange(), torch.full((4, 2), 0.5)
    extremes.add("dead", hidden)
    assert extremes.of("dead")[0] == 0.5 < extremes.of("dead")[1]
    assert Binning(30, extremes.of("dead")).estimate(hidden, torch.arange(4) % 2).input_information == 0


def test_faults_are_reported():
    extremes = RunRange()
    with pytest.raises(ValueError, match="got none, of \\[\\]; add"):
        extremes.of()
    extremes.add("fc1", torch.ones(2, 1))
    with pytest.raises(ValueError, match="got 'fc2', of \\['fc1'\\]"):
        extremes.of("fc1", "fc2")
    with pytest.raises(ValueError, match="hidden of fc1: finite activations are required, got values from nan"):
        extremes.add("fc1", torch.tensor([[1.0], [math.nan]]))
    with pytest.raises(TypeError, match="hidden of fc1: a floating-point"):
        extremes.add("fc1", torch.ones(2, 1).long())
    assert extremes.of() == (1, math.nextafter(1, 2))
