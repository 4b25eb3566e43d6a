"""What a ranking says against itself: each doubt is raised by its own fault, and by nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.compare_candidates import Comparison
from lightning_infomem.selection.doubts import doubts_of_ranks
from lightning_infomem.selection.rank_candidates import rank_candidates
from lightning_infomem.selection.rank_checkpoints import rank_checkpoints
from lightning_infomem.settings import MeasurementSettings
from tests.checkpoints.checkpoint_files import make_layer, make_report, save_checkpoint

UNIT_RANGE = MeasurementSettings(value_range="unit").to_state()


def _loadings(mean, seed, units=32):
    spread = torch.rand(units, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 0.5
    return mean**0.5 * (1 + 0.05 * spread)


def _layer(information, entropy, *, seed=0, itself=8.0, **fields):
    """A sound layer: 32 units that differ a little, none of them dead, none a copy."""
    loadings = _loadings(information, seed)
    matrix = torch.outer(loadings, loadings).fill_diagonal_(itself)
    return make_layer("fc1", 0.0, entropy, units=32, mutual_information=matrix, **fields)


def _flags(folder, *layers, memorization="heuristic", settings=None):
    for index, layer in enumerate(layers):
        report = make_report({})
        report = dataclasses.replace(report, layers=(layer,), settings=settings or report.settings)
        save_checkpoint(folder / f"{index}.ckpt", report)
    ranking = rank_checkpoints(folder, memorization=memorization)
    return {flag.name: flag.message for flag in ranking.flags}


USUAL = {"scores": {"range_in_deviations": 8.0}}
GOOD, MIDDLE, BAD = _layer(0.1, 3.0, **USUAL), _layer(0.3, 2.8, **USUAL), _layer(0.9, 2.0, **USUAL)


def test_a_sound_zoo_raises_no_doubt(tmp_path):
    assert _flags(tmp_path, GOOD, MIDDLE, BAD) == {}


@pytest.mark.parametrize(
    ("name", "fault", "words"),
    [
        ("dead_units", {"dead_fraction": 0.6}, "over half of the units are constant in '"),
        ("ties", {"tie_fraction": 0.95}, "nine of ten samples share their value"),
        ("dropped_rows", {"num_samples": 80, "num_dropped": 20}, "over a tenth of the rows is not finite"),
        ("outliers", {"scores": {"range_in_deviations": 40.0}}, "5.0 times as wide in '"),
    ],
)
def test_a_fault_of_one_layer_raises_its_own_doubt_and_names_the_file(tmp_path, name, fault, words):
    flags = _flags(tmp_path, GOOD, dataclasses.replace(MIDDLE, **fault), BAD)
    assert list(flags) == [name]
    assert words in flags[name]
    assert "1.ckpt'" in flags[name]


def test_a_layer_of_copies_everywhere_is_recognised(tmp_path):
    copies = [_layer(value, entropy, itself=value) for value, entropy in ((4.0, 2.0), (4.4, 1.9), (4.9, 1.8))]
    assert _flags(tmp_path / "all", *copies) == {
        "copies": "layer 'fc1': its units are nearly copies in every checkpoint"
    }
    assert _flags(tmp_path / "one", GOOD, MIDDLE, copies[0]) == {}  # that is what shortcuts do


def test_a_layer_of_copies_has_no_vote_if_there_are_others(tmp_path):
    for name, telling, copied in (("a", 0.1, 4.9), ("b", 0.3, 4.4), ("c", 0.9, 4.0)):
        layers = (_layer(telling, 3 - telling), dataclasses.replace(_layer(copied, 2.0, itself=copied), name="conv1"))
        save_checkpoint(tmp_path / f"{name}.ckpt", dataclasses.replace(make_report({}), layers=layers))
    ranking = rank_checkpoints(tmp_path, memorization="heuristic")
    assert [row.path.stem for row in ranking.rows] == ["a", "b", "c"]
    assert ranking.layers == ("fc1",)
    assert [flag.message for flag in ranking.flags] == [
        "layer 'conv1': left out: its units are nearly copies in every checkpoint"
    ]


@pytest.mark.parametrize(("memorization", "said"), [("example", ["entropy_direction"]), ("heuristic", [])])
def test_bins_that_can_reverse_the_entropy_rank_are_flagged(tmp_path, memorization, said):
    flags = _flags(tmp_path, GOOD, MIDDLE, BAD, memorization=memorization, settings=UNIT_RANGE)
    assert list(flags) == said


def test_measures_that_disagree_are_flagged(tmp_path):
    assert list(_flags(tmp_path, _layer(0.1, 2.0), _layer(0.3, 2.8), _layer(0.9, 3.0))) == ["disagreement"]


def test_checkpoints_that_share_the_lead_are_flagged(tmp_path):
    assert list(_flags(tmp_path / "two", GOOD, GOOD, BAD)) == ["shared_first_rank"]
    alike = _flags(tmp_path / "all", GOOD, GOOD)
    assert alike["shared_first_rank"] == "all checkpoints have the same measures; are they copies of one?"


def _two_layers(first, second, entropy=3.0):
    return Candidate.from_report(
        Path(f"{first}-{second}"), make_report({"first": first, "second": second}, {"first": entropy, "second": 3.0})
    )


@pytest.mark.parametrize(
    ("candidates", "reference", "message"),
    [
        ([(0.1, 0.9), (0.9, 0.1)], None, "all checkpoints share rank 1, because the layers disagree; .best is only"),
        ([(0.1, 0.3), (0.2, 0.2), (0.3, 0.1)], None, "all checkpoints share rank 1, because the layers disagree; "),
        ([(0.1, 0.3), (0.3, 0.1), (0.9, 0.9)], None, "2 checkpoints share rank 1, because the layers disagree; .best"),
        ([(0.1, 0.1, 1.0), (0.1, 0.1, 2.0)], None, "because they have the same mutual information; .best is only"),
        ([(0.25, 0.75), (0.75, 0.25)], (0.5, 0.5), "because they are equally near to the reference; .best is only"),
        ([(0.2, 0.6), (0.6, 0.2)], (0.5, 0.5), "all checkpoints share rank 1, because the layers disagree; .best"),
        ([(0.1, 0.1), (0.1, 0.1)], None, "all checkpoints have the same measures; are they copies of one?"),
    ],
)
def test_a_shared_first_rank_is_explained_by_its_own_cause(candidates, reference, message):
    found = [_two_layers(*each) for each in candidates]
    direction = {"memorization": "heuristic"} if reference is None else {"reference": _two_layers(*reference)}
    ranking = rank_candidates(found, Comparison(["first", "second"], [], []), **direction)
    flags = {flag.name: flag.message for flag in ranking.flags}
    assert message in flags["shared_first_rank"]


def test_indistinguishable_checkpoints_are_flagged():
    assert [flag.name for flag in doubts_of_ranks("consensus_accuracy", [1, 2, 3], [None] * 3, 3)] == ["indistinct"]
    assert doubts_of_ranks("consensus_accuracy", [1, 2, 3], [None] * 3, 2) == []


def test_an_untrained_network_in_the_upper_half_is_flagged(tmp_path):
    from torch import nn

    from tests.checkpoints.checkpoint_files import save_checkpoint

    def network(copies):
        torch.manual_seed(0)
        made = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
        with torch.no_grad():
            made[2].weight[:copies] = made[2].weight[0]
        return made

    data = torch.randn(128, 4, generator=torch.Generator().manual_seed(1)).split(32)
    for copies in (16, 24, 32):
        save_checkpoint(tmp_path / f"{copies}.ckpt", None, state_dict=network(copies).state_dict())
    given = {"model": network(0), "data": data, "layers": ["2"], "control": True}
    ranking = rank_checkpoints(tmp_path, memorization="heuristic", **given)
    assert (ranking.control.rank, str(ranking.control.path)) == (1, "untrained control")
    assert [flag.message for flag in ranking.flags if flag.name == "untrained_control"] == [
        "the untrained network would take rank 1"
    ]
    assert len(ranking.rows) == 3
    turned = rank_checkpoints(tmp_path, memorization="example", task="none", **given)
    assert turned.control.rank == 4
    assert "untrained_control" not in {flag.name for flag in turned.flags}
