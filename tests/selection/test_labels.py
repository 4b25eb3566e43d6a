"""Labels of some inputs, as a mapping, a sequence, a tensor or a file that someone filled in."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from lightning_infomem.selection.labels import read_labels
from tests.selection.voters import make_votes

HEAD = "place,input,answer,label\n"


def _apply(labels, votes=None):
    return read_labels(labels).apply(make_votes()[0] if votes is None else votes, "")


@pytest.mark.parametrize(
    "labels",
    [
        {3: 2, 5: 1},
        [None, None, None, 2, -1, 1],
        torch.tensor([-1, -1, -1, 2, -1, 1]),
        np.array([-1, -1, -1, 2, -1, 1]),
        {3: torch.tensor(2), 5: 1},
    ],
)
def test_every_form_says_the_same(labels):
    votes, notes = _apply(labels)
    assert (votes.num_labels, votes.labels[3].item(), votes.labels[5].item(), notes) == (2, 2, 1, [])


def test_a_file_that_is_half_filled_in_counts_as_far_as_it_goes(tmp_path):
    file = tmp_path / "ask.csv"
    file.write_text(f"\ufeff{HEAD}3,0000000000000003,0,2\n4,0000000000000004,0,\n5,0000000000000005,1, 1 \n", "utf-8")
    votes, _ = _apply(file)
    assert (votes.num_labels, votes.labels[3].item(), votes.labels[5].item()) == (2, 2, 1)


def test_marks_below_zero_are_read_as_they_are_written(tmp_path):
    votes = dataclasses.replace(make_votes()[0], inputs=torch.arange(600) - 600)
    file = tmp_path / "ask.csv"
    file.write_text(f"{HEAD}0,{2**64 - 600:016x},0,1\n")
    assert _apply(file, votes)[0].labels[0] == 1


def test_labels_of_other_inputs_are_left_out_and_it_is_said():
    votes, notes = _apply({3: 2, 10**6: 1})
    assert votes.num_labels == 1
    assert notes == ["1 of 2 labels are of inputs that were not sampled, and are left out"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({0: 4}, "labels: classes from 0 to 3, .* got 4 in the mapping"),
        ([-2], "labels: classes from 0 to 3, .* got -2 in the sequence"),
        ({10**6: 1}, "labels of inputs that were sampled are required, got 1 in the mapping, none of them"),
        ([], "labels of inputs that were sampled are required, got 0"),
    ],
)
def test_wrong_labels_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        _apply(labels)


@pytest.mark.parametrize("labels", [3, {0: 1.5}, {"a": 1}, [True], torch.zeros(2, 2), np.zeros((2, 1), int), {0: "1"}])
def test_what_are_no_labels_is_refused(labels):
    with pytest.raises(TypeError, match=r"^labels: "):
        read_labels(labels)


def test_without_votes_or_places_labels_are_refused():
    with pytest.raises(ValueError, match=r"labels: predicted classes of the same inputs .* but there are no such"):
        read_labels({0: 1}).apply(None, "there are no such")
    with pytest.raises(ValueError, match="labels: the place of each input in the data is not known here"):
        _apply({0: 1}, dataclasses.replace(make_votes()[0], places=None))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD, r"at least one filled in label is required, got none in '.*ask\.csv'; write the classes"),
        (f"{HEAD}3,0000000000000003,0,\n", "at least one filled in label is required, got none"),
        (f"{HEAD}3,0000000000000003,0,1\n3,0000000000000003,0,2\n", "got 1 and 2 for input 0000000000000003 in line 3"),
        (f"{HEAD}3,0000000000000003,0,cat\n", "the number of a class, from 0, is required, got 'cat' in line 2"),
        (f"{HEAD}3,0000000000000003,0,-1\n", "the number of a class, from 0, is required, got '-1'"),
        (f"{HEAD}3,xyz,0,1\n", "16 hexadecimal digits, is required, got 'xyz' in line 2"),
        (f"{HEAD}3,{'f' * 17},0,1\n", "16 hexadecimal digits"),
        ("input,class\n1,2\n", "without 'label'"),
        ("", "without 'input'"),
        ("\x00\xff", "labels: "),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, text, message):
    file = tmp_path / "ask.csv"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=message):
        read_labels(file)


def test_a_file_that_is_missing_or_huge_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"labels: a file that Ranking.ask has written is required, got '.*gone.csv'"):
        read_labels(str(tmp_path / "gone.csv"))
    huge = tmp_path / "huge.csv"
    with huge.open("wb") as file:
        file.truncate(2**26 + 1)
    with pytest.raises(ValueError, match="labels: a file of at most 64 MiB is required"):
        read_labels(huge)
