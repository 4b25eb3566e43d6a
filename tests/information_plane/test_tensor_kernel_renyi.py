"""Widths that agree with the labels, and the matrix-based information of feature maps."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lightning_infomem.information_plane import MatrixRenyi, TensorKernelRenyi, gaussian_gram, kernel_alignment
from lightning_infomem.information_plane.gaussian_gram import label_gram, squared_distances
from lightning_infomem.information_plane.kernel_alignment import kernel_alignments

GOLDEN = Path(__file__).parents[1] / "data" / "renyi_matrix.npz"


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN)


@pytest.fixture(scope="module")
def samples(golden):
    return tuple(torch.from_numpy(golden[name]) for name in ("T", "labels", "X"))


def test_alignments_give_the_loss_of_the_public_program(golden, samples):
    hidden, labels, _ = samples
    widths = golden["wick_sigma_grid"].tolist()
    found = 2 * kernel_alignments(squared_distances(hidden), labels, widths, label_width=0.1).log2()
    torch.testing.assert_close(found, torch.from_numpy(golden["wick_alignment_loss"]), rtol=0, atol=1e-9)


def test_width_selected_is_that_of_the_public_program(golden, samples):
    grid = golden["wick_sigma_grid"]
    mean_distance = float(squared_distances(samples[0]).sqrt().mean())
    estimator = TensorKernelRenyi(1, 8.0, 0.1, (grid[0] / mean_distance, grid[-1] / mean_distance), len(grid))
    point = estimator.estimate(*samples)
    selected = float(golden["wick_sigma_selected"])
    assert point.parameters["hidden_width"] == pytest.approx(selected, abs=1e-12)
    assert point.scores["alignment"] == pytest.approx(2 ** (golden["wick_alignment_loss"].max() / 2), abs=1e-12)
    assert point.input_information == pytest.approx(
        MatrixRenyi(1, 8.0, selected).estimate(*samples).input_information, abs=1e-9
    )


@pytest.mark.parametrize("chunk_bytes", [1, 8 * 60 * 7, 1 << 24])
def test_alignment_is_the_cosine_of_the_kernels_whatever_the_chunk(samples, monkeypatch, chunk_bytes):
    monkeypatch.setattr(kernel_alignment, "_CHUNK_BYTES", chunk_bytes)
    hidden, labels, _ = samples
    found = kernel_alignments(squared_distances(hidden), labels, [0.5, 2.0], label_width=0.9)
    wanted = label_gram(labels, 0.9)
    for alignment, width in zip(found, (0.5, 2.0), strict=True):
        gram = gaussian_gram(hidden, width)
        assert float(alignment) == pytest.approx(float((gram * wanted).sum() / gram.norm() / wanted.norm()), abs=1e-12)


def test_feature_maps_are_compared_by_frobenius_distances():
    generator = torch.Generator().manual_seed(0)
    maps, inputs = torch.randn(30, 3, 2, 2, generator=generator), torch.randn(30, 1, 4, 4, generator=generator)
    labels = torch.arange(30) % 3
    point = TensorKernelRenyi().estimate(maps, labels, inputs)
    flat = TensorKernelRenyi().estimate(maps.flatten(1), labels, inputs.flatten(1))
    assert (point.input_information, point.label_information) == (flat.input_information, flat.label_information)
    assert (point.num_samples, point.num_units) == (30, 12)


def test_previous_width_is_averaged_in(samples):
    first = TensorKernelRenyi().estimate(*samples)
    aligned = first.parameters["aligned_width"]
    assert first.parameters["hidden_width"] == aligned
    second = TensorKernelRenyi(previous=3.0, decay=0.75).estimate(*samples)
    assert second.parameters["aligned_width"] == aligned
    assert second.parameters["hidden_width"] == pytest.approx(0.75 * 3 + 0.25 * aligned)
    assert (second.parameters["previous"], second.parameters["decay"]) == (3.0, 0.75)
    wanted = MatrixRenyi(hidden_width=second.parameters["hidden_width"]).estimate(*samples)
    assert second.label_information == wanted.label_information
    chained = replace(TensorKernelRenyi(), previous=aligned).estimate(*samples)
    assert chained.parameters["hidden_width"] == pytest.approx(aligned)


def test_unit_of_activations_does_not_matter(samples):
    hidden, labels, inputs = samples
    point, scaled = (TensorKernelRenyi().estimate(each, labels, inputs) for each in (hidden, 1000 * hidden))
    assert scaled.parameters["hidden_width"] == pytest.approx(1000 * point.parameters["hidden_width"])
    assert scaled.label_information == pytest.approx(point.label_information, abs=1e-9)


def test_a_copy_of_the_labels_has_their_entropy_and_an_independent_layer_none():
    pairs = torch.cartesian_prod(torch.arange(4), torch.arange(3)).repeat(3, 1)
    hidden = torch.nn.functional.one_hot(pairs[:, 0]).float()
    copied = TensorKernelRenyi(1, 0.1).estimate(hidden, pairs[:, 0], hidden)
    assert copied.label_information == pytest.approx(math.log(4), abs=1e-9)
    assert copied.input_information == pytest.approx(math.log(4), abs=1e-9)
    assert copied.scores["alignment"] == pytest.approx(1)
    independent = TensorKernelRenyi(1, 0.1).estimate(hidden, pairs[:, 1], pairs[:, 1:])
    assert independent.label_information == pytest.approx(0, abs=1e-9)
    assert independent.input_information == pytest.approx(0, abs=1e-9)


def test_a_constant_layer_tells_nothing():
    inputs, labels = torch.arange(8.0)[:, None], torch.arange(8) % 2
    point = TensorKernelRenyi().estimate(torch.full((8, 2, 2), 3.0), labels, inputs)
    assert (point.input_information, point.label_information) == pytest.approx((0, 0), abs=1e-10)
    assert point.parameters["hidden_width"] == 1.0
    kept = TensorKernelRenyi(previous=2.0).estimate(torch.full((8, 2, 2), 3.0), labels, inputs)
    assert kept.parameters["hidden_width"] == pytest.approx(2.0)


def test_two_samples_are_enough():
    hidden, labels = torch.tensor([[0.0], [100.0]]), torch.tensor([0, 1])
    point = TensorKernelRenyi(input_width=1.0).estimate(hidden, labels, hidden)
    assert (point.input_bits, point.label_bits) == pytest.approx((1, 1), abs=1e-9)


def test_order_and_precision_of_samples_do_not_matter(samples):
    hidden, labels, inputs = samples[0].float(), samples[1], samples[2]
    point = TensorKernelRenyi().estimate(hidden, labels, inputs)
    assert TensorKernelRenyi().estimate(hidden.double(), labels, inputs).label_information == point.label_information
    shuffled = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    other = TensorKernelRenyi().estimate(hidden[shuffled], labels[shuffled], inputs[shuffled])
    assert other.label_information == pytest.approx(point.label_information, abs=1e-9)


def test_too_many_samples_are_refused():
    hidden, labels = torch.zeros(21, 1), torch.arange(21) % 2
    with pytest.raises(ValueError, match="TensorKernelRenyi: hidden: at most 20 samples are required, got 21"):
        TensorKernelRenyi(max_samples=20).estimate(hidden, labels, hidden)
    with pytest.raises(ValueError, match=r"TensorKernelRenyi: inputs: .* got None"):
        TensorKernelRenyi().estimate(hidden, labels)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"order": -1}, ValueError, "order: a finite number > 0 is required, got -1"),
        ({"input_width": 0}, ValueError, "input_width: a finite number > 0 is required, got 0"),
        ({"label_width": 0}, ValueError, "label_width: a finite number > 0 is required, got 0"),
        ({"width_range": (1, 1)}, ValueError, r"width_range: \(low, high\) .* got \(1, 1\)"),
        ({"width_range": (0, 1)}, ValueError, r"width_range: \(low, high\) .* got \(0, 1\)"),
        ({"width_range": (1, 2, 3)}, ValueError, r"width_range: \(low, high\)"),
        ({"num_widths": 1}, ValueError, "num_widths: a whole number >= 2"),
        ({"previous": -2.0}, ValueError, "previous: a finite number > 0 is required, got -2.0"),
        ({"decay": 1}, ValueError, "decay: a finite number >= 0 and < 1 is required, got 1"),
        ({"decay": "no"}, TypeError, "decay: a finite number >= 0 and < 1 is required, got str"),
        ({"max_samples": 1}, ValueError, "max_samples: a whole number >= 2"),
    ],
)
def test_unusable_settings_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        TensorKernelRenyi(**settings)
