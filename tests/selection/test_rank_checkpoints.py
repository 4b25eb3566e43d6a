"""Checkpoints of known order, ranked; and everything that makes a ranking impossible."""

from __future__ import annotations

import math
import weakref

import pytest
import torch
from torch import nn

from lightning_infomem.checkpoints import reading
from lightning_infomem.records.report import REPORT_KEY
from lightning_infomem.selection import read_candidates
from lightning_infomem.selection.rank_checkpoints import rank_checkpoints
from lightning_infomem.settings import MeasurementSettings
from tests.checkpoints.checkpoint_files import MONITOR, make_report, save_checkpoint, save_zoo

ZOO = {"low": 0.1, "high": 0.9, "middle": 0.4}


def _names(ranking):
    return [row.path.stem for row in ranking.rows]


def _flags(ranking):
    return {flag.name: flag.message for flag in ranking.flags}


def test_under_heuristic_memorization_low_information_and_high_entropy_lead(tmp_path):
    ranking = rank_checkpoints(save_zoo(tmp_path, ZOO), memorization="heuristic")
    assert _names(ranking) == ["low", "middle", "high"]
    assert [(row.rank, row.entropy_rank) for row in ranking.rows] == [(1, 1), (2, 2), (3, 3)]
    assert ranking.best.path.stem == "low"
    assert (ranking.memorization, ranking.layers, ranking.refusal) == ("heuristic", ("first", "second"), None)
    # Means over the two layers, of which the second is ten times the first.
    assert ranking.best.mutual_information == pytest.approx(0.55, abs=1e-12)
    assert ranking.best.entropy == pytest.approx(3 - 0.55, abs=1e-12)


def test_under_example_memorization_high_information_and_low_entropy_lead(tmp_path):
    ranking = rank_checkpoints(save_zoo(tmp_path, ZOO), memorization="example")
    assert _names(ranking) == ["high", "middle", "low"]
    assert [(row.rank, row.entropy_rank) for row in ranking.rows] == [(1, 1), (2, 2), (3, 3)]


def test_one_wide_layer_does_not_outvote_the_others(tmp_path):
    # In means over layers "b" would be far ahead.
    save_checkpoint(tmp_path / "a.ckpt", make_report({"first": 0.1, "second": 0.1, "wide": 9.0}))
    save_checkpoint(tmp_path / "b.ckpt", make_report({"first": 0.2, "second": 0.2, "wide": 1.0}))
    assert rank_checkpoints(tmp_path, memorization="heuristic").best.path.stem == "a"


def test_equal_checkpoints_tie_and_it_is_said(tmp_path):
    ranking = rank_checkpoints(save_zoo(tmp_path, {"a": 0.1, "b": 0.1, "c": 0.3}), memorization="heuristic")
    assert [row.rank for row in ranking.rows] == [1, 1, 3]
    assert _flags(ranking) == {
        "shared_first_rank": "2 checkpoints share rank 1; .best is only the first of them by name"
    }


def test_two_equal_checkpoints_are_ranked_without_a_warning(tmp_path):
    ranking = rank_checkpoints(save_zoo(tmp_path, {"a": 0.1, "b": 0.1}), memorization="example")
    assert [row.rank for row in ranking.rows] == [1, 1]


def test_disagreement_of_the_measures_is_flagged_and_information_leads(tmp_path):
    for name, information, entropy in (("a", 0.1, 1.0), ("b", 0.2, 2.0), ("c", 0.3, 3.0)):
        save_checkpoint(tmp_path / f"{name}.ckpt", make_report({"fc1": information}, {"fc1": entropy}))
    ranking = rank_checkpoints(tmp_path, memorization="heuristic")
    assert _names(ranking) == ["a", "b", "c"]
    assert [row.entropy_rank for row in ranking.rows] == [3, 2, 1]
    assert list(_flags(ranking)) == ["disagreement"]
    assert "entropy and mutual information disagree (tau-b -1.00)" in _flags(ranking)["disagreement"]


