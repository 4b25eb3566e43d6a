"""Gaps between groups: a table worked out by hand, loops over samples with scipy, and what has no gap."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import entropy, wasserstein_distance

from examples.paper.group_gaps import group_gaps

TABLES = ("true_positive_rate", "false_positive_rate", "separation", "sufficiency")
GAPS = ("true_positive_gap", "false_positive_gap", "separation_gap", "sufficiency_gap")


def samples_of(counts):
    """Predictions, labels and groups from {(label, prediction, group): samples}."""
    rows = [cell for cell, count in counts.items() for _ in range(count)]
    label, prediction, group = torch.tensor(rows, dtype=torch.int64).T
    return prediction, label, group


def drawn(count=500, classes=5, groups=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (count,), generator=generator)
    is_right = torch.rand(count, generator=generator) < 0.6
    predictions = torch.where(is_right, labels, torch.randint(classes, (count,), generator=generator))
    return predictions, labels, torch.randint(groups, (count,), generator=generator)


BY_HAND = samples_of(
    {
        # label, prediction, group
        (0, 0, 0): 3,
        (0, 1, 0): 1,
        (1, 0, 0): 1,
        (1, 1, 0): 3,
        (0, 0, 1): 2,
        (0, 1, 1): 2,
        (1, 1, 1): 4,
    }
)


def test_a_table_of_two_classes_and_two_groups_is_as_by_hand():
    gaps = group_gaps(*BY_HAND)
    expected = {
        "true_positive_rate": [[3 / 4, 2 / 4], [3 / 4, 4 / 4]],
        "false_positive_rate": [[1 / 4, 0], [1 / 4, 2 / 4]],
        # Members of class 0 are predicted 5 : 3 in all, those of class 1 are 1 : 7.
        "separation": [
            [
                3 / 4 * math.log((3 / 4) / (5 / 8)) + 1 / 4 * math.log((1 / 4) / (3 / 8)),
                1 / 2 * math.log((1 / 2) / (5 / 8)) + 1 / 2 * math.log((1 / 2) / (3 / 8)),
            ],
            [1 / 4 * math.log((1 / 4) / (1 / 8)) + 3 / 4 * math.log((3 / 4) / (7 / 8)), math.log(8 / 7)],
        ],
        # Who is predicted to be of class 0 has labels 5 : 1 in all, of class 1 it is 3 : 7.
        "sufficiency": [[5 / 6 - 3 / 4, 1 - 5 / 6], [3 / 10 - 1 / 4, 1 / 3 - 3 / 10]],
    }
    for table, gap in zip(TABLES, GAPS, strict=True):
        found = getattr(gaps, table)
        assert found.dtype == torch.float64
        assert found.tolist() == [pytest.approx(row, abs=1e-15) for row in expected[table]], table
        total = sum(abs(first - second) for first, second in expected[table])
        assert getattr(gaps, gap) == pytest.approx(total, abs=1e-15), gap
    assert gaps.true_positive_gap == 0.5
    assert gaps.false_positive_gap == 0.5
    assert gaps.sufficiency_gap == pytest.approx(0.1)
    assert gaps.left_out == dict.fromkeys(TABLES, 0)


def by_loops(predictions, labels, groups, count):
    """Each table cell from the samples themselves, with scipy's distances."""

    def spread(numbers):
        return [numbers.count(number) / len(numbers) for number in range(count)]

    people = list(zip(predictions.tolist(), labels.tolist(), groups.tolist(), strict=True))
    tables = {table: [] for table in TABLES}
    for one in range(count):
        rows = {table: [] for table in TABLES}
        for group in sorted({group for *_, group in people}):
            predicted_of = [prediction for prediction, label, which in people if (label, which) == (one, group)]
            predicted_else = [prediction for prediction, label, which in people if label != one and which == group]
            labels_of = [label for prediction, label, which in people if (prediction, which) == (one, group)]
            rows["true_positive_rate"].append(predicted_of.count(one) / len(predicted_of))
            rows["false_positive_rate"].append(predicted_else.count(one) / len(predicted_else))
            of_all = spread([prediction for prediction, label, _ in people if label == one])
            rows["separation"].append(entropy(spread(predicted_of), of_all))
            all_labels = [label for prediction, label, _ in people if prediction == one]
            rows["sufficiency"].append(wasserstein_distance(labels_of, all_labels))
        for table in TABLES:
            tables[table].append(rows[table])
    return tables


