"""The rule on made courses: predicted classes of 400 inputs, and smoothness, over the moments of a run."""

import dataclasses
import io
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.moment import Moment
from lightning_infomem.records.report import InformationReport
from lightning_infomem.runs.alarm import MIN_MOMENTS, PATIENCE, THRESHOLD, judge, judge_next
from tests.checkpoints.checkpoint_files import make_predictions
from tests.records.test_report import report

INPUTS, CLASSES = 400, 10
TRUE = torch.arange(INPUTS, dtype=torch.int32) % CLASSES  # what the network has learnt


def moment(predicted, smoothness=0.8, *, probe="inputs", epoch=None):
    by_layer = {"first": smoothness, "second": smoothness - 0.1}
    return Moment(by_layer, predicted, probe, epoch, task="classification")


def leaving(share, seed):
    """Predictions of which this share, drawn anew, is wrong in some way."""
    generator = torch.Generator().manual_seed(seed)
    which = torch.randperm(INPUTS, generator=generator)[: round(share * INPUTS)]
    predicted = TRUE.clone()
    wrong = torch.randint(1, CLASSES, (len(which),), generator=generator, dtype=torch.int32)
    predicted[which] = (predicted[which] + wrong) % CLASSES
    return predicted


def course(shares, smoothness, **options):
    """Moments by the share of predictions that left, and by smoothness."""
    return [
        moment(leaving(share, seed), value, **options)
        for seed, (share, value) in enumerate(zip(shares, smoothness, strict=True))
    ]


LEARNING = [0.7, 0.4, 0.2, 0.1, 0.05]
RISING = [0.2, 0.4, 0.6, 0.7, 0.75]
SETTLED = [0.0] * 10
DRIFT = [0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.14, 0.16]  # it exceeds the threshold from the third on
BEFORE_DRIFT = len(LEARNING) + len(SETTLED) - 1


def drifting(falls=DRIFT):
    shares = LEARNING + SETTLED + falls
    return course(shares, RISING + [0.8] * len(SETTLED) + [0.8 - fall for fall in falls])


def over_time(moments):
    """The judgement at each moment, as it was then."""
    return [judge(moments[: end + 1]) for end in range(len(moments))]


# What is said


def test_a_run_that_learns_and_then_drifts_is_said_to_memorize_from_the_third_drop_on():
    alarms = [judgement.is_memorizing for judgement in over_time(drifting())]
    first = BEFORE_DRIFT + 5  # the third, fourth and fifth moment of the drift are below
    assert alarms == [index >= first for index in range(len(alarms))]


def test_the_moment_before_the_drift_is_kept():
    judgements = over_time(drifting())
    assert {judgement.kept for judgement in judgements if judgement.is_memorizing} == {BEFORE_DRIFT}
    for index, judgement in enumerate(judgements):
        if not judgement.is_memorizing:
            assert judgement.kept == index


def test_the_drops_are_those_of_the_last_moment():
    judgement = judge(drifting())
    assert judgement.smoothness_drop == pytest.approx(DRIFT[-1], abs=1e-12)
    assert judgement.consensus_drop == pytest.approx(DRIFT[-1], abs=1e-12)


def quiet_runs():
    count = 25
    jitter = np.random.default_rng(3).normal(0, 0.02, count)
    still, drift = [0.0] * count, [*SETTLED, *DRIFT, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2]
    level = [0.8] * count
    falling = [0.8 - share for share in drift]
    return {
        "clean": course([*LEARNING, *still], [*RISING, *level]),
        "shortcut": course(still, level),
        "jitter": course([0.03] * count, list(0.8 + jitter)),
        "only smoothness falls": course(still, falling),
        "only predictions leave": course(drift, level),
        "a restart of the learning rate": course([*SETTLED, 0.15, 0.1, *SETTLED], [0.8] * 10 + [0.6, 0.7] + [0.8] * 10),
        "two restarts, a moment apart": course(
            [*SETTLED, 0.15, 0.1, 0.0, 0.15, 0.1], [0.8] * 10 + [0.6, 0.7, 0.8, 0.6, 0.7]
        ),
        "it becomes ever smoother": course(drift, [0.8 + share for share in drift]),
    }


