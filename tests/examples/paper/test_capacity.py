import json

import pytest

from examples.paper import capacity
from examples.paper.capacity import main, summarize, table
from examples.paper.depths import DEPTHS, LEVELS, by_depth
from examples.paper.measures import PRESETS
from examples.paper.registry import EXPERIMENTS, find_experiment
from examples.paper.study import Sizes, record_path, run
from tests.examples.paper.files import write_mnist

SMALL = Sizes(max_samples=30, max_units=4, epochs=1)


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mnist")
    write_mnist(folder, 240)
    return folder


def make_record(depth, level, seed):
    """Entropy of the depth and the level; mutual information of the depth alone."""
    return {
        "level": level,
        "seed": seed,
        "extrinsic": {"validation_accuracy": 0.9 - level / 2},
        "measures": [
            {
                "preset": preset,
                "values": values,
                "layer": layer,
                "entropy": depth + level + 0.2 * seed if (values, layer) == ("before", "network") else 99,
                "mutual_information": depth / 10,
            }
            for preset in PRESETS
            for values in ("after", "before")
            for layer in ("layers.linear1", "network")
        ],
    }


@pytest.fixture
def rows():
    seeds = {depth: [make_record(depth, level, seed) for level in LEVELS for seed in (0, 1)] for depth in DEPTHS}
    return summarize({"colored-mnist": seeds})


def test_every_network_of_the_study_is_found_by_its_name():
    for depths in by_depth().values():
        for depth, experiment in depths.items():
            found = find_experiment(experiment.name)
            assert found.recipe == experiment.recipe
            assert experiment.levels == LEVELS
            assert (experiment.name in EXPERIMENTS) == (depth == 3)
    assert find_experiment("colored-mnist").levels == (0.0, 0.25, 0.5, 0.75, 1.0)
    with pytest.raises(ValueError, match=r"experiment: one of .* is required, got 'colored-mnist-depth-3'"):
        find_experiment("colored-mnist-depth-3")


@pytest.mark.parametrize(("name", "logits"), [("colored-mnist", 1), ("shuffled-mnist", 10)])
def test_a_network_of_a_depth_has_so_many_hidden_layers_of_256(mnist, name, logits):
    for depth, experiment in by_depth()[name].items():
        data = experiment.make_data(mnist, 0.5, 0)
        state = experiment.make_network(data, 0).state_dict()
        widths = [len(tensor) for key, tensor in state.items() if key.endswith("weight")]
        assert widths == [256] * depth + [logits]


def test_rows_have_mean_and_deviation_of_the_network_over_seeds(rows):
    assert len(rows) == len(DEPTHS) * len(LEVELS) * len(PRESETS)
    row = next(row for row in rows if (row["depth"], row["level"], row["preset"]) == (2, 0.5, "paper"))
    assert row["entropy"] == pytest.approx(2.6)
    assert row["entropy_deviation"] == pytest.approx(0.1 * 2**0.5)
    assert row["mutual_information"] == pytest.approx(0.2)
    assert row["validation_accuracy"] == pytest.approx(0.65)
    assert row["seeds"] == 2
    assert summarize({"colored-mnist": {1: [make_record(1, 0.0, 0)]}})[0]["entropy_deviation"] is None


def test_the_table_sets_differences_of_depths_next_to_those_of_levels(rows):
    entropy, information = table(rows, "paper").split("### ")[1:]
    assert entropy.splitlines()[0] == "Colored MNIST: mean entropy (nats), paper, 2 seed(s)"
    assert "| alpha | depth 1 | depth 2 | depth 3 | depth 4 | between depths |" in entropy
    assert "| 0.5 | 1.600 ± 0.141 | 2.600 ± 0.141 | 3.600 ± 0.141 | 4.600 ± 0.141 | 3.000 |" in entropy
    assert "| between levels | 1.000 | 1.000 | 1.000 | 1.000 | |" in entropy
    assert "| between levels | 0.000 | 0.000 | 0.000 | 0.000 | |" in information


def test_a_network_that_is_not_done_yet_is_a_gap():
    depths = {1: [make_record(1, 0.0, 0), make_record(1, 1.0, 0)], 2: [make_record(2, 0.0, 0)]}
    assert "| 1 | 2.000 | - | 0.000 |" in table(summarize({"colored-mnist": depths}), "default")


def test_the_study_resumes_and_writes_its_table(mnist, tmp_path, capsys):
    # All but one of its networks are there: that one is trained in a process of its own, which knows its name alone.
    for depths in by_depth().values():
        for depth, experiment in depths.items():
            for level in LEVELS:
                if (experiment.name, level) != ("shuffled-mnist-depth-1", 1.0):
                    path = record_path(experiment.name, level, 0, SMALL, tmp_path)
                    path.parent.mkdir(exist_ok=True)
                    path.write_text(json.dumps({**make_record(depth, level, 0), "probe": "x"}))
    sizes = ["--max-samples", "30", "--max-units", "4", "--epochs", "1", "--seeds", "0"]
    command = ["--data-root", str(mnist), "--output", str(tmp_path), *sizes]
    # The networks of a seed were not measured on the same inputs: those that were made up had none.
    assert main(command) == 2
    err = capsys.readouterr().err
    assert err.count("recorded before") == 23
    assert "24 of 24\n" in err
    path = record_path("shuffled-mnist-depth-1", 1.0, 0, SMALL, tmp_path)
    record = json.loads(path.read_text())
    assert record["units"] == {"layers.linear1": 4}
    path.write_text(json.dumps({**record, "probe": "x"}))
    assert main(command) == 0
    assert capsys.readouterr().err.count("recorded before") == 24
    assert len(json.loads((tmp_path / "capacity.json").read_text())) == 24 * len(PRESETS)
    assert "### Shuffled MNIST: mean mutual information (nats), released code" in (tmp_path / "capacity.md").read_text()


def test_a_network_of_another_depth_is_measured_like_all(mnist):
    record = run(find_experiment("colored-mnist-depth-4"), 0.5, 0, SMALL, mnist)
    assert record["experiment"] == "colored-mnist-depth-4"
    assert list(record["units"]) == [f"layers.linear{place}" for place in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [(KeyboardInterrupt(), 130, "Stopped. Finished networks are kept;"), (ValueError("no data"), 2, "no data")],
)
def test_a_fault_or_ctrl_c_is_one_line(tmp_path, capsys, monkeypatch, fault, code, words):
    def stopped(*_):
        raise fault

    write_mnist(tmp_path, 20, part="t10k")
    monkeypatch.setattr(capacity, "run_all", stopped)
    assert main(["--data-root", str(tmp_path), "--output", str(tmp_path)]) == code
    err = capsys.readouterr().err
    assert err.startswith(words)
    assert err.count("\n") == 1
