from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from torch import nn

from lightning_infomem.model_information import (
    InformationCapacity,
    TaskDifficulty,
    TaskRun,
    information_capacity,
    task_difficulty,
)
from tests.model_information.clusters import SETTINGS, clusters, make_model, unrelated

TASKS = {"random": (unrelated(), unrelated(seed=1)), "clean": (clusters(), clusters(seed=1))}
QUICK = {**SETTINGS, "max_epochs": 3, "blocks": (20, 100)}
PUBLISHED = json.loads((Path(__file__).parents[1] / "data" / "published_model_information.json").read_text())
SIZES = ("50", "100", "150", "200")  # names of the published data sets


def published_capacity() -> InformationCapacity:
    table = PUBLISHED["modelinfo_table7_capacity"]
    learned = {
        model: TaskDifficulty(tuple(TaskRun(size, 0, table[size][place]) for size in SIZES))
        for place, model in enumerate(table["cols"])
    }
    return InformationCapacity(learned, dict(zip(table["cols"], table["params"], strict=True)))


def bits_of(**bits: tuple[float, ...]) -> InformationCapacity:
    runs = tuple(TaskRun(task, seed, value) for task, values in bits.items() for seed, value in enumerate(values))
    return InformationCapacity({"one": TaskDifficulty(runs)}, {"one": 20})


def test_the_published_capacities_follow_from_the_published_bits():
    records = published_capacity().to_records()
    assert [record["capacity"] for record in records] == PUBLISHED["modelinfo_table7_capacity"][
        "derived_capacity_max_over_datasets"
    ]
    assert [record["task"] for record in records] == ["200", "200", "100", "150"]
    assert records[0]["bits_per_parameter"] == pytest.approx(10264 / 264657)
    assert records[2]["bits_of_50"] == 7358.2


def test_capacity_is_the_highest_mean_over_seeds_not_the_highest_value():
    result = bits_of(even=(50.0, 50.0, 50.0), uneven=(0.0, 10.0, 90.0))
    assert (result.fullest_task("one"), result.capacity("one")) == ("even", 50.0)
    record = bits_of(low=(1.0, 1.0), high=(2.0, 4.0)).to_records()[0]
    # Half the interval of 2 and 4: Student's t of one degree of freedom, 12.706, times their standard error, 1.
    assert (record["capacity"], record["bits_per_parameter"]) == (3.0, 3 / 20)
    assert record["capacity_spread"] == pytest.approx(12.7062, rel=1e-5)
    assert record["bits_per_parameter_spread"] == pytest.approx(12.7062 / 20, rel=1e-5)
    assert record["seeds"] == "0, 1"


def test_a_task_without_a_number_is_not_the_capacity():
    assert bits_of(broken=(math.nan,), low=(-3.0,)).capacity("one") == -3


def test_models_learn_each_task_as_task_difficulty_has_it_and_parameters_are_counted(tmp_path):
    models = {"hidden": make_model, "linear": lambda: (nn.Linear(20, 4), nn.functional.cross_entropy)}
    result = information_capacity(models, TASKS, seeds=(1,), **QUICK)
    assert result.num_parameters == {"hidden": 20 * 16 + 16 + 16 * 4 + 4, "linear": 84}
    assert result.learned["hidden"] == task_difficulty(make_model, TASKS, seeds=(1,), **QUICK)
    assert [record["task"] for record in result.to_records()] == ["clean", "clean"]
    saved = json.loads(result.save(tmp_path / "capacity.json").read_text())
    assert [run["bits"] for run in saved["runs"]["hidden"]] == [run.bits for run in result.learned["hidden"].runs]
    assert saved["settings"]["max_epochs"] == 3
    assert "bits_of_clean" in result.to_csv()


@pytest.mark.parametrize(
    ("change", "fault", "message"),
    [
        ({"models": {}}, TypeError, "models: a mapping from names to functions .* give {'name': lambda"),
        ({"models": {"linear": nn.Linear(20, 4)}}, TypeError, "models: 'linear': a function that makes a model"),
        ({"tasks": 3}, TypeError, "tasks: a mapping from names to pairs"),
        ({"models": {"narrow": lambda: nn.Linear(20, 2)}}, ValueError, "model 'narrow': task 'random': data: labels"),
        ({"models": {"none": lambda: None}}, TypeError, "model: a LightningModule"),
        ({"seeds": ()}, ValueError, "seeds: one or more different seeds"),
    ],
)
def test_wrong_input_is_refused(change, fault, message):
    given = {"models": {"hidden": make_model}, "tasks": TASKS, "seeds": (0,), **QUICK, **change}
    with pytest.raises(fault, match=message):
        information_capacity(given.pop("models"), given.pop("tasks"), **given)