@pytest.mark.parametrize("name", quiet_runs())
def test_other_runs_give_no_alarm_at_any_moment(name):
    for index, judgement in enumerate(over_time(quiet_runs()[name])):
        assert not judgement.is_memorizing
        assert judgement.kept == index
        assert (judgement.abstention is None) == (index + 1 >= MIN_MOMENTS)


def test_both_drops_must_hold_at_the_same_moments():
    first_smoothness = course([*SETTLED, 0.0, 0.0, 0.1, 0.1], [0.8] * 10 + [0.7, 0.7, 0.7, 0.7])
    assert not judge(first_smoothness).is_memorizing
    assert judge([*first_smoothness, moment(leaving(0.1, 99), 0.7)]).is_memorizing


@pytest.mark.parametrize(("by", "expected"), [(0.95, False), (1.05, True)])
@pytest.mark.parametrize("which", ["smoothness", "consensus"])
def test_a_drop_counts_from_five_points_on(by, expected, which):
    assert (THRESHOLD, PATIENCE) == (0.05, 3)
    share = by * THRESHOLD if which == "consensus" else 0.2
    fall = by * THRESHOLD if which == "smoothness" else 0.2
    moments = course(SETTLED + [share] * 3, [0.8] * 10 + [0.8 - fall] * 3)
    assert judge(moments).is_memorizing == expected


def test_a_run_that_recovers_is_no_longer_said_to_memorize():
    moments = drifting()
    assert judge(moments).is_memorizing
    recovered = judge([*moments, moment(TRUE)])
    assert not recovered.is_memorizing
    assert recovered.kept == len(moments)


# What is compared


def test_moments_that_predict_hardly_any_class_are_compared_with_nothing():
    early = [moment((TRUE < 5).int(), 0.99)] * 3
    later = course(SETTLED, [0.7] * 10)
    judgement = judge([*early, *later])
    assert judgement.smoothness_drop == 0
    assert all(math.isnan(value) for value in judgement.agreement[:3])
    assert judgement.agreement[3:] == (1.0,) * 10


@pytest.mark.parametrize(("classes", "is_compared"), [(7, False), (8, True)])
def test_three_quarters_of_the_classes_are_enough(classes, is_compared):
    predicted = torch.arange(INPUTS, dtype=torch.int32) * classes // INPUTS  # equally many of each
    judgement = judge([moment(predicted, 0.9), *course(SETTLED, [0.8] * 10)])
    assert math.isnan(judgement.agreement[0]) != is_compared
    assert judgement.smoothness_drop == pytest.approx(0.1 if is_compared else 0.0, abs=1e-12)


def test_a_moment_that_lost_classes_is_compared_with_those_that_had_them():
    judgement = judge([*course(SETTLED, [0.8] * 10), moment(TRUE.clamp(max=6), 0.7)])
    assert judgement.consensus_drop == pytest.approx(0.3, abs=1e-12)  # of 7, 8 and 9
    assert judgement.smoothness_drop == pytest.approx(0.1, abs=1e-12)


def test_of_moments_that_agree_as_much_the_last_is_kept():
    moments = course([0.0, 0.01, 0.0, 0.01, 0.2, 0.2, 0.2], [0.8] * 4 + [0.6] * 3)
    assert judge(moments).is_memorizing
    assert judge(moments).kept == 2


@pytest.mark.parametrize("first_is_smaller", [True, False])
def test_of_classes_with_as_many_votes_the_smallest_is_the_consensus(first_is_smaller):
    smaller, larger = TRUE.clone(), TRUE.clone()
    smaller[:40], larger[:40] = 2, 7
    pair = [smaller, larger] if first_is_smaller else [larger, smaller]
    agreement = judge([moment(predicted) for predicted in pair * 2]).agreement
    assert agreement == ((1.0, 0.9, 1.0, 0.9) if first_is_smaller else (0.9, 1.0, 0.9, 1.0))


