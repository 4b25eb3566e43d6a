"""Reports that were measured are kept by content: found again when nothing changed, and only then."""

from __future__ import annotations

import errno
import os
import threading
from functools import partial

import pytest
import torch
from torch import nn

from lightning_infomem.checkpoints.reading import find_checkpoints
from lightning_infomem.measurement import measure
from lightning_infomem.offline import offline_measurement
from lightning_infomem.offline.cache import ReportCache
from lightning_infomem.offline.offline_measurement import OfflineMeasurement
from lightning_infomem.records.report import REPORT_KEY
from lightning_infomem.selection.read_candidates import read_candidates
from tests.checkpoints.checkpoint_files import make_report, save_checkpoint

DATA = torch.randn(40, 4, generator=torch.Generator().manual_seed(1)).split(20)


class Network(nn.Sequential):
    def __init__(self, seed=0, slope=1.0):
        torch.manual_seed(seed)
        super().__init__(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
        self.slope = slope


class Reordered(Network):
    def forward(self, inputs):
        return super().forward(inputs.flip(1))


@pytest.fixture
def measured(monkeypatch):
    """A list that grows by one with each measurement."""
    count = []

    def counting(*arguments, **settings):
        count.append(1)
        return measure(*arguments, **settings)

    monkeypatch.setattr(offline_measurement, "measure", counting)
    return count


@pytest.fixture
def path(tmp_path):
    return save_checkpoint(tmp_path / "run" / "a.ckpt", None, state_dict=Network(1).state_dict())


def _kept(folder):
    return sorted(folder.rglob("*.report"))


class Scaled:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, model, batch):
        return model(self.factor * batch)

    def forward(self, model, batch):
        return model(self.factor * batch)


def _take_first(model, batch):
    return model(batch)


def _take_first_twice(model, batch):
    return model(2 * batch)


def test_a_report_is_measured_once_and_kept_next_to_the_checkpoint(path, measured):
    first = OfflineMeasurement(Network(), DATA)(path)
    assert [file.parent for file in _kept(path.parent)] == [path.parent / ".infomem"]
    second = OfflineMeasurement(Network(), DATA)(path)
    assert len(measured) == 1
    assert torch.equal(second["0"].mutual_information, first["0"].mutual_information)
    assert torch.equal(second["0"].entropy, first["0"].entropy)
    assert second.settings == first.settings
    # What is kept is no checkpoint itself.
    assert find_checkpoints(path.parent) == [path]


def test_a_folder_of_its_own_may_be_given(path, tmp_path, measured):
    for _ in range(2):
        OfflineMeasurement(Network(), DATA, cache=str(tmp_path / "kept"))(path)
    assert len(measured) == len(_kept(tmp_path / "kept")) == 1
    assert not (path.parent / ".infomem").exists()


def test_a_kept_report_is_given_without_loading_the_checkpoint(path, measured, monkeypatch):
    OfflineMeasurement(Network(), DATA)(path)
    monkeypatch.setattr(offline_measurement, "load_checkpoint", None)
    OfflineMeasurement(Network(), DATA)(path)
    assert len(measured) == 1


def test_a_copy_under_another_name_is_the_same(path, tmp_path, measured):
    copy = path.with_name("b.ckpt")
    copy.write_bytes(path.read_bytes())
    measurement = OfflineMeasurement(Network(), DATA)
    measurement(path)
    measurement(copy)
    assert len(measured) == 1


def test_the_mode_and_the_weights_of_the_model_given_change_nothing(path, measured):
    OfflineMeasurement(Network(0), DATA)(path)
    OfflineMeasurement(Network(3).eval(), DATA, memory_limit=2**20)(path)
    assert len(measured) == 1


@pytest.mark.parametrize(
    ("model", "data", "settings"),
    [
        (Network(), DATA, {"bins": 20}),
        (Network(), DATA, {"layers": ["0", "2"]}),
        (Network(), DATA, {"layers": nn.Linear}),
        (Network(), [DATA[0], DATA[1] + 1], {}),
        (Network(), DATA[::-1], {}),
        (Network(), torch.cat(DATA).split(10), {}),
        (Network(), DATA, {"forward": _take_first}),
        (Network(slope=2.0), DATA, {}),
        (Reordered(), DATA, {}),
    ],
)
def test_whatever_changes_is_measured_anew(path, measured, model, data, settings):
    OfflineMeasurement(Network(), DATA)(path)
    OfflineMeasurement(model, data, **settings)(path)
    assert len(measured) == 2


def test_another_function_is_another_measurement(path, measured):
    def scaled(factor):
        return lambda model, batch: model(factor * batch)

    ways = [_take_first, _take_first_twice, scaled(2.0), scaled(3.0), partial(_take_first), partial(_take_first_twice)]
    ways += [Scaled(2.0), Scaled(3.0), Scaled(2.0).forward, Scaled(3.0).forward]
    for number, way in enumerate(ways, start=1):
        OfflineMeasurement(Network(), DATA, forward=way)(path)
        OfflineMeasurement(Network(), DATA, forward=way)(path)
        assert len(measured) == number


