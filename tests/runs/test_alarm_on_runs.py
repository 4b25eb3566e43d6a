"""The alarm on real runs, stored: networks of the study that were trained and watched for up to 25 epochs."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.moment import Moment
from lightning_infomem.runs.alarm import judge_next


class Stored(NamedTuple):
    course: list[Moment]
    accuracy: list[float]
    noise_fitted: list[float] | None


def load():
    runs = {}
    for run in json.loads((Path(__file__).parents[1] / "data" / "runs.json").read_text()):
        course = [
            Moment(
                smoothness={str(layer): math.nan if value is None else value for layer, value in enumerate(smoothness)},
                predicted=torch.tensor([int(character, 36) for character in predicted], dtype=torch.int32),
                probe="the same",
                task="classification",
                epoch=epoch,
            )
            for epoch, (smoothness, predicted) in enumerate(zip(run["smoothness"], run["predicted"], strict=True))
        ]
        runs[run["name"]] = Stored(course, run["accuracy"], run["noise_fitted"])
    return runs


RUNS = load()


def follow(course):
    judgements: list[Judgement] = []
    for end in range(1, len(course) + 1):
        judgements.append(judge_next(course[:end], judgements[-1] if judgements else None))
    return judgements


def first_alarm(judgements):
    return next((index for index, each in enumerate(judgements) if each.is_memorizing), None)


@pytest.mark.parametrize(
    "name",
    [
        "mnist-mlp_noise=0.4_seed=0",
        "digits-resnet_noise=0.4_seed=0",
        "mnist-cnn_noise=0.4_optimizer=sgd_learning_rate=0.05_seed=0",
    ],
)
def test_runs_that_learn_wrong_labels_raise_the_alarm_in_time_and_keep_a_good_epoch(name):
    run = RUNS[name]
    judgements = follow(run.course)
    alarm = first_alarm(judgements)
    assert alarm is not None
    assert run.noise_fitted[alarm] < 0.5
    assert all(judgement.is_memorizing for judgement in judgements[alarm:])  # and it stays on
    kept = judgements[-1].kept
    assert kept == judgements[alarm].kept
    assert run.accuracy[kept] >= max(run.accuracy) - 0.05
    assert run.accuracy[kept] >= run.accuracy[-1] + 0.05


@pytest.mark.parametrize(
    "name",
    [
        "mnist-mlp_seed=0",
        "clusters-mlp_seed=0",
        "mnist-mlp_cue=0.9_seed=0",
        "clusters-mlp_num_train=150_seed=0",
        "modular-mlp_seed=0",
    ],
    ids=["clean", "clean and hard", "shortcut", "a tiny training set", "grokking"],
)
def test_other_runs_keep_their_last_epoch(name):
    run = RUNS[name]
    judgements = follow(run.course)
    assert first_alarm(judgements) is None
    assert judgements[-1].kept == len(run.course) - 1
    assert run.accuracy[-1] >= max(run.accuracy) - 0.02


def test_on_text_of_two_classes_it_is_silent():
    run = RUNS["imdb-mlp_noise=0.4_seed=0"]
    assert first_alarm(follow(run.course)) is None
    assert run.accuracy[-1] < max(run.accuracy) - 0.1  # a limit, which the README names


@pytest.mark.parametrize("dropped", [2, 5, 8, 11])
def test_a_missing_epoch_changes_little(dropped):
    run = RUNS["mnist-mlp_noise=0.4_seed=0"]
    whole, course = follow(run.course), [each for each in run.course if each.epoch != dropped]
    judgements = follow(course)
    alarm = first_alarm(judgements)
    assert abs(course[alarm].epoch - first_alarm(whole)) <= 2
    assert run.accuracy[course[judgements[-1].kept].epoch] >= max(run.accuracy) - 0.05


def test_every_second_epoch_is_enough():
    run = RUNS["mnist-mlp_noise=0.4_seed=0"]
    course = run.course[::2]
    judgements = follow(course)
    assert first_alarm(judgements) is not None
    assert run.accuracy[course[judgements[-1].kept].epoch] >= max(run.accuracy) - 0.05


def test_noise_in_the_estimates_changes_little():
    generator = torch.Generator().manual_seed(0)
    for name, run in RUNS.items():
        shaken = [
            Moment(
                {layer: value + 0.01 * torch.randn((), generator=generator).item() for layer, value in rest.items()},
                torch.where(torch.rand(len(each.predicted), generator=generator) < 0.01, 0, each.predicted),
                each.probe,
                each.epoch,
                task="classification",
            )
            for each in run.course
            for rest in [each.smoothness]
        ]
        assert follow(shaken)[-1].is_memorizing == follow(run.course)[-1].is_memorizing, name


def test_a_resumed_run_goes_on_as_if_it_had_not_stopped():
    course = RUNS["digits-resnet_noise=0.4_seed=0"].course
    again = [Moment.from_state(each.to_state()) for each in course[:6]] + course[6:]
    verdicts = [(each.is_memorizing, each.kept, each.consensus_drop) for each in follow(course)[3:]]
    assert [(each.is_memorizing, each.kept, each.consensus_drop) for each in follow(again)[3:]] == verdicts