def test_agreement_and_drop_are_those_of_a_computation_by_hand():
    moments = course([0.3, 0.2, 0.1, 0.15, 0.25, 0.3, 0.35], [0.8, 0.8, 0.8, 0.7, 0.7, 0.7, 0.7])
    predicted = np.stack([each.predicted.numpy() for each in moments])
    votes = (predicted[:, :, None] == np.arange(CLASSES)).sum(0)
    agrees = predicted == votes.argmax(1)  # numpy, too, takes the first of equal ones
    agreement = agrees.mean(1)
    best = np.flatnonzero(agreement == agreement.max())[-1]
    differences = agrees[best].astype(float) - agrees[-1]
    judgement = judge(moments)
    assert judgement.is_memorizing
    assert judgement.kept == best
    assert judgement.agreement == pytest.approx(agreement, abs=1e-12)
    assert judgement.consensus_drop == pytest.approx(differences.mean(), abs=1e-12)
    assert judgement.consensus_drop_error == pytest.approx(differences.std() / math.sqrt(INPUTS), abs=1e-12)


def test_a_layer_without_any_smoothness_is_left_out():
    moments = drifting()
    beside = [dataclasses.replace(each, smoothness={**each.smoothness, "dead": math.nan}) for each in moments]
    assert judge(beside) == judge(moments)


def test_a_moment_that_lacks_a_layer_is_not_compared():
    moments = course(SETTLED, [0.8] * 10)
    lacking = dataclasses.replace(moments[4], smoothness={"first": 0.99})
    judgement = judge([*moments[:4], lacking, *moments[5:]])
    assert math.isnan(judgement.agreement[4])
    assert judgement.smoothness_drop == 0


def test_smoothness_counts_each_layer_the_same():
    def of(first, second):
        return Moment({"first": first, "second": second}, TRUE, "inputs", task="classification")

    assert judge([of(0.9, 0.5)] * 4 + [of(0.7, 0.6)]).smoothness_drop == pytest.approx(0.05, abs=1e-12)


def test_a_damaged_smoothness_is_not_compared():
    broken = Moment({"first": math.inf, "second": -math.inf}, TRUE, "inputs", task="classification")
    judgement = judge([broken, *course(SETTLED, [0.8] * 10)])
    assert math.isnan(judgement.agreement[0])
    assert judgement.smoothness_drop == 0


def test_low_precision_of_torch_does_not_blur_it():
    expected = judge(drifting())
    torch.set_default_dtype(torch.bfloat16)  # as where a Trainer of precision "bf16-true" runs the network
    try:
        assert judge(drifting()) == expected
    finally:
        torch.set_default_dtype(torch.float32)


# Where the alarm abstains


@pytest.mark.parametrize("count", [1, 2, 3])
def test_too_few_moments_are_counted(count):
    judgement = judge(drifting()[-count:])
    assert judgement == nothing(count, judgement)
    assert judgement.abstention.startswith(f"{count} measurements of the run are too few, 4 are required")


def nothing(count, judgement):
    """A judgement at the last of so many moments that tells nothing; it compares by identity of NaN."""
    return Judgement(False, count - 1, streak=judgement.streak, abstention=judgement.abstention)


def test_no_moment_is_an_error():
    with pytest.raises(ValueError, match=r"^course: at least one moment is required, got none; measure first"):
        judge([])


def test_other_inputs_from_some_moment_on_are_judged_alone():
    before = [moment(TRUE, 0.99, probe="others")] * 10
    after = course([0.0] * 3 + [0.1, 0.1, 0.1], [0.8] * 3 + [0.7] * 3)
    judgements = over_time([*before, *after])
    for count in (1, 2, 3):
        assert judgements[9 + count].abstention.startswith(
            f"the validation inputs changed before the last {count} of {10 + count} measurements"
        )
    assert all(judgement.abstention is None for judgement in judgements[13:])
    last = judgements[-1]
    assert last.is_memorizing
    assert last.kept == 12
    assert len(last.agreement) == 16
    assert all(math.isnan(value) for value in last.agreement[:10])
    assert last.agreement[10:] == pytest.approx((1, 1, 1, 0.9, 0.9, 0.9))


