"""Reports that differ in ``max_units`` are compared on the units that they share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from lightning_infomem import measure, rank_checkpoints
from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.shared_units import on_shared_units
from tests.checkpoints.checkpoint_files import save_checkpoint

INPUTS = torch.randn(120, 5, generator=torch.Generator().manual_seed(0)).split(40)


def network(seed):
    torch.manual_seed(seed)
    # One layer wider than all numbers of units, one between them, one narrower.
    return nn.Sequential(
        nn.Linear(5, 30), nn.ReLU(), nn.Linear(30, 9), nn.ReLU(), nn.Linear(9, 4), nn.ReLU(), nn.Linear(4, 3)
    )


def report_of(number, max_units, **settings):
    return measure(network(number), INPUTS, max_units=max_units, **settings)


def save_zoo(folder, numbers, **settings):
    for seed, number in enumerate(numbers):
        save_checkpoint(folder / f"{seed}.ckpt", report_of(seed, number, **settings), state_dict={})
    return folder


def values(ranking):
    return {
        row.path.name: (row.ranks["mutual_information"], row.mutual_information, row.interval) for row in ranking.rows
    }


@pytest.mark.parametrize("numbers", [(6, 12, 6, 12), (12, 6, 25, 8)])
def test_they_rank_as_if_all_had_measured_the_fewest_units(tmp_path, numbers):
    mixed = rank_checkpoints(save_zoo(tmp_path / "mixed", numbers), memorization="heuristic")
    alike = rank_checkpoints(save_zoo(tmp_path / "alike", [6] * 4), memorization="heuristic")
    assert values(mixed) == values(alike)
    [note] = [note for note in mixed.notes if "max_units" in note]
    assert note.startswith(
        "compared on the units that all of them measured, at most 6 of a layer: they differ in max_units"
    )
    assert "12 in " in note
    assert not [note for note in alike.notes if "max_units" in note]


def test_entropies_in_a_given_range_are_those_of_the_shared_units(tmp_path):
    ranges = {"value_range": (-4.0, 4.0)}
    mixed = rank_checkpoints(save_zoo(tmp_path / "mixed", (12, 6, 12), **ranges), memorization="heuristic")
    alike = rank_checkpoints(save_zoo(tmp_path / "alike", [6] * 3, **ranges), memorization="heuristic")
    assert {row.path.name: (row.entropy, row.entropy_rank) for row in mixed.rows} == {
        row.path.name: (row.entropy, row.entropy_rank) for row in alike.rows
    }
    assert not [note for note in mixed.notes if "bins" in note]


def test_baselines_remain_only_where_units_are_the_same(tmp_path):
    ranking = rank_checkpoints(save_zoo(tmp_path / "wide", (6, 12, 12)), memorization="heuristic")
    alike = rank_checkpoints(save_zoo(tmp_path / "alike", (6, 6, 6)), memorization="heuristic")
    by_name = {row.path.name: row for row in alike.rows}
    for row in ranking.rows:
        # The narrow layer alone has a vote, and its units are the same.
        assert row.ranks["dead_fraction"] == by_name[row.path.name].ranks["dead_fraction"]
        assert "rankme" in row.ranks
    narrow = [report_of(seed, 12) for seed in range(3)]
    expected = sorted(range(3), key=lambda seed: -narrow[seed]["4"].scores["rankme"])
    assert [int(row.path.stem) for row in sorted(ranking.rows, key=lambda row: row.ranks["rankme"])] == expected


def test_a_reference_may_have_measured_more_units_or_fewer(tmp_path):
    folder = save_zoo(tmp_path, (8, 8, 8))
    expected = values(rank_checkpoints(folder, reference=report_of(9, 8)))
    assert values(rank_checkpoints(folder, reference=report_of(9, 20))) == expected
    fewer = rank_checkpoints(folder, reference=report_of(9, 5))
    assert values(fewer) == values(rank_checkpoints(save_zoo(tmp_path / "few", [5] * 3), reference=report_of(9, 5)))


def test_networks_measured_for_the_ranking_are_compared_with_reports_of_more_units(tmp_path):
    save_checkpoint(tmp_path / "carried.ckpt", report_of(0, 20), state_dict={})
    for seed in (1, 2):
        save_checkpoint(tmp_path / f"{seed}.ckpt", None, state_dict=network(seed).state_dict())
    ranking = rank_checkpoints(
        tmp_path, memorization="heuristic", model=network(0), data=INPUTS, max_units=8, cache=tmp_path / "reports"
    )
    alike = save_zoo(tmp_path / "alike", (8, 8, 8))
    expected = sorted(each[1:] for each in values(rank_checkpoints(alike, memorization="heuristic")).values())
    assert sorted(each[1:] for each in values(ranking).values()) == expected


def test_what_else_differs_is_refused_as_ever(tmp_path):
    for name, settings in (("a", {"max_units": 6}), ("b", {"max_units": 12, "bins": 50})):
        save_checkpoint(tmp_path / f"{name}.ckpt", measure(network(0), INPUTS, **settings), state_dict={})
    with pytest.raises(ValueError, match=r"settings\.bins: 100 in '.*a\.ckpt' but 50"):
        rank_checkpoints(tmp_path, memorization="heuristic")


@pytest.mark.parametrize("seed", [1, 5])
def test_units_of_another_seed_are_not_shared(tmp_path, seed):
    save_checkpoint(tmp_path / "a.ckpt", report_of(0, 6), state_dict={})
    save_checkpoint(tmp_path / "b.ckpt", report_of(1, 12, seed=seed), state_dict={})
    with pytest.raises(ValueError, match=r"settings\.seed: 0 in .* but"):
        rank_checkpoints(tmp_path, memorization="heuristic")


def test_a_difference_that_is_allowed_is_compared_as_it_is(tmp_path):
    folder = save_zoo(tmp_path, (6, 12))
    ranking = rank_checkpoints(folder, memorization="heuristic", allow_mismatch=["settings.max_units", "units"])
    assert {row.path.name: row.mutual_information for row in ranking.rows}["1.ckpt"] != pytest.approx(
        {row.path.name: row.mutual_information for row in rank_checkpoints(folder, memorization="heuristic").rows}[
            "1.ckpt"
        ]
    )


def test_without_any_layer_so_wide_nothing_is_left_out_and_nothing_said(tmp_path):
    ranking = rank_checkpoints(save_zoo(tmp_path, (64, 128)), memorization="heuristic")
    assert not [note for note in ranking.notes if "units" in note]
    assert all("rankme" in row.ranks for row in ranking.rows)


def test_a_constant_unit_is_counted_among_the_shared_ones_alone():
    model = network(0)
    with torch.no_grad():
        model[0].weight[:12] = 0.0
        model[0].bias[:12] = 1.0
    few, many = (measure(model, INPUTS, max_units=number) for number in (6, 20))
    candidates = [
        Candidate.from_report(Path(name), report, read_again=lambda report=report: report)
        for name, report in (("few", few), ("many", many))
    ]
    (one, other), _ = on_shared_units(candidates)
    assert few["0"].dead_fraction != many["0"].dead_fraction
    assert one.layers["0"].scores["dead_fraction"] == other.layers["0"].scores["dead_fraction"] > 0