def test_other_weights_under_the_same_name_are_measured_anew(path, measured):
    measurement = OfflineMeasurement(Network(), DATA)
    measurement(path)
    save_checkpoint(path, None, state_dict=Network(2).state_dict())
    report = measurement(path)
    assert len(measured) == 2
    assert torch.equal(report["0"].entropy, measure(Network(2), DATA)["0"].entropy)


def test_what_a_function_builds_from_the_same_file_is_distinguished(tmp_path, measured):
    states = {"raw": Network(1).state_dict(), "average": Network(2).state_dict()}
    path = save_checkpoint(tmp_path / "a.ckpt", None, **states)

    def build(name, checkpoint):
        network = Network()
        network.load_state_dict(checkpoint[name])
        return network

    for _ in range(2):
        for name, seed in (("raw", 1), ("average", 2)):
            report = OfflineMeasurement(partial(build, name), DATA)(path)
            assert torch.equal(report["0"].entropy, measure(Network(seed), DATA)["0"].entropy)
    assert len(measured) == 2


def _text(file):
    file.write_text("no report")


def _half(file):
    file.write_bytes(file.read_bytes()[:200])


def _damaged_state(file):
    state = make_report({"0": 0.5}).to_state()
    del state["layers"][0]["entropy"]
    torch.save({REPORT_KEY: state}, file)


def _unsafe(file):
    torch.save({REPORT_KEY: _unsafe}, file)


@pytest.mark.parametrize("damage", [_text, _half, _damaged_state, _unsafe, lambda file: file.write_bytes(b"")])
def test_a_damaged_file_is_measured_anew_and_replaced(path, measured, damage):
    expected = OfflineMeasurement(Network(), DATA)(path)
    (file,) = _kept(path.parent)
    damage(file)
    for _ in range(2):
        measurement = OfflineMeasurement(Network(), DATA)
        assert torch.equal(measurement(path)["0"].entropy, expected["0"].entropy)
        assert measurement.notes == []
    assert len(measured) == 2
    assert _kept(path.parent) == [file]


def _several(tmp_path):
    return [
        save_checkpoint(tmp_path / f"{seed}.ckpt", None, state_dict=Network(seed).state_dict()) for seed in range(3)
    ]


def test_where_no_folder_can_be_made_one_note_says_so_and_all_is_measured(tmp_path, measured):
    paths = _several(tmp_path)
    (tmp_path / ".infomem").write_text("in the way")
    measurement = OfflineMeasurement(Network(), DATA)
    candidates, skipped = read_candidates(paths, measurement)
    assert (len(candidates), skipped, len(measured)) == (3, {}, 3)
    assert len(measurement.notes) == 1
    assert measurement.notes[0].startswith(f"what was measured is not kept for the next time: no file in '{tmp_path}")


def test_on_a_full_disk_nothing_half_written_stays(tmp_path, measured, monkeypatch):
    paths = _several(tmp_path)

    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    measurement = OfflineMeasurement(Network(), DATA)
    candidates, _ = read_candidates(paths, measurement)
    assert len(candidates) == len(measured) == 3
    assert [note.rpartition(": ")[2] for note in measurement.notes] == [os.strerror(errno.ENOSPC)]
    assert list((tmp_path / ".infomem").iterdir()) == []


def test_a_file_that_is_overwritten_while_it_is_measured_leaves_no_report(path, monkeypatch):
    def overwriting(*arguments, **settings):
        save_checkpoint(path, None, state_dict=Network(7).state_dict(), more=torch.zeros(99))
        return measure(*arguments, **settings)

    monkeypatch.setattr(offline_measurement, "measure", overwriting)
    OfflineMeasurement(Network(), DATA)(path)
    assert _kept(path.parent) == []


def test_data_that_cannot_be_distinguished_are_measured_without_a_cache(path, measured):
    batches = [{"inputs": inputs, "lock": threading.Lock()} for inputs in DATA]
    measurement = OfflineMeasurement(Network(), batches, forward=lambda model, batch: model(batch["inputs"]))
    for _ in range(2):
        measurement(path)
    assert len(measured) == 2
    assert len(measurement.notes) == 1
    assert "not kept for the next time: data or model hold a lock that cannot be identified" in measurement.notes[0]
    assert _kept(path.parent) == []


def test_the_data_are_gone_through_once_more_than_there_are_measurements(tmp_path, measured):
    class Batches:
        passes = 0

        def __iter__(self):
            Batches.passes += 1
            return iter(DATA)

    measurement = OfflineMeasurement(Network(), Batches())
    assert Batches.passes == 0
    for path in _several(tmp_path):
        measurement(path)
    assert Batches.passes == 1 + len(measured) == 4


def test_a_report_of_another_version_has_another_name(tmp_path, monkeypatch):
    cache = ReportCache()
    before = cache.file_for(tmp_path / "a.ckpt", ["same"])
    assert cache.file_for(tmp_path / "b.ckpt", ["same"]) == before
    monkeypatch.setattr("lightning_infomem.records.report._STATE_VERSION", 99)
    assert cache.file_for(tmp_path / "a.ckpt", ["same"]) != before
