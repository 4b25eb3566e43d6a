"""What a checkpoint says of its training, and how little of what a file may hold gets into it."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from lightning_infomem.checkpoints.reading import read_checkpoint
from lightning_infomem.checkpoints.recipe import MIXED, read_recipe, select_plain
from tests.checkpoints.checkpoint_files import save_checkpoint


def states_of(*optimizers):
    return [optimizer.state_dict() for optimizer in optimizers]


def weights(count=1):
    return [nn.Parameter(torch.zeros(2)) for _ in range(count)]


def test_hyperparameters_of_module_and_data_are_read_from_a_file(tmp_path):
    path = save_checkpoint(
        tmp_path / "a.ckpt",
        None,
        hyper_parameters={"width": 64, "dropout": np.float64(0.25), "model": {"norm": True}, "activation": "relu"},
        datamodule_hyper_parameters={"batch_size": 32},
        hparams_name="kwargs",
    )
    recipe = read_checkpoint(path).recipe
    assert recipe == {
        "width": 64,
        "dropout": 0.25,
        "model/norm": True,
        "activation": "relu",
        "datamodule/batch_size": 32,
    }
    assert {type(value) for value in recipe.values()} == {int, float, bool, str}


def test_the_settings_of_the_optimizer_are_read():
    optimizer = torch.optim.AdamW(weights(), lr=0.01, weight_decay=0.1)
    recipe = read_recipe({"optimizer_states": states_of(optimizer)})
    assert recipe["optimizer/lr"] == 0.01
    assert recipe["optimizer/weight_decay"] == 0.1
    assert recipe["optimizer/betas"] == "0.9, 0.999"
    assert not {"optimizer/params", "optimizer/foreach", "optimizer/fused"} & recipe.keys()


def test_a_learning_rate_is_that_before_its_schedule():
    optimizer = torch.optim.SGD(weights(), lr=0.5, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1)
    optimizer.step()
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.05)
    recipe = read_recipe({"optimizer_states": states_of(optimizer)})
    assert (recipe["optimizer/lr"], recipe["optimizer/momentum"]) == (0.5, 0.9)
    assert "optimizer/initial_lr" not in recipe


def test_settings_that_differ_between_groups_are_mixed_and_a_second_optimizer_has_its_own():
    first, second = weights(2)
    groups = [{"params": [first], "weight_decay": 0.0}, {"params": [second], "weight_decay": 0.1}]
    recipe = read_recipe(
        {"optimizer_states": states_of(torch.optim.SGD(groups, lr=1.0), torch.optim.SGD([first], lr=2.0))}
    )
    assert (recipe["optimizer/lr"], recipe["optimizer/weight_decay"]) == (1.0, MIXED)
    assert (recipe["optimizer_2/lr"], recipe["optimizer_2/weight_decay"]) == (2.0, 0)


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"hyper_parameters": None, "optimizer_states": None},
        {
            "hyper_parameters": [1],
            "datamodule_hyper_parameters": 3,
            "optimizer_states": [None, {}, {"param_groups": [3]}],
        },
        {"optimizer_states": {"param_groups": []}},
        {"optimizer_states": [{"param_groups": []}, {"param_groups": None}]},
    ],
)
def test_a_checkpoint_that_says_nothing_has_an_empty_recipe(extra):
    assert read_recipe(extra) == {}


def test_only_what_can_be_printed_and_compared_is_kept():
    assert select_plain(
        {
            "none": None,
            "infinite": math.inf,
            "unknown": math.nan,
            "sizes": (8, 16.5, "x", None),
            "umlaut": "größer",
            "count": np.int64(3),
            "flag": np.bool_(True),
            "tensor": torch.zeros(3),
            "array": np.zeros(3),
            "object": object(),
            "nested": [[1, 2], [3]],
            "long": list(range(17)),
            "text": "x" * 101,
            "escape": "\x1b[31mred",
            "lines": "a\nb",
            "in a list": ["\x1b"],
            "huge": 10**30,
            "name\n": 1,
            "_instantiator": "lightning.pytorch.cli.instantiate_module",
            3: 4,
        }
    ) == {
        "none": "None",
        "infinite": "inf",
        "unknown": "nan",
        "sizes": "8, 16.5, x, None",
        "umlaut": "größer",
        "count": 3,
        "flag": True,
    }


def test_no_file_makes_a_recipe_large_or_reading_it_slow():
    assert len(select_plain({str(number): number for number in range(10**5)})) == 200
    assert len(read_recipe({name: {str(each): each for each in range(300)} for name in ("hyper_parameters",)})) == 200
    endless: dict = {}
    endless.update({str(number): endless for number in range(1000)})
    assert select_plain(endless) == {}
    crowd = {"optimizer_states": [{"param_groups": [{"lr": 1.0}] * 10**5}] * 10**5}
    assert len(read_recipe(crowd)) == 10
    deep: dict = {"value": 1}
    for _ in range(5):
        deep = {"deeper": deep}
    assert select_plain(deep) == {}
    assert select_plain(deep["deeper"]) == {"deeper/deeper/deeper/deeper/value": 1}
