"""Probes: labels whose code length is known, reproducibility, and what is refused."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
import torch

from lightning_infomem.model_information import MDLProbe


def drawn(count, units=8, seed=0):
    return torch.randn(count, units, generator=torch.Generator().manual_seed(seed))


def random_labels(count, seed=1, share=0.5):
    return (torch.rand(count, generator=torch.Generator().manual_seed(seed)) < share).long()


def telling(labels, units=32, seed=4):
    """Representations whose units all tell the labels, with noise of deviation 1."""
    return drawn(len(labels), units, seed) + (2 * labels[:, None] - 1)


@pytest.mark.parametrize(("schedule", "kind"), [("orgad", "mlp"), ("voita", "mlp"), ("voita", "linear")])
def test_labels_without_relation_are_not_compressed(schedule, kind):
    # In nats instead of bits all but the first block would be ln 2 as long, and compression 1.4.
    validation = (drawn(200, seed=2), random_labels(200, seed=3))
    probe = MDLProbe(schedule, kind=kind, max_epochs=5, patience=1)
    code = probe.fit_code(drawn(1000), random_labels(1000), validation=validation)
    assert 0.85 < code.compression < 1.03
    assert code.uniform_code_length == 1000


@pytest.mark.parametrize("kind", ["mlp", "linear"])
def test_labels_that_the_inputs_reveal_are_compressed(kind):
    labels = random_labels(300)
    code = MDLProbe(kind=kind, max_epochs=10).fit_code(telling(labels), labels)
    assert code.compression > 2.5
    bits_a_label = [bits / size for bits, size in zip(code.block_bits, code.block_sizes, strict=True)]
    assert bits_a_label[0] == 1
    assert bits_a_label[-1] < 0.15


def test_what_only_a_hidden_layer_can_tell_takes_one():
    one, other = random_labels(200, seed=5), random_labels(200, seed=6)
    representations = 2.0 * torch.stack([one, other], dim=1).repeat_interleave(32, dim=1) - 1
    mlp, linear = (
        MDLProbe(kind=kind, max_epochs=8, batch_size=4).fit_code(representations, one ^ other).compression
        for kind in ("mlp", "linear")
    )
    assert linear < 1
    assert mlp > 1.05


def test_blocks_of_unrelated_labels_take_their_entropy():
    # Constant representations: all there is to learn is how frequent classes are, and one learns it.
    labels = torch.tensor([0, 0, 0, 0, 0, 0, 0, 0, 1, 2]).repeat(100)
    code = MDLProbe(kind="linear", max_epochs=5).fit_code(torch.full((1000, 1), 3.0), labels)
    entropy = -(0.8 * math.log2(0.8) + 2 * 0.1 * math.log2(0.1))
    # The shares of the classes in a block vary: 3 standard errors of the mean bits of 325 labels are 0.2.
    assert code.block_bits[-1] / code.block_sizes[-1] == pytest.approx(entropy, abs=0.2)
    assert 1 < code.compression < math.log2(3) / entropy + 0.05


def test_the_blocks_are_those_of_the_schedule():
    code = MDLProbe((10, 30, 100), max_epochs=1).fit_code(drawn(50), random_labels(50))
    assert code.block_sizes == (5, 10, 35)
    assert code.block_bits[0] == 5
    assert code.num_classes == 2


def test_empty_blocks_cost_nothing():
    code = MDLProbe((5, 6, 100), max_epochs=1).fit_code(drawn(20), random_labels(20))
    assert code.block_sizes == (1, 0, 19)
    assert code.block_bits[1] == 0


def test_the_code_is_the_same_for_the_same_seed():
    arguments = drawn(200), random_labels(200)
    one, again, other = (MDLProbe(max_epochs=3, seed=seed).fit_code(*arguments) for seed in (7, 7, 8))
    assert one == again
    assert one.block_bits != other.block_bits
    assert other.compression == pytest.approx(one.compression, abs=0.1)


def test_the_number_of_threads_changes_no_more_than_rounding():
    arguments = drawn(100), random_labels(100)
    before = torch.get_num_threads()
    lengths = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            lengths.append(MDLProbe(max_epochs=3).fit_code(*arguments).code_length)
    finally:
        torch.set_num_threads(before)
    assert lengths[0] == pytest.approx(lengths[1], rel=1e-4)


def test_random_generators_and_input_are_left_as_they_were():
    representations, labels = drawn(100), random_labels(100)
    copies = representations.clone(), labels.clone()
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    MDLProbe(max_epochs=2).fit_code(representations, labels, validation=(representations, labels))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()
    assert random.getstate() == before[2]
    assert torch.equal(representations, copies[0])
    assert torch.equal(labels, copies[1])


def test_it_may_be_asked_where_nothing_is_trained():
    representations, labels = drawn(100), random_labels(100)
    held_out = drawn(50, seed=2), random_labels(50, seed=3)
    probe = MDLProbe(max_epochs=2)
    expected = probe.fit_code(representations.clone().requires_grad_(), labels, validation=held_out)
    with torch.no_grad():
        assert probe.fit_code(representations, labels, validation=held_out) == expected
    with torch.inference_mode():
        made_here = [tensor.clone() for tensor in (representations, labels, *held_out)]
        assert probe.fit_code(*made_here[:2], validation=tuple(made_here[2:])) == expected
        assert torch.is_inference_mode_enabled()


def test_sorted_samples_are_shuffled_first():
    labels = random_labels(200).sort().values
    assert MDLProbe(max_epochs=5).fit_code(telling(labels), labels).compression > 1.6


def test_training_ends_when_validation_does_not_improve_and_the_best_epoch_is_kept():
    representations, labels = 3 * drawn(100, units=30), random_labels(100)
    held_out = 3 * drawn(100, units=30, seed=2), random_labels(100, seed=3)

    def code(max_epochs, patience, validation):
        probe = MDLProbe(max_epochs=max_epochs, patience=patience, batch_size=4)
        return probe.fit_code(representations, labels, validation=validation)

    ended = code(10, 1, held_out)
    assert ended == code(11, 1, held_out)
    # The best epoch is the best, however long one looks on after it; the last has fitted noise.
    assert code(10, 9, held_out).compression == pytest.approx(ended.compression, abs=0.02)
    assert code(10, 1, None).compression < ended.compression - 0.02


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_precisions_are_near(dtype):
    labels = random_labels(100)
    representations, probe = telling(labels), MDLProbe(max_epochs=3)
    expected = probe.fit_code(representations, labels).compression
    assert probe.fit_code(representations.to(dtype), labels).compression == pytest.approx(expected, abs=0.02)


def test_a_single_unit_still_has_a_hidden_one():
    representations, labels = 30 * telling(random_labels(100), units=1), random_labels(100)
    mlp, linear = (MDLProbe(kind=kind, max_epochs=1).fit_code(representations, labels) for kind in ("mlp", "linear"))
    assert 0 < mlp.code_length < linear.code_length  # a tanh bounds what is wrong at first


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_the_same_code_and_keeps_its_generator():
    representations, labels = drawn(300), random_labels(300)
    before = torch.cuda.get_rng_state()
    probe = MDLProbe(max_epochs=3)
    found = probe.fit_code(representations.cuda(), labels.cuda(), validation=(representations.cuda(), labels.cuda()))
    expected = probe.fit_code(representations, labels, validation=(representations, labels))
    assert found.code_length == pytest.approx(expected.code_length, rel=1e-3)
    assert torch.equal(torch.cuda.get_rng_state(), before)


LABELS = torch.arange(100) % 2


@pytest.mark.parametrize(
    ("change", "fault", "message"),
    [
        ({"representations": np.zeros((100, 3))}, TypeError, "representations: a floating-point torch tensor"),
        ({"representations": torch.zeros(100, 3, dtype=torch.int64)}, TypeError, "representations: a floating-point"),
        ({"representations": torch.zeros(100)}, ValueError, "representations: shape \\[samples, units\\]"),
        ({"representations": torch.full((100, 3), math.inf)}, ValueError, "finite in float32 are required, got 100 of"),
        ({"representations": torch.full((100, 3), 1e39, dtype=torch.float64)}, ValueError, "finite in float32"),
        ({"labels": LABELS.int()}, TypeError, "labels: an int64 torch tensor .* got a torch.int32"),
        ({"labels": LABELS.tolist()}, TypeError, "labels: an int64 torch tensor"),
        ({"labels": LABELS[:, None]}, ValueError, "labels: shape \\[samples\\]"),
        ({"labels": LABELS[:99]}, ValueError, "labels: one for each of 100 samples is required, got 99"),
        ({"labels": LABELS - 1}, ValueError, "labels: class indices from 0 are required, got -1"),
        ({"labels": LABELS * 3}, ValueError, "every class index from 0 to the highest \\(3\\) .* got only 2"),
        ({"labels": LABELS * 0}, ValueError, "at least two different classes are required, got only class 0"),
        ({"labels": LABELS.to("meta")}, ValueError, "labels: the device of the samples"),
        (
            {"representations": torch.zeros(49, 3), "labels": LABELS[:49]},
            ValueError,
            "first block of schedule 'orgad' is required, got 49 samples",
        ),
        ({"validation": torch.zeros(100, 3)}, TypeError, "validation: a pair"),
        ({"validation": (torch.zeros(9, 4), LABELS[:9])}, ValueError, "validation representations: 3 units on cpu"),
        ({"validation": (torch.zeros(9, 3), LABELS[:8])}, ValueError, "validation labels: one for each of 9"),
        ({"validation": (torch.zeros(9, 3), LABELS[:9] + 1)}, ValueError, "validation labels: class indices below 2"),
        ({"validation": (torch.full((9, 3), math.nan), LABELS[:9])}, ValueError, "validation representations: values"),
    ],
)
def test_wrong_input_is_named(change, fault, message):
    arguments = {"representations": torch.zeros(100, 3), "labels": LABELS, "validation": None, **change}
    with pytest.raises(fault, match=message):
        MDLProbe().fit_code(arguments["representations"], arguments["labels"], validation=arguments["validation"])


@pytest.mark.parametrize(
    ("settings", "fault", "message"),
    [
        ({"schedule": "orgat"}, ValueError, "schedule: .*did you mean 'orgad'"),
        ({"schedule": (50, 20, 100)}, ValueError, "schedule: percentages that ascend"),
        ({"kind": "cnn"}, ValueError, "kind: one of 'mlp', 'linear'"),
        ({"seed": -1}, ValueError, "seed: a whole number >= 0"),
        ({"max_epochs": 0}, ValueError, "max_epochs: a whole number >= 1"),
        ({"batch_size": 2.0}, TypeError, "batch_size: a whole number"),
        ({"patience": -1}, ValueError, "patience: a whole number >= 0"),
    ],
)
def test_wrong_settings_are_named_at_once(settings, fault, message):
    with pytest.raises(fault, match=message):
        MDLProbe(**settings)
