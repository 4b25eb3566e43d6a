import io
from pathlib import Path

import pytest
import torch
from rich.console import Console

from lightning_infomem.demo import sweep
from lightning_infomem.demo.digits import shuffled_digits
from lightning_infomem.demo.training import Recipe
from lightning_infomem.records.flag import Flag
from lightning_infomem.records.ranking_row import RankedCheckpoint
from lightning_infomem.selection.ranking import Ranking

RECIPES = (Recipe(1), Recipe(3, learning_rate=1e-2, optimizer="sgd"), Recipe(3, learning_rate=1e-2, dropout=0.2))


@pytest.fixture(autouse=True, scope="module")
def no_pictures():
    """No figures for loggers, which take longest."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("lightning_infomem.callbacks.run_monitor.log_pictures", lambda *_, **__: 0.0)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def ranked(folder, no_pictures):
    return sweep.rank_sweep(folder, 0, RECIPES)


def test_recipes_are_those_of_the_seed_and_differ_in_everything():
    recipes = sweep.draw_recipes(5)
    assert recipes == sweep.draw_recipes(5)
    assert recipes != sweep.draw_recipes(6)
    assert len(recipes) == 12
    for name in vars(recipes[0]):
        assert len({getattr(each, name) for each in recipes}) > 1, name


def test_drawing_recipes_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    sweep.draw_recipes(0)
    assert torch.equal(torch.get_rng_state(), before)


def test_every_way_leads_with_its_own_criterion(ranked):
    leaders = {choice.way: choice.ranking.criterion for choice in ranked.choices if choice.ranking is not None}
    assert leaders == {
        "mutual information": "mutual_information",
        "consensus": "consensus_accuracy",
        "20 true labels": "consensus_accuracy",
    }


def test_the_checkpoints_say_how_they_were_trained(ranked):
    for path, recipe in zip(ranked.accuracies, RECIPES, strict=True):
        stored = torch.load(path, weights_only=True)["hyper_parameters"]
        assert {name: stored[name] for name in vars(recipe)} == vars(recipe)
    assert {row.path: row.recipe["optimizer"] for row in ranked.ranking.rows} == dict(
        zip(ranked.accuracies, ("adam", "sgd", "adam"), strict=True)
    )


def test_labels_asked_are_the_true_ones_of_those_inputs(ranked):
    by_labels = ranked.choices[2].ranking
    assert by_labels.votes.num_labels == 20
    given = by_labels.votes.labels >= 0
    true_labels = shuffled_digits(0.4, 0).clean.tensors[1]
    assert torch.equal(by_labels.votes.labels[given], true_labels[by_labels.votes.places[given]])


def test_the_baseline_chooses_by_noisy_labels(ranked):
    choice = ranked.choices[-1]
    assert choice.way == "600 noisy labels"
    noisy = {row.path: row.metrics["validation_accuracy"] for row in ranked.ranking.rows}
    assert noisy[choice.path] == max(noisy.values())
    assert noisy[choice.path] < ranked.accuracies[choice.path]  # a third of these labels is wrong


def test_a_second_sweep_in_the_same_folder_gives_the_same(ranked, folder):
    again = sweep.rank_sweep(folder, 0, RECIPES)
    assert again.accuracies == ranked.accuracies
    assert [(each.path, each.tau) for each in again.choices] == [(each.path, each.tau) for each in ranked.choices]
    assert len(list(folder.rglob("*.ckpt"))) == len(list(folder.rglob("events.*"))) == len(RECIPES)


def test_the_table_says_what_is_lost_and_how_sure_it_was():
    paths = [Path(f"network-{number:02}.ckpt") for number in range(3)]
    rows = tuple(
        RankedCheckpoint(
            path, 1, 9, 2.0, 0.1, rank, None, probability_best=0.5, in_best_set=rank == 1, rank_interval=(1, 3)
        )
        for rank, path in enumerate(paths, start=1)
    )
    ranking = Ranking(rows, None, ("fc",), flags=(Flag("dead_units", "two are dead"), Flag("x", "y", is_doubt=False)))
    accuracies = dict(zip(paths, (0.8, 0.9, 0.4), strict=True))
    choices = [sweep.Choice("one", paths[0], 0.33, ranking), sweep.Choice("other", paths[1], 1.0)]
    ranked = sweep.RankedSweep(accuracies, choices, ranking)
    console = Console(file=io.StringIO(), width=80)
    console.print(sweep.table_of_choices(ranked))
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in console.file.getvalue().splitlines()]
    assert [line for line in lines if line] == [
        ["one", "10.0", "+0.33", "0.50", "1, misses it", "dead units"],
        ["other", "0.0", "+1.00", "", "", ""],
        ["random pick, mean", "20.0", "", "", "", ""],
    ]
