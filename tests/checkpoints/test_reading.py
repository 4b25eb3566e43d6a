"""Finding and reading checkpoint files, with everything that can be wrong with them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from lightning_infomem.checkpoints.reading import UnusableCheckpoint, find_checkpoints, read_checkpoint
from lightning_infomem.records.report import REPORT_KEY
from tests.checkpoints.checkpoint_files import MONITOR, make_report, save_checkpoint


@dataclass
class Custom:
    """A class that no safe load may build; building it leaves a trace."""

    folder: str

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def test_a_folder_is_searched_with_its_subfolders(tmp_path):
    files = [save_checkpoint(tmp_path / name, None) for name in ("b.ckpt", "version_1/a-v1.ckpt", "version_0/a.ckpt")]
    (tmp_path / "events.out").write_text("no checkpoint")
    assert find_checkpoints(tmp_path) == sorted(files)
    assert find_checkpoints(str(tmp_path)) == sorted(files)


def test_files_folders_and_model_checkpoints_are_accepted(tmp_path):
    first, second = (save_checkpoint(tmp_path / folder / "x.ckpt", None) for folder in "ab")
    unusual = save_checkpoint(tmp_path / "weights.pt", None)
    assert find_checkpoints(first) == [first]
    assert find_checkpoints([second, str(tmp_path / "a"), unusual]) == [first, second, unusual]
    # Whatever the callback remembers, its folder decides.
    assert find_checkpoints(SimpleNamespace(dirpath=str(tmp_path / "b"), best_k_models={})) == [second]


def test_a_file_named_twice_counts_once(tmp_path):
    path = save_checkpoint(tmp_path / "a.ckpt", None)
    assert find_checkpoints([path, tmp_path, path]) == [path]


@pytest.mark.parametrize("link", ["a-link.ckpt", "last.ckpt"])
def test_a_link_and_its_file_count_once_under_the_name_of_the_file(tmp_path, link):
    path = save_checkpoint(tmp_path / "epoch=3.ckpt", None)
    (tmp_path / link).symlink_to(path.name)
    assert find_checkpoints(tmp_path) == [path]
    assert find_checkpoints([tmp_path / link, path]) == [path]


def test_an_empty_folder_says_what_was_looked_for(tmp_path):
    with pytest.raises(ValueError, match=r"got none in .*; give the folder .* Files ending in .* were searched for"):
        find_checkpoints(tmp_path)
    with pytest.raises(ValueError, match="got none in an empty list"):
        find_checkpoints([])


def test_a_missing_path_and_a_wrong_type_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"existing file or folder is required, got '.*nowhere'"):
        find_checkpoints(tmp_path / "nowhere")
    with pytest.raises(TypeError, match="a folder, a path or several paths are required, got int 3"):
        find_checkpoints(3)
    with pytest.raises(TypeError, match="got NoneType None"):
        find_checkpoints([tmp_path, None])
    with pytest.raises(ValueError, match="dirpath is None"):
        find_checkpoints(SimpleNamespace(dirpath=None))


def test_a_sharded_checkpoint_is_found_whole_and_named_with_its_consolidation(tmp_path):
    sharded = tmp_path / "x.ckpt"
    sharded.mkdir()
    torch.save({}, sharded / "meta.pt")
    save_checkpoint(sharded / "inner.ckpt", None)
    assert find_checkpoints(tmp_path) == find_checkpoints(sharded) == [sharded]
    with pytest.raises(UnusableCheckpoint, match=r"lightning\.pytorch\.utilities\.consolidate_checkpoint '.*x\.ckpt'"):
        read_checkpoint(sharded)


def test_a_deepspeed_folder_is_named_with_its_own_script(tmp_path):
    sharded = tmp_path / "x.ckpt"
    sharded.mkdir()
    (sharded / "latest").write_text("checkpoint")
    assert find_checkpoints(tmp_path) == [sharded]
    with pytest.raises(UnusableCheckpoint, match=r"zero_to_fp32\.py"):
        read_checkpoint(sharded)


def test_an_ordinary_folder_with_the_suffix_is_searched(tmp_path):
    path = save_checkpoint(tmp_path / "runs.ckpt" / "a.ckpt", None)
    assert find_checkpoints(tmp_path) == [path]


def test_a_report_comes_back_as_it_went_in(tmp_path):
    report = make_report({"fc1": 0.5, "fc2": 0.25}, step=90, skipped={"lstm": "not called"})
    record = read_checkpoint(str(save_checkpoint(tmp_path / "a.ckpt", report, epoch=3)))
    assert (record.epoch, record.step, record.notes) == (3, 90, ())
    assert [layer.name for layer in record.report.layers] == ["fc1", "fc2"]
    assert torch.equal(record.report["fc2"].mutual_information, report["fc2"].mutual_information)
    assert (record.report.settings, record.report.skipped) == (report.settings, report.skipped)


@pytest.mark.parametrize("change", [{"callbacks": {}}, {"callbacks": {MONITOR: {REPORT_KEY: None}}}])
def test_a_checkpoint_without_a_report_is_read(tmp_path, change):
    assert read_checkpoint(save_checkpoint(tmp_path / "a.ckpt", None, **change)).report is None


def test_a_file_of_weights_alone_is_read(tmp_path):
    torch.save({"weight": torch.zeros(2)}, tmp_path / "a.ckpt")
    record = read_checkpoint(tmp_path / "a.ckpt")
    assert (record.epoch, record.step, record.report) == (None, None, None)


def test_the_format_before_zip_archives_is_read(tmp_path):
    path = save_checkpoint(tmp_path / "a.ckpt", make_report({"fc1": 0.5}))
    torch.save(torch.load(path, weights_only=True), path, _use_new_zipfile_serialization=False)
    assert read_checkpoint(path).report["fc1"].pairs().tolist() == [0.5, 0.5, 0.5]


def test_a_report_stays_what_it_was_when_its_file_is_overwritten(tmp_path):
    path = save_checkpoint(tmp_path / "a.ckpt", make_report({"fc1": 0.5}, {"fc1": 2.0}))
    report = read_checkpoint(path).report
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.write(bytes(size))
    assert report["fc1"].entropy.tolist() == [2.0, 2.0, 2.0]
    assert report["fc1"].units.tolist() == [0, 1, 2]


def test_of_several_reports_the_first_is_read_and_said(tmp_path):
    states = {f"Monitor[{name}]": {REPORT_KEY: make_report({name: 0.5}).to_state()} for name in ("one", "two")}
    record = read_checkpoint(save_checkpoint(tmp_path / "a.ckpt", None, callbacks=states))
    assert [layer.name for layer in record.report.layers] == ["one"]
    assert record.notes == ("several monitors left a report (Monitor[one], Monitor[two]); the first one was read",)


def test_a_report_older_than_the_weights_is_said(tmp_path):
    record = read_checkpoint(save_checkpoint(tmp_path / "a.ckpt", make_report({"fc1": 0.5}, step=60), step=90))
    assert record.notes == ("the report was measured at another step than the weights",)


def test_the_monitored_metric_of_this_very_file_is_found(tmp_path):
    state = {
        "monitor": "val_loss",
        "current_score": torch.tensor(9.0),
        "best_k_models": {"/elsewhere/a.ckpt": torch.tensor(0.25), "/elsewhere/b.ckpt": torch.tensor(0.125)},
    }
    path = save_checkpoint(tmp_path / "a.ckpt", None, callbacks={"ModelCheckpoint{}": state})
    assert read_checkpoint(path).metrics == {"val_loss": 0.25}


def _text(path: Path) -> None:
    path.write_text("epoch accuracy\n" * 50)


def _truncated(path: Path) -> None:
    whole = save_checkpoint(path, make_report({"fc1": 0.5})).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def _list(path: Path) -> None:
    torch.save([1, 2], path)


def _damaged_report(path: Path) -> None:
    state = make_report({"fc1": 0.5}).to_state()
    del state["layers"][0]["entropy"]
    save_checkpoint(path, None, callbacks={MONITOR: {REPORT_KEY: state}})


def _later_version(path: Path) -> None:
    save_checkpoint(path, None, callbacks={MONITOR: {REPORT_KEY: {"state_version": 99}}})


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (_text, "not a torch checkpoint, or damaged"),
        (Path.touch, "not a torch checkpoint, or damaged"),
        (_truncated, "truncated or only half written"),
        (_list, "a dict is required, the file contains a list"),
        (_damaged_report, "the state is damaged .*entropy"),
        (_later_version, "another version of lightning_infomem"),
        (lambda path: None, r"cannot be opened \(No such file"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path, write, reason):
    write(tmp_path / "a.ckpt")
    with pytest.raises(UnusableCheckpoint, match=reason):
        read_checkpoint(tmp_path / "a.ckpt")


def test_nothing_is_unpickled_unsafely_and_the_offender_is_named(tmp_path):
    trace = tmp_path / "trace"
    path = save_checkpoint(tmp_path / "a.ckpt", None, hyper_parameters=Custom(str(trace)))
    before = path.read_bytes()
    with pytest.raises(UnusableCheckpoint, match=r"it holds (posix|nt)\.mkdir; .*add_safe_globals"):
        read_checkpoint(path)
    assert not trace.exists()
    assert path.read_bytes() == before


# Patterns


def _touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*/last.ckpt", ["one/last.ckpt", "two/last.ckpt"]),
        ("**/last.ckpt", ["one/last.ckpt", "two/deep/last.ckpt", "two/last.ckpt"]),
        ("two", ["two/a[1].ckpt", "two/deep/last.ckpt", "two/last.ckpt"]),
        ("t?o", ["two/a[1].ckpt", "two/deep/last.ckpt", "two/last.ckpt"]),
        ("two/a[1].ckpt", ["two/a[1].ckpt"]),
        ("two/[lm]ast.ckpt", ["two/last.ckpt"]),
    ],
)
@pytest.mark.parametrize("kind", [str, Path, lambda path: [path]])
def test_patterns_are_found_as_a_shell_finds_them(tmp_path, pattern, names, kind):
    _touch(tmp_path, "one/last.ckpt", "two/last.ckpt", "two/deep/last.ckpt", "two/a[1].ckpt")
    found = find_checkpoints(kind(f"{tmp_path}/{pattern}"))
    assert [path.relative_to(tmp_path).as_posix() for path in found] == names


def test_a_pattern_that_matches_nothing_is_called_one(tmp_path):
    with pytest.raises(ValueError, match=r"got '.*/\*/last\.ckpt', a pattern that nothing matches; check its name"):
        find_checkpoints([tmp_path, f"{tmp_path}/*/last.ckpt"])
    with pytest.raises(ValueError, match=r"got '.*/last\.ckpt'; check its name"):
        find_checkpoints(f"{tmp_path}/last.ckpt")
