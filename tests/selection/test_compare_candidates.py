"""The second stage: what can be compared, and in which layers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.compare_candidates import compare_candidates
from tests.checkpoints.checkpoint_files import make_report


def _candidate(name, information, **fields):
    return Candidate.from_report(Path(name), make_report(information, **fields))


def test_layers_that_all_have_are_compared_and_the_others_named():
    complete, broken = _candidate("a", {"fc1": 0.1, "fc2": 0.2}), _candidate("b", {"fc1": 0.3, "fc2": math.nan})
    comparison = compare_candidates([complete, broken])
    assert comparison.layers == ["fc1"]
    assert comparison.notes == ["layer 'fc2' is left out of the ranking: no finite measures in 'b'"]
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
