import json
from itertools import pairwise

import pytest
import torch

from examples.paper import dynamics
from examples.paper.classifier import accuracy
from examples.paper.dynamics import draw_dynamics, main, measured_steps, record_run
from examples.paper.registry import find_experiment
from examples.paper.study import train
from tests.examples.paper.files import write_mnist

EPOCHS = 2
BATCHES = 2 * EPOCHS  # of 512, from 1,000 images to train on


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mnist")
    write_mnist(folder, 1200)
    return folder


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(dynamics, "MAX_SAMPLES", 30)
    monkeypatch.setattr(dynamics, "MAX_UNITS", 4)


def a_run(name, level):
    ways = {"entropy": [2.0, 2.1 + level, 2.2], "mutual_information": [0.1, 0.2 + level, 0.3]}
    shifted = {measure: [value + 0.01 for value in values] for measure, values in ways.items()}
    return {
        "experiment": name,
        "level": level,
        "steps": [1, 10, 100],
        "validation_accuracy": [0.1, 0.8, 0.7 - level / 2],
        "train_accuracy": [0.1, 0.8, 1.0],
        "measures": {"released_code": ways, "default": shifted},
    }


@pytest.mark.parametrize("last", [1, 2, 40, 14_700])
def test_steps_are_dense_at_the_start_and_end_with_the_last(last):
    steps = measured_steps(last)
    assert steps[0] == 1
    assert steps[-1] == last
    gaps = [after - before for before, after in pairwise(steps)]
    assert all(gap > 0 for gap in gaps)
    assert last == 1 or gaps[0] == 1
    assert len(steps) < 35


def test_a_run_is_measured_and_judged_at_every_chosen_step(mnist):
    run = record_run("shuffled-mnist", 0.5, mnist, EPOCHS)
    assert run["steps"] == measured_steps(BATCHES)
    lists = [run["validation_accuracy"], run["train_accuracy"]]
    for preset in ("released_code", "default"):
        lists += run["measures"][preset].values()
    assert [len(each) for each in lists] == [len(run["steps"])] * 6
    information = {preset: values["mutual_information"] for preset, values in run["measures"].items()}
    # The released code counts pairs of a unit with itself, too.
    assert all(more > less for more, less in zip(information["released_code"], information["default"], strict=True))


def test_who_is_watched_learns_what_the_main_study_has_it_learn(mnist):
    experiment = find_experiment("colored-mnist")
    data = experiment.make_data(mnist, 1.0, dynamics.SEED)
    network = train(experiment, data, dynamics.SEED, EPOCHS)
    run = record_run("colored-mnist", 1.0, mnist, EPOCHS)
    assert run["validation_accuracy"][-1] == pytest.approx(accuracy(network, data.val_dataloader()), abs=1e-5)
    assert run["train_accuracy"][-1] == pytest.approx(accuracy(network, data.train_dataloader()), abs=1e-5)


def test_the_smallest_numbers_are_what_they_are_afterwards(tmp_path, monkeypatch):
    smallest = torch.tensor(1e-40)

    def refused(*_):
        assert (smallest * 1).item() == 0
        raise ValueError("no data")

    monkeypatch.setattr(dynamics, "_recorded", refused)
    assert dynamics.main(["--data-root", str(tmp_path), "--output", str(tmp_path)]) == 2
    assert (smallest * 1).item() > 0


def test_what_is_recorded_is_not_done_again(mnist, tmp_path, monkeypatch, capsys):
    done = []

    def record(name, level, data_root, epochs):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append((name, level))
        return {**a_run(name, level), **dynamics._identity(name, level, epochs)}

    monkeypatch.setattr(dynamics, "record_run", record)
    command = ["--data-root", str(mnist), "--output", str(tmp_path / "new"), "--epochs", "2"]
    assert main(command) == 130
    assert capsys.readouterr().err.count("\n") == 1
    first, done[:] = list(done), []
    assert len(json.loads((tmp_path / "new" / "dynamics.json").read_text())) == 2
    assert main(command) == 0
    assert (*first, *done) == dynamics.RUNS
    assert (tmp_path / "new" / "dynamics.png").stat().st_size > 10_000


def test_runs_by_other_settings_are_not_mixed(tmp_path, capsys):
    kept = [{**a_run(*which), **dynamics._identity(*which, 7)} for which in dynamics.RUNS]
    (tmp_path / "dynamics.json").write_text(json.dumps(kept))
    assert main(["--data-root", str(tmp_path), "--output", str(tmp_path), "--epochs", "2"]) == 2
    assert "has epochs 7, not 2; use another folder" in capsys.readouterr().err


def test_missing_data_are_one_line(tmp_path, capsys):
    assert main(["--data-root", str(tmp_path), "--output", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("data_root: a folder with the IDX files of MNIST is required")


def test_the_figure_has_a_row_a_measure_and_a_column_an_experiment():
    figure = draw_dynamics([a_run(*which) for which in dynamics.RUNS])
    assert len(figure.axes) == 6
    assert [axes.get_title() for axes in figure.axes[:2]] == ["Colored MNIST", "Shuffled MNIST"]
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == [
        "entropy (nats)",
        "mutual\ninformation (nats)",
        "accuracy",
    ]
    assert all(axes.get_xscale() == "log" for axes in figure.axes)
    released, default = figure.axes[0].lines[2:]
    assert list(released.get_xdata()) == [1, 10, 100]
    assert list(released.get_ydata()) == [2.0, 3.1, 2.2]
    assert list(default.get_ydata()) == pytest.approx([2.01, 3.11, 2.21])
    assert released.get_color() == default.get_color() != figure.axes[0].lines[0].get_color()
    assert [line.get_ydata()[-1] for line in figure.axes[4].lines] == pytest.approx([0.7, 1.0, 0.2, 1.0])
    assert [text.get_text() for text in figure.axes[1].get_legend().get_texts()] == ["beta = 0", "beta = 0.5"]
