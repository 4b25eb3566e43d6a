"""The second stage: checkpoints that were not measured alike, or are epochs of one run, are refused."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import torch

from lightning_infomem import rank_checkpoints
from lightning_infomem.selection.candidates import Candidate, take_fingerprint
from lightning_infomem.selection.compare_candidates import EpochsOfOneRun, check_fingerprints, compare_candidates
from lightning_infomem.settings import MeasurementSettings
from tests.checkpoints.checkpoint_files import make_layer, make_report, make_run, save_checkpoint, save_run


def _candidate(name, information, **fields):
    return Candidate.from_report(Path(name), make_report(information, **fields))


def test_layers_that_all_have_are_compared_and_the_others_named():
    complete, broken = _candidate("a", {"fc1": 0.1, "fc2": 0.2}), _candidate("b", {"fc1": 0.3, "fc2": math.nan})
    comparison = compare_candidates([complete, broken])
    assert comparison.layers == ["fc1"]
    assert comparison.notes == ["layer 'fc2' is left out: no finite measures in 'b'"]
    assert comparison.flags == []


def test_what_a_reference_lacks_is_left_out_too():
    candidates = [_candidate(name, {"fc1": 0.1, "fc2": 0.2}) for name in "ab"]
    reference = _candidate("good", {"fc1": 0.1, "fc2": math.nan})
    assert compare_candidates(candidates, [reference]).layers == ["fc1"]


def test_checkpoints_without_a_common_layer_are_refused():
    with pytest.raises(ValueError, match="a layer with finite measures in all of them is required, got none"):
        compare_candidates(
            [_candidate("a", {"fc1": 0.1, "fc2": math.nan}), _candidate("b", {"fc1": math.nan, "fc2": 0.1})]
        )


def test_reports_of_other_inputs_are_refused_unless_allowed():
    candidates = [_candidate(name, {"fc1": 0.1}, probe=name) for name in "ab"]
    with pytest.raises(ValueError, match="probe: a in 'a' but b in 'b'"):
        compare_candidates(candidates)
    [note] = compare_candidates(candidates, allow_mismatch=["probe"]).notes
    assert note.startswith("compared all the same: they differ in probe")


# Reports that were not measured alike

ALIKE = make_report({"fc1": 0.5, "fc2": 0.25})


def _check(**reports):
    check_fingerprints({name: take_fingerprint(report) for name, report in reports.items()})


def _with_layer(**fields):
    return dataclasses.replace(ALIKE, layers=(make_layer("fc1", 0.5, 1.0, **fields), ALIKE["fc2"]))


def test_reports_of_the_same_measurement_are_comparable_whatever_came_out():
    other = make_report({"fc1": 3.0, "fc2": 2.0}, step=7, epoch=2, seconds=9.0, backend="cpu")
    settings = MeasurementSettings(backend="reference").to_state()
    _check(a=ALIKE, b=other, c=dataclasses.replace(ALIKE, settings=settings))


def test_dropped_rows_do_not_make_another_sample():
    _check(a=ALIKE, b=_with_layer(num_samples=97, num_dropped=3))


def test_a_layer_that_was_skipped_once_does_not_stand_in_the_way():
    _check(a=ALIKE, b=make_report({"fc1": 0.5}, skipped={"fc2": "no finite samples"}))


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (make_report({"fc1": 0.5}), r"layers: \[fc1, fc2\] in 'a' but \[fc1\] in 'b'"),
        (_with_layer(units=4), "width of layer 'fc1': 3 in 'a' but 4 in 'b'"),
        (_with_layer(units=2, width=3), r"units of layer 'fc1': \[0, 1, 2\] in 'a' but \[0, 1\] in 'b'"),
        (_with_layer(num_samples=99), "samples of layer 'fc1': 100 in 'a' but 99 in 'b'"),
        (
            dataclasses.replace(ALIKE, settings=MeasurementSettings(bins=50).to_state()),
            "settings.bins: 100 in 'a' but 50 in 'b'",
        ),
        (
            dataclasses.replace(ALIKE, settings=MeasurementSettings(value_range=(-1, 1)).to_state()),
            r"settings.value_range: network in 'a' but \[-1\.0, 1\.0\] in 'b'",
        ),
        (
            dataclasses.replace(ALIKE, settings={**ALIKE.settings, "new": 1}),
            "settings.new: not given in 'a' but 1 in 'b'",
        ),
    ],
)
def test_what_differs_is_named_with_the_files(other, difference):
    with pytest.raises(ValueError, match=difference):
        _check(a=ALIKE, b=other)


def test_layers_of_other_widths_are_told_by_their_widths_and_not_by_their_units():
    wide, wider = _with_layer(units=100, width=300), _with_layer(units=100, width=512)
    for one, other in ((ALIKE, wide), (wide, wider), (wide, _with_layer(units=90))):
        with pytest.raises(ValueError, match=r"a difference in width of layer '\w+': \d+ in 'a' but \d+ in 'b'\. Keep"):
            _check(a=one, b=other)
    with pytest.raises(ValueError, match="a difference in units of layer"):
        _check(a=wide, b=_with_layer(units=90, width=300))
    fingerprints = {name: take_fingerprint(each) for name, each in (("a", ALIKE), ("b", wide))}
    assert len(check_fingerprints(fingerprints, ["width", "units"])) == 1  # both are fields that can be allowed


def test_many_files_and_long_values_stay_short():
    wide = make_layer("fc1", 0.5, 1.0, units=100)
    shifted = dataclasses.replace(wide, units=torch.arange(1, 101))
    reports = {f"{index}.ckpt": dataclasses.replace(ALIKE, layers=(wide,)) for index in range(9)}
    reports["odd.ckpt"] = dataclasses.replace(ALIKE, layers=(shifted,))
    with pytest.raises(ValueError, match=r"\.\.\. in '0.ckpt', '1.ckpt', '2.ckpt' and 6 more but ") as caught:
        _check(**reports)
    assert len(str(caught.value)) < 500


# Epochs of one run


def _save(path, value, epoch):
    save_checkpoint(path, make_report({"fc1": value}), epoch=epoch, step=10 * epoch)


def _rank(folder, **arguments):
    return rank_checkpoints(folder, memorization="heuristic", **arguments)


def test_epochs_of_one_run_are_no_recipes(tmp_path):
    for epoch in range(3):
        _save(tmp_path / f"epoch={epoch}.ckpt", epoch / 10, epoch)
    with pytest.raises(EpochsOfOneRun, match=r"got 3 epochs or steps of one run in '.*', along which"):
        _rank(tmp_path)
    # A second file of the last epoch, as save_last writes it.
    _save(tmp_path / "last.ckpt", 0.2, 2)
    with pytest.raises(EpochsOfOneRun, match="got 3 epochs"):
        _rank(tmp_path)


def test_a_run_is_known_by_its_id_in_any_folder_and_at_any_time_of_an_epoch(tmp_path):
    reports = [dataclasses.replace(report, epoch=report.epoch // 2) for report in make_run(5)]  # two an epoch
    for place, count in enumerate((3, 4, 5)):
        save_run(tmp_path / f"version_{place}" / "a.ckpt", reports[:count], run_id="one")
    with pytest.raises(EpochsOfOneRun, match="got 3 epochs or steps of one run in"):
        _rank(tmp_path)


def test_runs_of_other_ids_in_one_folder_are_ranked(tmp_path):
    for name, count in (("a", 4), ("b", 5)):
        save_run(tmp_path / f"{name}.ckpt", make_run(count, seed=count / 8), run_id=name)
    assert len(_rank(tmp_path).rows) == 2


def test_names_of_recipes_say_that_they_are_no_epochs_of_one_run(tmp_path):
    for epoch in range(3):
        _save(tmp_path / f"epoch={epoch}.ckpt", epoch / 10, epoch)
    assert _rank(tmp_path, groups=lambda path: path.stem).best.epoch == 0


def test_epochs_of_one_run_are_ranked_where_that_is_asked_for(tmp_path):
    for epoch in range(3):
        _save(tmp_path / "alike" / f"epoch={epoch}.ckpt", epoch / 10, epoch)
    with pytest.raises(EpochsOfOneRun, match=r"Pass along_run=False, or --not-along-run, to rank them anyway\.$"):
        _rank(tmp_path / "alike")
    assert [row.epoch for row in _rank(tmp_path / "alike", along_run=False).rows] == [0, 1, 2]
    for count in (3, 4):
        save_run(tmp_path / "known" / f"{count}.ckpt", make_run(count), run_id="one")
    assert len(_rank(tmp_path / "known", along_run=False).rows) == 2


def test_last_epochs_of_several_runs_are_ranked(tmp_path):
    for seed in range(3):
        _save(tmp_path / f"seed{seed}.ckpt", seed / 10, 9)
    assert len(_rank(tmp_path).rows) == 3
    _save(tmp_path / "stopped-early.ckpt", 0.7, 4)
    assert len(_rank(tmp_path).rows) == 4


def test_checkpoints_of_several_folders_are_ranked(tmp_path):
    for seed in range(3):
        _save(tmp_path / f"version_{seed}" / "a.ckpt", seed / 10, seed)
    assert len(_rank(tmp_path).rows) == 3