@pytest.mark.parametrize(("classes", "groups"), [(2, 2), (5, 3), (7, 2)])
def test_tables_are_what_loops_over_samples_say(classes, groups):
    samples = drawn(classes=classes, groups=groups)
    gaps = group_gaps(*samples)
    for table, rows in by_loops(*samples, classes).items():
        assert getattr(gaps, table).tolist() == [pytest.approx(row, abs=1e-12) for row in rows], table


def test_groups_that_are_treated_alike_have_no_gap():
    # Group 1 is group 0 three times over.
    predictions, labels, _ = drawn(60, classes=3, groups=2)
    times = torch.tensor([1, 3])
    gaps = group_gaps(predictions.repeat(4), labels.repeat(4), torch.arange(2).repeat_interleave(60 * times))
    for table, gap in zip(TABLES, GAPS, strict=True):
        assert getattr(gaps, gap) == pytest.approx(0, abs=1e-14)
        if table in ("separation", "sufficiency"):
            assert getattr(gaps, table).abs().max() < 1e-14


def test_a_perfect_classifier_has_no_gap_in_any_rate_whatever_the_groups():
    _, labels, groups = drawn()
    gaps = group_gaps(labels, labels, groups)
    assert [getattr(gaps, gap) for gap in GAPS] == [0, 0, 0, 0]


def test_groups_that_differ_in_opposite_ways_show_in_the_table_and_not_in_the_gap():
    gaps = group_gaps(*samples_of({(0, 0, 0): 3, (0, 1, 0): 1, (0, 0, 1): 1, (0, 1, 1): 3, (1, 1, 0): 4, (1, 1, 1): 4}))
    assert gaps.separation_gap == pytest.approx(0, abs=1e-15)
    assert gaps.separation[0].min() > 0.1
    assert gaps.true_positive_gap == 0.5


def test_the_gap_of_more_than_two_groups_is_from_the_lowest_to_the_highest():
    samples = drawn(groups=4)
    gaps = group_gaps(*samples)
    rates = gaps.true_positive_rate
    assert gaps.true_positive_gap == pytest.approx(sum(max(row) - min(row) for row in rates.tolist()))


def test_a_class_without_members_of_a_group_is_left_out_and_counted():
    predictions, labels, groups = (part.clone() for part in drawn(300, classes=3, groups=2))
    kept = ~((labels == 2) & (groups == 1))
    gaps = group_gaps(predictions[kept], labels[kept], groups[kept])
    assert gaps.true_positive_rate[2].isnan().tolist() == [False, True]
    assert gaps.separation[2].isnan().tolist() == [False, True]
    assert gaps.left_out == {
        "true_positive_rate": 1,
        "false_positive_rate": 0,
        "separation": 1,
        "sufficiency": 0,
    }
    rates = gaps.true_positive_rate[:2]
    assert gaps.true_positive_gap == pytest.approx((rates[:, 0] - rates[:, 1]).abs().sum().item())


def test_a_class_that_is_only_predicted_has_sufficiency_alone():
    gaps = group_gaps(*samples_of({(0, 0, 0): 2, (0, 5, 0): 1, (1, 1, 0): 2, (0, 0, 1): 2, (1, 5, 1): 1}))
    assert gaps.classes.tolist() == [0, 1, 5]
    for table in TABLES[:3]:
        assert getattr(gaps, table)[2].isnan().all(), table
    # One of two is labelled 0 and one 1: each group half a step away from both.
    assert gaps.sufficiency[2].tolist() == [0.5, 0.5]


def test_a_class_that_is_never_predicted_has_rates_alone():
    gaps = group_gaps(*samples_of({(0, 0, 0): 2, (1, 0, 0): 2, (0, 0, 1): 3, (1, 0, 1): 1}))
    assert gaps.true_positive_rate[1].tolist() == [0, 0]
    assert gaps.left_out == {"true_positive_rate": 0, "false_positive_rate": 0, "separation": 0, "sufficiency": 1}


