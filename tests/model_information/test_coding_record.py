"""What is coded so far, in a file that is whole or not there."""

from __future__ import annotations

import os

import pytest
import torch

from lightning_infomem.model_information.coding_record import CodingRecord


def test_what_was_written_is_read_again_to_the_last_bit(tmp_path):
    nats, weights = [0.1 + 0.2, 1e-300, float("inf")], {"weight": torch.randn(3)}
    CodingRecord(tmp_path / "record", "content").write(nats, weights)
    found = CodingRecord(tmp_path / "record", "content")
    assert found.nats == nats
    assert torch.equal(found.weights["weight"], weights["weight"])
    assert os.listdir(tmp_path) == ["record"]


def test_a_file_that_is_not_there_yet_is_empty(tmp_path):
    record = CodingRecord(tmp_path / "record", "content")
    assert (record.nats, record.weights, os.listdir(tmp_path)) == ([], {}, [])


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path, monkeypatch):
    record = CodingRecord(tmp_path / "record", "content")
    record.write([1.0], {})

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        record.write([1.0, 2.0], {})
    assert os.listdir(tmp_path) == ["record"]
    assert CodingRecord(tmp_path / "record", "content").nats == [1.0]


def test_other_files_are_refused_and_stay_as_they_are(tmp_path):
    path = tmp_path / "record"
    CodingRecord(path, "content").write([1.0], {})
    with pytest.raises(ValueError, match=r"resume: '.*record' belongs to another coding: .* differ; give another path"):
        CodingRecord(path, "another")
    torch.save({"state_dict": {}}, tmp_path / "checkpoint")
    for content in (b"", b"text", path.read_bytes()[:40], (tmp_path / "checkpoint").read_bytes()):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"resume: a file written by an earlier coding .* got '.*record'"):
            CodingRecord(path, "content")
        assert path.read_bytes() == content


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(OSError, match="resume: a file in an existing folder is required"):
        CodingRecord(tmp_path / "nowhere" / "record", "content")
