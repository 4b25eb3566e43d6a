"""The run that was measured last, of all in a folder."""

from __future__ import annotations

from lightning_infomem.runs.newest_run import newest_run
from tests.checkpoints.checkpoint_files import make_run
from tests.runs.written_runs import log_run


def test_of_several_runs_in_one_file_the_last_is_shown_with_all_its_monitors(tmp_path):
    log_run(tmp_path, make_run(5), run_id="old", prefix="gone")
    log_run(tmp_path, make_run(5), run_id="old", prefix="first")
    log_run(tmp_path, make_run(3), run_id="new", prefix="first", late=1000)
    log_run(tmp_path, make_run(3), run_id="new", prefix="second", late=1000)
    found = newest_run(tmp_path)
    assert [(run.last.run_id, run.course.prefix) for run in found.monitors] == [("new", "first"), ("new", "second")]
    assert found.last_time == 1030


def test_a_folder_without_a_measurement_has_no_run(tmp_path):
    assert newest_run(tmp_path).monitors == []
