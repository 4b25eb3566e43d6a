import pytest
from PIL import Image

from tests.reporting.reports import FIGURE, HISTOGRAMS, STEP, log
from tests.reporting.wandb_history import read_history


@pytest.mark.usefixtures("offline")
def test_wandb_gets_histograms_and_the_figure_at_the_x_axis_of_the_scalars(tmp_path):
    import wandb
    from lightning.pytorch.loggers import WandbLogger

    logger = WandbLogger(save_dir=tmp_path, offline=True)
    logger.log_metrics({"infomem/mi_mean": 0.5}, step=STEP)
    log(logger)
    log(logger, step=7)  # a lower step, as of a second fit: W&B's own counter would drop it
    logger.experiment.finish()
    wandb.teardown()  # waits for the process that writes the file: finish() may be back before its last rows are there

    (path,) = tmp_path.rglob("*.wandb")
    scalars, *rows = read_history(path)
    assert [row["trainer/global_step"] for row in (scalars, *rows)] == [STEP, STEP, 7]
    for row in rows:
        histograms = {name: value for name, value in row.items() if name in HISTOGRAMS}
        assert {name: sum(value["values"]) for name, value in histograms.items()} == HISTOGRAMS
        assert {value["_type"] for value in histograms.values()} == {"histogram"}
        own = {name for name in row if name.startswith("infomem")}
        assert own == {*HISTOGRAMS, FIGURE}
        assert row["infomem/plain/entropy"]["bins"][0] == 1.0
        assert row["infomem/plain/entropy"]["bins"][-1] == 3.0
        assert row[FIGURE]["_type"] == "image-file"
        with Image.open(path.parent / "files" / row[FIGURE]["path"]) as image:
            assert image.size == (row[FIGURE]["width"], row[FIGURE]["height"])
