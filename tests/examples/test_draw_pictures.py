"""The README's pictures of the demonstration, drawn from a folder like the one it leaves."""

import sys

import pytest
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from examples import draw_pictures
from lightning_infomem.demo.digits import LEVELS
from tests.checkpoints.checkpoint_files import make_report, save_checkpoint
from tests.selection.saved_runs import MEMORIZING, save_epochs


def log_accuracies(folder, accuracies):
    """As Lightning does: under the number of the last step, which is one less than how many there were."""
    with SummaryWriter(folder) as writer:
        for step, accuracy in accuracies.items():
            writer.add_scalar("clean_accuracy", accuracy, step - 1)


@pytest.fixture
def demo(tmp_path):
    for place, level in enumerate(LEVELS):
        report = make_report({"fc1": 0.1 + level, "fc2": 0.2 + level}, epoch=19, step=380)
        save_checkpoint(tmp_path / "colored" / f"alpha-{level:.2f}.ckpt", report, epoch=19, step=380)
        log_accuracies(tmp_path / "colored" / f"alpha-{level:.2f}", {190: 0.0, 380: 0.9 - 0.1 * place})
    save_epochs(tmp_path / "noisy-run", MEMORIZING)
    # The steps of the made-up reports, of which the first is at step 0 and was not logged.
    log_accuracies(tmp_path / "noisy-run", {10 * epoch: 0.05 * epoch for epoch in range(1, 12)})
    return tmp_path


def test_the_accuracies_are_the_last_of_each_network(demo):
    accuracies = draw_pictures.draw_comparison(demo).axes[2].lines[0].get_ydata()
    assert list(accuracies) == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5])  # stored as float32
    drawn = draw_pictures.draw_colored(demo).axes[2].lines[1].get_ydata()
    assert list(drawn) == list(accuracies)


def test_the_accuracy_along_the_run_stands_at_its_epochs(demo):
    accuracy = draw_pictures.draw_run(demo).axes[-1].lines[0].get_xydata()
    assert accuracy[1:].tolist() == [[epoch, pytest.approx(0.05 * epoch)] for epoch in range(1, 12)]


def test_all_pictures_are_written_and_small(demo, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["draw_pictures", str(demo), "--output", str(demo / "pictures")])
    draw_pictures.main()
    paths = sorted((demo / "pictures").iterdir())
    assert [path.stem for path in paths] == ["colored", "comparison", "layers", "run"]
    assert max(path.stat().st_size for path in paths) < 60_000
    for path in paths:
        with Image.open(path) as picture:
            assert picture.mode == "P"
    assert capsys.readouterr().out.count(" kB") == 4


def test_a_folder_without_a_demonstration_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"demo: event files with 'clean_accuracy' are required in .*run `infomem demo`"
    ):
        draw_pictures.draw_colored(tmp_path)
