"""`infomem similarity` and `infomem ablate`, on functions of a module of the user."""

from __future__ import annotations

import json
import sys

import pytest
import torch
from torch import nn

from lightning_infomem.cli.main import main
from lightning_infomem.model_information import domain_similarity, information_ablation

MODULE = """
import torch
from torch import nn

RATE, STEPS = 0.1, []
settings = object()


class Network(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(4, 4), nn.Linear(4, 4))


def wider():
    return nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 4))


ONE = Network()


def always_one():
    return ONE


def held_out(order=(0, 1, 2, 3)):
    labels = torch.arange(4).repeat(15)
    return torch.eye(4)[labels], torch.tensor(order)[labels]


def domains():
    return {"plain": (held_out(),) * 2, "swapped": (held_out((1, 0, 3, 2)),) * 2}


def double(inputs):
    return 2 * inputs[:, :1]


def number():
    return 3


def needs_more(what):
    return what
"""
SHORT = ["--blocks", "20", "100", "--epochs", "2", "--learning-rate", "0.1", "--batch-size", "16"]
SETTINGS = {"blocks": (20.0, 100.0), "max_epochs": 2, "learning_rate": 0.1, "batch_size": 16, "progress": False}


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that lies where the command is called, and is nowhere else."""
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "broken.py").write_text("import no_such_package_of_anyone\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    monkeypatch.setenv("COLUMNS", "100")
    yield lambda: sys.modules["mine"]
    for name in ("mine", "broken"):
        sys.modules.pop(name, None)


@pytest.fixture
def checkpoints(tmp_path, module):
    """Weights of seed 5, and the same after what could be a training of the first layer."""
    torch.manual_seed(5)
    network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    torch.save({"state_dict": network.state_dict()}, tmp_path / "initial.ckpt")
    network[0].weight.data.copy_(5 * torch.eye(4))
    torch.save({"state_dict": {f"model.{name}": value for name, value in network.state_dict().items()}}, "final.ckpt")


SIMILARITY = ["similarity", "--model", "mine:Network", "--data", "mine:domains", "--seeds", "1"]
ABLATE = ["ablate", "final.ckpt", "--model", "mine:Network", "--data", "mine:held_out", "--initial", "initial.ckpt"]


def test_the_similarity_of_domains_is_printed_written_and_drawn(tmp_path, module, capsys):
    files = ["--output", "rows.json", "--figure", "map.png", "--features", "mine:double"]
    assert main([*SIMILARITY, *SHORT, *files]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for words in ("source", "S_uni", "swapped", "seed 1; means", "wrote rows.json\nwrote map.png\n"):
        assert words in out
    mine = module()
    expected = domain_similarity(mine.Network, mine.domains(), features=mine.double, seeds=[1], **SETTINGS)
    assert (tmp_path / "rows.json").read_text() == expected.to_json()
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_an_ablation_is_printed_and_written(tmp_path, module, checkpoints, capsys):
    assert main([*ABLATE, *SHORT, "--output", "rows.csv", "--figure", "bars.svg"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.index("(sum)") < out.index("(whole)") < out.index("wrote rows.csv\nwrote bars.svg\n")
    rows = (tmp_path / "rows.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["component", "0", "1", "(sum)", "(whole)"]
    first, second, _, whole = ([float(row.split(",")[1])] for row in rows[1:])
    assert first == whole != [0.0]  # all that was trained
    assert second == [0.0]
    networks = module().Network(), module().Network()
    for network, name in zip(networks, ("initial", "final"), strict=True):
        state = torch.load(f"{name}.ckpt", weights_only=True)["state_dict"]
        network.load_state_dict({name.removeprefix("model."): value for name, value in state.items()})
    expected = information_ablation(*networks, module().held_out(), seed=0, **SETTINGS)
    assert expected.to_csv() == (tmp_path / "rows.csv").read_text()


def test_without_the_initial_weights_they_are_made_anew_by_the_seed(tmp_path, module, checkpoints):
    rows = []
    for words in ([*ABLATE, "--seed", "5"], [*ABLATE[:-2], "--seed", "5"], [*ABLATE[:-2], "--seed", "6"]):
        assert main([*words, *SHORT, "--output", "rows.md"]) == 0
        rows.append((tmp_path / "rows.md").read_text())
    assert rows[0] == rows[1] != rows[2]


def test_a_function_that_gives_the_same_model_each_time_is_no_trap(tmp_path, module, checkpoints):
    words = [word.replace("mine:Network", "mine:always_one") for word in ABLATE]
    assert main([*words, *SHORT, "--output", "rows.json"]) == 0
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert rows[0]["bits"] == rows[-1]["bits"] != 0


@pytest.mark.parametrize(
    ("patterns", "names"),
    [(["0", "?"], ["0", "1"]), (["a=0", "b=1", "a=1"], ["a", "b"]), (["children"], ["0", "1"])],
)
def test_components_are_patterns_or_named_groups(tmp_path, module, checkpoints, patterns, names):
    assert main([*ABLATE, *SHORT, "--components", *patterns, "--output", "rows.json"]) == 0
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert [row["component"] for row in rows[:-2]] == names
    if patterns[0] == "a=0":
        assert [row["num_parameters"] for row in rows] == [40, 20, 60, 40]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["similarity"], "the following arguments are required: --model, --data; see infomem similarity --help"),
        (["ablate", "a.ckpt", "--model", "mine:Network"], "arguments are required: --data; see infomem ablate --help"),
        ([*SIMILARITY, "--model", "mine"], "--model: a path module:function is required, got 'mine'"),
        ([*SIMILARITY, "--model", ".mine:model"], "--model: a path module:function is required, got '.mine:model'"),
        ([*SIMILARITY, "--data", "..mine:domains"], "--data: a path module:function is required, got '..mine:domains'"),
        ([*SIMILARITY, "--data", "nowhere.at_all:f"], "--data: a module that is installed or can be imported from"),
        (
            [*SIMILARITY, "--data", "mine:domain"],
            "--data: a function of 'mine' is required, got 'domain', which does not exist",
        ),
        ([*SIMILARITY, "--data", "mine:domain"], "nearest: 'domains'"),
        (
            [*SIMILARITY, "--features", "mine:RATE"],
            "--features: a callable is required, got 'mine:RA",
        ),
        ([*SIMILARITY, "--data", "mine:number"], "domains: a mapping from names to pairs (training data"),
        ([*SIMILARITY, "--model", "mine:number"], "model: a LightningModule, a torch module, or a pair"),
        (
            [*SIMILARITY, "--model", "mine:needs_more"],
            "--model: a callable with 0 arguments is required, got 'mine:needs_more' (missing",
        ),
        ([*SIMILARITY, "--seeds", "-1"], "seeds: a whole number >= 0 is required, got -1"),
        ([*SIMILARITY, "--seeds", "1", "1"], "seeds: one or more different seeds are required, got (1, 1)"),
        (
            [*SIMILARITY, "--blocks", "10", "many"],
            "--blocks: the name of a schedule or percentages are required, got '10",
        ),
        ([*SIMILARITY, "--blocks", "orgat"], "schedule: one of 'voita', 'orgad' is required, got 'orgat'"),
        ([*SIMILARITY, "--epochs", "0"], "max_epochs: a whole number >= 1 is required, got 0"),
        (
            [*SIMILARITY, "--output", "a.txt"],
            "a name that ends in .json, .csv, .md is required, got 'a.txt'; rename it",
        ),
        ([*SIMILARITY, "--figure", "a.pdf"], "a name that ends in .png, .svg is required, got 'a.pdf'; rename it"),
        ([*SIMILARITY, "--output", "no/a.md"], "--output: a file in an existing folder is required, got 'no/a.md'"),
        ([*ABLATE, "--figure", "no/a.png"], "--figure: a file in an existing folder is required, got 'no/a.png'"),
        ([*ABLATE, "--model", "mine:wider"], "'final.ckpt': weights that fit the model made by --model are required"),
        ([*ABLATE, "--model", "mine:number"], "a function that returns a module is required, got one that returns int"),
        ([*ABLATE, "--initial", "no.ckpt"], "'no.ckpt': cannot be opened (No such file or directory)"),
        (
            [*ABLATE, "--initial", "empty.ckpt"],
            "'empty.ckpt': a checkpoint with a 'state_dict' is required, got none",
        ),
        (
            [*ABLATE, "--components", "a=0", "1"],
            "--components: NAME=PATTERN is required for all components or for none, got",
        ),
        ([*ABLATE, "--components", "9"], "components: layers: a name or pattern that matches a module is required"),
        ([*ABLATE, "--data", "mine:number"], "data: a pair of tensors (inputs, labels)"),
    ],
)
def test_wrong_use_is_one_line_of_error_before_anything_is_coded(module, checkpoints, capsys, words, message):
    torch.save({"epoch": 3}, "empty.ckpt")
    assert main([*words, *(SHORT if "--blocks" not in words and "--epochs" not in words else [])]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.startswith("infomem: ")
    assert err.count("\n") == 1


def test_an_error_in_the_users_own_module_keeps_its_traceback(module, checkpoints):
    with pytest.raises(ModuleNotFoundError, match="no_such_package_of_anyone"):
        main([*SIMILARITY, "--data", "broken:f", *SHORT])