def test_inputs_that_differ_each_time_are_reported_with_the_remedy():
    moments = [dataclasses.replace(each, probe=str(index)) for index, each in enumerate(drifting())]
    judgement = judge(moments)
    assert not judgement.is_memorizing
    assert f"changed before the last 1 of {len(moments)} measurements" in judgement.abstention
    assert judgement.abstention.endswith("validate the same inputs in the same order")


@pytest.mark.parametrize(
    ("missing", "reason"),
    [(["predicted"], "predicted classes are not known"), (["predicted", "probe"], "inputs cannot be recognised")],
)
def test_a_network_whose_classes_are_not_known_is_not_judged(missing, reason):
    moments = [dataclasses.replace(each, **dict.fromkeys(missing)) for each in drifting()]
    assert reason in judge(moments).abstention
    assert not judge(moments).is_memorizing


def test_a_moment_without_classes_parts_the_course():
    moments = drifting()
    moments[BEFORE_DRIFT - 1] = dataclasses.replace(moments[BEFORE_DRIFT - 1], predicted=None)
    judgement = judge(moments)
    assert judgement.kept == BEFORE_DRIFT
    assert sum(map(math.isnan, judgement.agreement)) == BEFORE_DRIFT


def test_predictions_that_are_all_the_same_are_not_judged():
    moments = [*drifting(), moment(torch.zeros_like(TRUE), math.nan)]
    assert judge(moments).abstention.startswith("no layer has a smoothness: the predictions are all the same")
    assert not judge(moments).is_memorizing


@pytest.mark.parametrize(("count", "is_judged"), [(49, False), (50, True)])
def test_few_inputs_are_not_judged(count, is_judged):
    judgement = judge([moment(TRUE[:count])] * 5)
    assert (judgement.abstention is None) == is_judged
    if not is_judged:
        assert judgement.abstention.startswith("49 validation inputs are too few, 50 are required")


# Any data

PROBES = {"few": 7, "some": 60, "others": 60}  # of as many inputs


@st.composite
def any_moment(draw, probes, *, is_known):
    probe = draw(st.sampled_from(probes))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    classes = draw(st.integers(1, 6))
    predicted = torch.randint(-1, classes, (PROBES.get(probe, 60),), generator=generator, dtype=torch.int32)
    values = st.floats(-1, 1) | st.sampled_from([math.nan, math.inf, -math.inf])
    smoothness = draw(st.dictionaries(st.sampled_from(["first", "second"]), values))
    return Moment(smoothness, predicted if is_known or draw(st.booleans()) else None, probe, task="classification")


# Most courses end in moments that can be compared.
BEGINNINGS = st.lists(any_moment([*PROBES, None], is_known=False), min_size=1, max_size=4)
ENDS = st.lists(any_moment(["some"], is_known=True), max_size=8)


@given(BEGINNINGS, ENDS)
def test_any_course_is_judged_without_an_exception(beginning, end):
    moments = beginning + end
    judgement = judge(moments)
    assert isinstance(judgement, Judgement)
    assert 0 <= judgement.kept < len(moments)
    if judgement.abstention is not None:
        assert judgement == nothing(len(moments), judgement)
    else:
        assert len(judgement.agreement) == len(moments)
        assert judgement.smoothness_drop >= 0
        assert 0 <= judgement.consensus_drop <= 1
        assert judgement.is_memorizing or judgement.kept == len(moments) - 1


@given(st.permutations(range(60)), st.lists(st.integers(0, 99), min_size=4, max_size=8))
def test_the_order_of_inputs_does_not_matter(order, seeds):
    def shown(order):
        return [
            moment(torch.randint(0, 4, (60,), generator=torch.Generator().manual_seed(seed))[order], seed / 100)
            for seed in seeds
        ]

    one, other = judge(shown(list(range(60)))), judge(shown(list(order)))
    assert (one.is_memorizing, one.kept) == (other.is_memorizing, other.kept)
    assert one.agreement == pytest.approx(other.agreement, abs=1e-12, nan_ok=True)