def test_without_a_kind_the_values_are_shown_and_no_rank_is_given(tmp_path):
    for epoch, value in ((10, 0.1), (2, 0.9), (0, 0.4)):
        save_checkpoint(tmp_path / f"epoch={epoch}.ckpt", make_report({"fc1": value}), epoch=epoch)
    ranking = rank_checkpoints(tmp_path, groups=lambda path: path.stem)
    assert [(row.epoch, row.rank, row.entropy_rank) for row in ranking.rows] == [(e, None, None) for e in (0, 2, 10)]
    assert ranking.memorization is None
    with pytest.raises(ValueError, match="the kind of memorization is not known"):
        ranking.best  # noqa: B018


@pytest.mark.parametrize(("value", "kind", "best"), [(0.05, "heuristic", "low"), (2.0, "example", "high")])
def test_a_reference_that_generalises_gives_kind_and_direction(tmp_path, value, kind, best):
    report = make_report({"first": value, "second": 10 * value})
    path = save_checkpoint(tmp_path / "reference" / "good.ckpt", report)
    for reference in (path, str(path), report):
        ranking = rank_checkpoints(save_zoo(tmp_path / "zoo", ZOO), reference=reference)
        assert (ranking.memorization, ranking.best.path.stem) == (kind, best)
        assert any(f"the reference indicates {kind} memorization" in note for note in ranking.notes)


def test_the_reference_may_be_one_of_the_checkpoints(tmp_path):
    folder = save_zoo(tmp_path, ZOO)
    ranking = rank_checkpoints(folder, reference=folder / "low.ckpt")
    assert (ranking.memorization, _names(ranking)) == ("heuristic", ["low", "middle", "high"])


def test_a_reference_in_the_middle_tells_no_kind_but_an_order(tmp_path):
    folder = save_zoo(tmp_path, ZOO)
    ranking = rank_checkpoints(folder, reference=folder / "middle.ckpt")
    assert ranking.memorization is None
    assert "less than two thirds agree (1 of 3 checkpoints have more" in ranking.evidence
    assert (ranking.order, ranking.refusal, _names(ranking)) == ("nearest", None, ["middle", "low", "high"])


def test_an_unusable_reference_is_refused(tmp_path):
    folder = save_zoo(tmp_path / "zoo", ZOO)
    (tmp_path / "text.ckpt").write_text("no checkpoint")
    with pytest.raises(ValueError, match=r"reference: a usable checkpoint .* got '.*text\.ckpt': not a torch"):
        rank_checkpoints(folder, reference=tmp_path / "text.ckpt")
    with pytest.raises(ValueError, match=r"reference: .* got the report: no layer has a finite"):
        rank_checkpoints(folder, reference=make_report({"first": math.nan, "second": math.nan}))
    with pytest.raises(ValueError, match=r"a difference in layers: \[first, second\] in .* but \[fc1\] in 'reference'"):
        rank_checkpoints(folder, reference=make_report({"fc1": 0.1}))
    with pytest.raises(TypeError, match="reference: a checkpoint's path or an InformationReport"):
        rank_checkpoints(folder, reference=3)