def test_a_group_of_one_class_has_no_false_positives_of_it():
    gaps = group_gaps(*samples_of({(0, 0, 0): 2, (1, 1, 0): 2, (0, 0, 1): 2, (0, 1, 1): 2}))
    assert gaps.false_positive_rate.tolist() == [[0.0, pytest.approx(math.nan, nan_ok=True)], [0.0, 0.5]]


def test_a_sum_of_no_class_is_not_zero():
    gaps = group_gaps(*samples_of({(0, 0, 0): 2, (1, 1, 1): 2}))
    assert all(math.isnan(getattr(gaps, gap)) for gap in ("true_positive_gap", "separation_gap", "sufficiency_gap"))
    assert gaps.left_out["separation"] == 2


def test_one_class_alone_is_no_fault():
    gaps = group_gaps(*samples_of({(3, 3, 0): 2, (3, 3, 1): 2}))
    assert gaps.true_positive_gap == 0
    assert gaps.sufficiency_gap == 0
    assert math.isnan(gaps.false_positive_gap)


def test_distances_of_sufficiency_are_steps_of_class_numbers():
    near = samples_of({(0, 0, 0): 3, (1, 0, 0): 1, (0, 0, 1): 4})
    prediction, label, group = near
    far = (prediction * 7, label * 7, group)
    assert group_gaps(*far).sufficiency[0].tolist() == pytest.approx((7 * group_gaps(*near).sufficiency[0]).tolist())


def test_order_and_names_change_no_gap():
    predictions, labels, groups = drawn(groups=2)
    expected = group_gaps(predictions, labels, groups)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))
    renamed = torch.tensor([3, 0, 4, 2, 1])
    shuffled = group_gaps(predictions[order], labels[order], 9 - 4 * groups[order])
    assert shuffled.groups.tolist() == [5, 9]
    other = group_gaps(renamed[predictions], renamed[labels], groups)
    for gap in GAPS:
        assert getattr(shuffled, gap) == pytest.approx(getattr(expected, gap), abs=1e-12)
        if gap != "sufficiency_gap":  # which hangs on the order of the classes
            assert getattr(other, gap) == pytest.approx(getattr(expected, gap), abs=1e-12)


def test_the_input_is_left_alone():
    samples = drawn()
    copies = [part.clone() for part in samples]
    group_gaps(*samples)
    assert all(torch.equal(part, copy) for part, copy in zip(samples, copies, strict=True))


PREDICTIONS, GROUPS = torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1])


@pytest.mark.parametrize(
    ("change", "fault", "message"),
    [
        ({"predictions": [0, 1, 1]}, TypeError, "predictions: an int64 torch tensor .* got list"),
        ({"labels": torch.zeros(3)}, TypeError, "labels: an int64 torch tensor .* got a torch.float32"),
        ({"groups": GROUPS.bool()}, TypeError, "groups: an int64 torch tensor .* convert it with"),
        ({"predictions": PREDICTIONS[:, None]}, ValueError, "predictions: shape"),
        ({"predictions": PREDICTIONS[:0]}, ValueError, "predictions: .*at least one sample"),
        ({"labels": PREDICTIONS[:2]}, ValueError, "labels: one for each of 3 samples is required, got 2"),
        (
            {"labels": PREDICTIONS.to("meta")},
            ValueError,
            "labels: the device of the samples .cpu. is required, got meta",
        ),
        ({"groups": GROUPS[:2]}, ValueError, "groups: one for each of 3 samples"),
        ({"labels": PREDICTIONS - 1}, ValueError, "labels: class indices from 0 are required, got -1"),
        ({"groups": GROUPS * 0 + 4}, ValueError, "at least two different groups are required, got only group 4"),
    ],
)
def test_wrong_input_is_named(change, fault, message):
    arguments = {"predictions": PREDICTIONS, "labels": PREDICTIONS, "groups": GROUPS, **change}
    with pytest.raises(fault, match=message):
        group_gaps(**arguments)
