"""Files of weights of every kind come in one layout, or say why not; nothing in them is run."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lightning_infomem.checkpoints.reading import find_checkpoints, load_checkpoint, read_checkpoint
from lightning_infomem.checkpoints.weight_files import UnusableCheckpoint
from lightning_infomem.measurement import measure
from lightning_infomem.offline.offline_measurement import OfflineMeasurement
from lightning_infomem.selection.read_candidates import read_candidates

DATA = torch.randn(40, 4, generator=torch.Generator().manual_seed(1)).split(20)


def _network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))


WEIGHTS = _network(1).state_dict()
WAYS = {
    "a.ckpt": lambda path: torch.save({"state_dict": WEIGHTS, "epoch": 2, "global_step": 8}, path),
    "b.ckpt": lambda path: torch.save(WEIGHTS, path),
    "c.pt": lambda path: torch.save(WEIGHTS, path),
    "d.pth": lambda path: torch.save(dict(WEIGHTS), path, _use_new_zipfile_serialization=False),
    "e.bin": lambda path: torch.save(WEIGHTS, path),
    "f.safetensors": lambda path: save_file(WEIGHTS, path),
    "g.pt": lambda path: torch.save({"model_state_dict": WEIGHTS, "epoch": 2, "loss": 0.5}, path),
}


@dataclass
class Mischief:
    """A class that leaves a trace when it is unpickled."""

    folder: str

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.fixture
def files(tmp_path):
    for name, write in WAYS.items():
        write(tmp_path / name)
    return {name: tmp_path / name for name in WAYS}


def test_weights_of_every_format_have_one_key(files):
    for path in files.values():
        found = load_checkpoint(path)["state_dict"]
        assert found.keys() == WEIGHTS.keys()
        assert all(torch.equal(found[name], WEIGHTS[name]) for name in WEIGHTS)


def test_every_format_is_found_and_measured_alike_and_no_file_is_changed(tmp_path, files):
    before = {path: path.read_bytes() for path in files.values()}
    assert find_checkpoints(tmp_path) == sorted(files.values())
    candidates, skipped = read_candidates(find_checkpoints(tmp_path), OfflineMeasurement(_network(), DATA))
    assert not skipped
    expected = measure(_network(1), DATA)["0"].pairs().mean().item()
    assert [each.layers["0"].mutual_information for each in candidates] == [pytest.approx(expected)] * len(files)
    assert {path: path.read_bytes() for path in files.values()} == before


def test_what_a_file_says_of_its_moment_is_read(files):
    record = read_checkpoint(files["a.ckpt"])
    assert (record.epoch, record.step) == (2, 8)
    record = read_checkpoint(files["g.pt"])
    assert (record.epoch, record.step) == (2, None)
    record = read_checkpoint(files["f.safetensors"])
    assert (record.epoch, record.step, record.report) == (None, None, None)


def test_a_layout_of_ones_own_reaches_the_function_that_reads_it(tmp_path):
    torch.save({"nets": {"student": WEIGHTS}, "round": 3}, tmp_path / "a.pt")

    def build(checkpoint):
        network = _network()
        network.load_state_dict(checkpoint["nets"]["student"])
        return network

    report = OfflineMeasurement(build, DATA)(tmp_path / "a.pt")
    assert torch.equal(report["0"].mutual_information, measure(_network(1), DATA)["0"].mutual_information)
    with pytest.raises(UnusableCheckpoint, match="has no 'state_dict'; pass as model= a function"):
        OfflineMeasurement(_network(), DATA)(tmp_path / "a.pt")


def _optimizer(path):
    torch.save(torch.optim.Adam(_network().parameters()).state_dict(), path)


def _half(write):
    def save(path):
        write(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return save


@pytest.mark.parametrize(
    ("name", "write", "reason"),
    [
        ("a.pt", _optimizer, "the state of an optimizer"),
        ("a.pt", lambda path: torch.save([1, 2], path), "a dict is required, the file contains a list"),
        ("a.pt", lambda path: torch.save(torch.zeros(3), path), "a dict is required, the file contains a Tensor"),
        ("a.bin", lambda path: path.write_bytes(b"\0" * 99), "not a torch checkpoint"),
        ("a.pth", _half(WAYS["c.pt"]), "truncated or only half written"),
        ("a.safetensors", _half(WAYS["f.safetensors"]), "not a safetensors file, or damaged or half written"),
        ("a.safetensors", lambda path: path.write_text("epoch"), "not a safetensors file, or damaged"),
    ],
)
def test_a_file_that_holds_no_weights_is_skipped_with_the_reason(tmp_path, name, write, reason):
    write(tmp_path / name)
    measurement = OfflineMeasurement(_network(), DATA)
    candidates, skipped = read_candidates(find_checkpoints(tmp_path), measurement)
    assert not candidates
    assert reason in skipped[str(tmp_path / name)]


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin", ".ckpt"])
def test_code_in_a_file_is_named_and_not_run(tmp_path, suffix):
    trace = tmp_path / "trace"
    path = tmp_path / f"a{suffix}"
    torch.save({"state_dict": WEIGHTS, "extra": Mischief(str(trace))}, path)
    _, skipped = read_candidates([path], OfflineMeasurement(_network(), DATA))
    assert "loading it would run code: it holds" in skipped[str(path)]
    assert not trace.exists()


def test_without_the_package_safetensors_its_name_is_said(tmp_path, monkeypatch):
    WAYS["f.safetensors"](tmp_path / "a.safetensors")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(UnusableCheckpoint, match="pip install safetensors"):
        read_checkpoint(tmp_path / "a.safetensors")
    assert read_checkpoint(_saved(tmp_path / "b.pt")).report is None


def _saved(path):
    torch.save(WEIGHTS, path)
    return path


def test_a_file_that_is_gone_says_so(tmp_path):
    for name in ("a.pt", "a.safetensors"):
        with pytest.raises(UnusableCheckpoint, match=r"cannot be opened \(.*No such file"):
            read_checkpoint(tmp_path / name)


def test_hidden_folders_and_files_are_not_searched(tmp_path):
    path = _saved(tmp_path / "a.pt")
    for hidden in (".infomem/b.pt", ".c.pt"):
        (tmp_path / hidden).parent.mkdir(exist_ok=True)
        _saved(tmp_path / hidden)
    assert find_checkpoints(tmp_path) == [path]