def test_unusable_files_are_named_and_the_rest_is_ranked(tmp_path):
    folder = save_zoo(tmp_path, ZOO)
    whole = (folder / "low.ckpt").read_bytes()
    (folder / "half.ckpt").write_bytes(whole[: len(whole) // 2])
    (folder / "last.ckpt").symlink_to("low.ckpt")
    save_checkpoint(folder / "bare.ckpt", None)
    save_checkpoint(folder / "diverged.ckpt", make_report({"first": math.nan, "second": math.nan}))
    ranking = rank_checkpoints(folder, memorization="heuristic")
    assert _names(ranking) == ["low", "middle", "high"]
    reasons = {path.split("/")[-1]: reason for path, reason in ranking.skipped.items()}
    assert sorted(reasons) == ["bare.ckpt", "diverged.ckpt", "half.ckpt"]
    assert "truncated" in reasons["half.ckpt"]
    assert "carries no report; train with MemorizationMonitor" in reasons["bare.ckpt"]
    assert "has its training diverged?" in reasons["diverged.ckpt"]


def test_a_report_of_another_version_is_skipped_by_name(tmp_path):
    folder = save_zoo(tmp_path, ZOO)
    state = {**make_report({"first": 0.1, "second": 1.0}).to_state(), "state_version": 4}
    save_checkpoint(folder / "old.ckpt", None, callbacks={MONITOR: {REPORT_KEY: state}})
    ranking = rank_checkpoints(folder, memorization="heuristic")
    assert _names(ranking) == ["low", "middle", "high"]
    [(path, reason)] = ranking.skipped.items()
    assert path.endswith("old.ckpt")
    assert "a state of version 7 is required, got version 4" in reason


def test_a_layer_without_values_somewhere_is_left_out_for_all(tmp_path):
    folder = save_zoo(tmp_path, ZOO)
    save_checkpoint(folder / "nan.ckpt", make_report({"first": 0.2, "second": math.nan}))
    # Skipped by the measurement itself, because no row was finite.
    save_checkpoint(folder / "skipped.ckpt", make_report({"first": 0.3}, skipped={"second": "too few samples"}))
    ranking = rank_checkpoints(folder, memorization="heuristic")
    assert _names(ranking) == ["low", "nan", "skipped", "middle", "high"]
    assert ranking.layers == ("first",)
    [note] = [note for note in ranking.notes if "left out" in note]
    assert note.startswith("layer 'second' is left out")
    assert "nan.ckpt" in note
    assert "skipped.ckpt" in note


def test_no_common_layer_with_values_is_an_error(tmp_path):
    save_checkpoint(tmp_path / "a.ckpt", make_report({"first": 0.2, "second": math.nan}))
    save_checkpoint(tmp_path / "b.ckpt", make_report({"first": math.nan, "second": 0.2}))
    with pytest.raises(ValueError, match="a layer with finite measures in all of them is required"):
        rank_checkpoints(tmp_path, memorization="heuristic")


def test_reports_of_other_settings_are_not_mixed_in(tmp_path):
    folder = save_zoo(tmp_path, ZOO)
    other = make_report({"first": 0.1, "second": 1.0}, settings=MeasurementSettings(neighbors=5).to_state())
    save_checkpoint(folder / "other.ckpt", other)
    with pytest.raises(ValueError, match=r"settings.neighbors: 3 in .* but 5 in '.*other\.ckpt'"):
        rank_checkpoints(folder, memorization="heuristic")


def test_one_checkpoint_is_no_ranking(tmp_path):
    save_zoo(tmp_path, {"only": 0.1})
    save_checkpoint(tmp_path / "bare.ckpt", None)
    with pytest.raises(
        ValueError, match=r"at least two usable ones are required, got 1 of 2 \('.*bare\.ckpt': carries no"
    ):
        rank_checkpoints(tmp_path, memorization="heuristic")


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"memorization": "heuristik"}, ValueError, "did you mean 'heuristic'"),
        ({"memorization": "example", "reference": "a.ckpt"}, ValueError, "reference: not together with memorization"),
        ({"memorisation": "example"}, TypeError, "memorisation: .* nearest: memorization"),
        ({"along_run": True}, ValueError, "along_run: False or None is required, got True; .* call judge_run"),
        ({"along_run": "no"}, TypeError, "along_run: False or None is required, got str"),
        ({"allow_mismatch": "recipes"}, TypeError, "allow_mismatch: a list of fields is required, got 'recipes'"),
        ({"bins": 50}, ValueError, "bins: only with model and data"),
        ({"layers": ["fc1"]}, ValueError, "layers: only with model and data"),
        ({"model": nn.Linear(2, 2)}, ValueError, "data: required together with model"),
        ({"data": []}, ValueError, "model: required together with data"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path, arguments, kind, message):
    with pytest.raises(kind, match=message):
        rank_checkpoints(save_zoo(tmp_path, ZOO), **arguments)


DATA = torch.randn(64, 4, generator=torch.Generator().manual_seed(1)).split(16)


def test_one_batch_is_no_data(tmp_path):
    with pytest.raises(TypeError, match=r"^data: batches, such as .* which is one batch; pass data\.split\(64\)"):
        rank_checkpoints(save_zoo(tmp_path, ZOO), model=nn.Linear(4, 2), data=torch.randn(64, 4))