# Moments


def test_a_moment_takes_from_a_report_what_is_judged():
    layers = tuple(
        dataclasses.replace(layer, scores={"class_smoothness": value} if value else {})
        for layer, value in zip(report().layers, (0.5, None), strict=True)
    )
    full = dataclasses.replace(report(), layers=layers, probe="inputs", predictions=make_predictions(TRUE))
    taken = Moment.of(full)
    first, second = (layer.name for layer in layers)
    assert taken.smoothness[first] == 0.5
    assert math.isnan(taken.smoothness[second])
    assert torch.equal(taken.predicted, TRUE)
    assert (taken.probe, taken.epoch, taken.step) == ("inputs", full.epoch, full.step)
    assert (taken.task, taken.task_reason) == ("regression", "its loss is mse_loss")
    assert isinstance(full, InformationReport)


@pytest.mark.parametrize("predicted", [TRUE, None])
def test_a_moment_survives_a_checkpoint(predicted):
    known = {"epoch": 3, "step": 120, "task": "none", "task_reason": "given"}
    before = Moment({"first": 0.5, "second": math.nan}, predicted, "inputs", **known)
    file = io.BytesIO()
    torch.save(before.to_state(), file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    after = Moment.from_state(state)
    assert after.smoothness == pytest.approx(before.smoothness, nan_ok=True)
    assert (after.probe, after.epoch, after.step) == ("inputs", 3, 120)
    assert (after.task, after.task_reason) == ("none", "given")
    if predicted is None:
        assert after.predicted is None
    else:
        assert after.predicted.dtype == torch.int32
        state["predicted"].zero_()  # may be mapped from a file
        assert torch.equal(after.predicted, predicted)


def test_a_run_is_judged_the_same_from_saved_moments():
    moments = drifting()
    assert judge([Moment.from_state(each.to_state()) for each in moments]) == judge(moments)


def test_a_moment_is_called_by_its_epoch_or_else_its_step():
    assert Moment({}, None, None, epoch=3, step=120).name == "epoch 3"
    assert Moment({}, None, None, step=120).name == "step 120"


def test_what_memorizes_has_no_vote_however_long_it_goes_on():
    bent = TRUE.clone()
    bent[:80] = (bent[:80] + 1) % 10
    moments = course([0.0] * 6, [0.9] * 6) + [moment(bent, 0.7)] * 60
    judgements = over_time(moments)
    assert [judgement.is_memorizing for judgement in judgements] == [False] * 8 + [True] * 58
    assert {judgement.kept for judgement in judgements[8:]} == {5}
    assert judgements[-1].voters == 9
    assert judgements[-1].consensus_drop == pytest.approx(0.2)


def test_a_run_that_recovers_votes_again():
    bent = TRUE.clone()
    bent[:80] = (bent[:80] + 1) % 10
    moments = course([0.0] * 6, [0.9] * 6) + [moment(bent, 0.7)] * 4 + course([0.0] * 2, [0.9] * 2)
    last = over_time(moments)[-1]
    assert not last.is_memorizing
    assert last.kept == last.voters - 1 == 11


def test_one_moment_more_gives_what_the_whole_course_gives():
    moments = drifting()
    judgement = None
    for end in range(1, len(moments) + 1):
        judgement = judge_next(moments[:end], judgement)
        assert judgement.kept == judge(moments[:end]).kept
    assert judgement == judge(moments)


def test_moments_of_another_number_of_inputs_are_not_compared():
    moments = drifting()
    damaged = [dataclasses.replace(each, predicted=each.predicted[:-1]) for each in moments[:3]]
    last = judge([*damaged, *moments[3:]])
    assert last.is_memorizing
    assert all(math.isnan(value) for value in last.agreement[:3])