def _copies(share):
    """A network of which a share of the second layer's units are copies of one another: as shortcuts make them."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    with torch.no_grad():
        network[2].weight[: int(8 * share)] = network[2].weight[0]
    return network


def test_checkpoints_without_reports_are_measured_and_ranked(tmp_path):
    for name, share in (("none", 0.0), ("some", 0.5), ("all", 1.0)):
        save_checkpoint(tmp_path / f"{name}.ckpt", None, state_dict=_copies(share).state_dict())
    save_checkpoint(tmp_path / "other.ckpt", None, state_dict=nn.Linear(4, 2).state_dict())
    ranking = rank_checkpoints(tmp_path, memorization="heuristic", model=_copies(0), data=DATA, layers=["2"])
    assert _names(ranking) == ["none", "some", "all"]
    [(path, reason)] = ranking.skipped.items()
    assert path.endswith("other.ckpt")
    assert "do not fit the model given" in reason
    assert (ranking.best.epoch, ranking.best.step) == (9, 90)


def test_measured_and_carried_reports_must_be_alike(tmp_path):
    save_zoo(tmp_path, ZOO)
    save_checkpoint(tmp_path / "bare.ckpt", None, state_dict=_copies(0).state_dict())
    with pytest.raises(ValueError, match=r"layers: \[0, 2\] in '.*bare\.ckpt' but \[first, second\] in"):
        rank_checkpoints(tmp_path, memorization="heuristic", model=_copies(0), data=DATA)


def test_a_model_that_was_not_needed_is_said(tmp_path):
    ranking = rank_checkpoints(save_zoo(tmp_path, ZOO), memorization="heuristic", model=_copies(0), data=DATA, bins=5)
    assert any("every checkpoint carried its report; model, data" in note for note in ranking.notes)


def test_notes_of_many_files_are_one_note(tmp_path):
    for index in range(5):
        save_checkpoint(tmp_path / f"{index}.ckpt", make_report({"fc1": index / 10}, step=60))
    ranking = rank_checkpoints(tmp_path, memorization="heuristic")
    [note] = [note for note in ranking.notes if "another step" in note]
    assert "and 2 more: the report was measured" in note


def test_reports_of_large_layers_are_let_go(tmp_path, monkeypatch):
    seen = []

    def read(path):
        record = reading.read_checkpoint(path)
        assert all(report() is None for report in seen)  # those read before
        seen.append(weakref.ref(record.report))
        return record

    monkeypatch.setattr(read_candidates, "read_checkpoint", read)
    rank_checkpoints(save_zoo(tmp_path, ZOO), memorization="heuristic")
    assert len(seen) == 3


def test_norms_of_weights_are_added_on_request(tmp_path):
    for name, scale in (("small", 1.0), ("large", 3.0)):
        weights = {key: scale * value for key, value in _copies(0).state_dict().items()}
        save_checkpoint(tmp_path / f"{name}.ckpt", None, state_dict=weights)
    given = {"memorization": "heuristic", "model": _copies(0), "data": DATA}
    ranking = rank_checkpoints(tmp_path, weight_norms=True, **given)
    by_name = {row.path.stem: row for row in ranking.rows}
    network = _copies(0)
    spectral = sum(torch.linalg.matrix_norm(network[at].weight, ord=2).item() ** 2 for at in (0, 2, 4))
    assert by_name["small"].scores["spectral_norm_sum"] == pytest.approx(spectral, rel=1e-5)
    assert by_name["large"].scores["spectral_norm_sum"] == pytest.approx(9 * spectral, rel=1e-5)
    for norm in ("spectral_norm_sum", "frobenius_norm_log_product", "path_norm"):
        assert (by_name["small"].ranks[norm], by_name["large"].ranks[norm]) == (1, 2)
    assert "path_norm" in rank_checkpoints(tmp_path, **given).missing


def test_groups_are_ranked_by_their_seeds(tmp_path):
    for recipe, mean in (("a", 0.1), ("b", 0.4)):
        for seed, shift in enumerate((-0.02, 0.0, 0.02)):
            save_checkpoint(tmp_path / f"{recipe}{seed}.ckpt", make_report({"fc1": mean + shift}))
    ranking = rank_checkpoints(tmp_path, memorization="heuristic", groups=lambda path: path.stem[0])
    assert [(group.name, len(group.paths), group.rank) for group in ranking.groups] == [("a", 3, 1), ("b", 3, 2)]
    [low, high] = ranking.groups[0].interval
    assert 0.05 < low < 0.1 < high < 0.15
    assert {row.group for row in ranking.rows} == {"a", "b"}
    with pytest.raises(ValueError, match="groups: a group for every checkpoint is required, got none for"):
        rank_checkpoints(tmp_path, memorization="heuristic", groups={"a0.ckpt": "a"})
    with pytest.raises(ValueError, match="groups: at least two are required, got only 'same'"):
        rank_checkpoints(tmp_path, memorization="heuristic", groups=lambda path: "same")


def test_a_reference_ranks_by_nearness_on_either_side(tmp_path):
    for name, value in (("far-above", 3.0), ("above", 1.3), ("near", 1.1), ("below", 0.8), ("far-below", 0.1)):
        save_checkpoint(tmp_path / f"{name}.ckpt", make_report({"fc1": value}))
    ranking = rank_checkpoints(tmp_path, reference=make_report({"fc1": 1.0}))
    assert ranking.memorization == "mixed"
    assert _names(ranking) == ["near", "below", "above", "far-below", "far-above"]
    kinds = {row.path.stem: row.kind for row in ranking.rows}
    assert kinds == {
        **dict.fromkeys(("far-above", "above", "near"), "heuristic"),
        "below": "example",
        "far-below": "example",
    }


def test_a_mismatch_can_be_allowed_by_name_and_is_said(tmp_path):
    folder = save_zoo(tmp_path, ZOO)
    other = make_report({"first": 0.1, "second": 1.0}, settings=MeasurementSettings(neighbors=5).to_state())
    save_checkpoint(folder / "other.ckpt", other)
    ranking = rank_checkpoints(folder, memorization="heuristic", allow_mismatch=["settings.neighbors"])
    assert len(ranking.rows) == 4
    assert any("compared all the same: they differ in settings.neighbors" in note for note in ranking.notes)
    with pytest.raises(ValueError, match=r"allow_mismatch: fields .* got 'neighbours'; nearest: settings.neighbors"):
        rank_checkpoints(folder, memorization="heuristic", allow_mismatch=["neighbours"])


def test_reports_of_other_inputs_are_not_mixed_in(tmp_path):
    for name, probe in (("a", "1234"), ("b", "1234"), ("c", "5678"), ("d", None)):
        save_checkpoint(tmp_path / f"{name}.ckpt", make_report({"fc1": 0.1}, probe=probe))
    with pytest.raises(ValueError, match=r"probe: 1234 in '.*a\.ckpt', '.*b\.ckpt' but 5678 in '.*c\.ckpt'"):
        rank_checkpoints(tmp_path, memorization="heuristic")
    (tmp_path / "c.ckpt").unlink()
    assert len(rank_checkpoints(tmp_path, memorization="heuristic").rows) == 3


def test_the_ranking_is_compared_with_any_column(tmp_path):
    ranking = rank_checkpoints(save_zoo(tmp_path, ZOO), memorization="heuristic")
    by_name = ranking.correlate({"low.ckpt": 0.9, "middle.ckpt": 0.8, "high.ckpt": 0.1})
    assert by_name.tau == pytest.approx(1)
    by_path = ranking.correlate({row.path: -row.rank for row in ranking.rows}, criterion="entropy")
    assert (by_path.tau, by_path.num_compared) == (pytest.approx(1), 3)
    assert ranking.correlate("mutual_information").tau == pytest.approx(-1)
    with pytest.raises(ValueError, match=r"metric: a value for each checkpoint, .* got 'gone.ckpt'"):
        ranking.correlate({"gone.ckpt": 0.5})
    with pytest.raises(ValueError, match="metric: a metric or criterion of rows is required, got 'mutual_inf'"):
        ranking.correlate("mutual_inf")
    with pytest.raises(ValueError, match=r"criterion: one of .* is required, got 'rankme'"):
        ranking.correlate("entropy", criterion="rankme")
