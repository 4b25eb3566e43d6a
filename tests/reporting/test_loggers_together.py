import csv

import pytest
import pytorch_lightning as pl

from lightning_infomem.callbacks import MemorizationMonitor
from tests.networks import Classifier, dense, loader, mlp, trainer
from tests.reporting.wandb_history import read_history

NAMES = {f"infomem/{name}" for name in ("mi_mean", "entropy_mean", "network.0/mi_mean", "network.2/mi_mean")}


@pytest.mark.usefixtures("offline")
def test_one_run_with_three_loggers_keeps_every_scalar_in_each(tmp_path):
    wandb = pl.loggers.WandbLogger(save_dir=tmp_path, offline=True)
    mlflow = pl.loggers.MLFlowLogger(tracking_uri=(tmp_path / "mlruns").as_uri())
    table = pl.loggers.CSVLogger(tmp_path)
    monitor = MemorizationMonitor()
    runner = trainer(tmp_path, callbacks=[monitor], logger=[wandb, mlflow, table], max_epochs=2)
    with pytest.warns(UserWarning, match="CSVLogger: histograms") as caught:
        runner.fit(Classifier(mlp()), loader(dense()), loader(dense()))
    assert sum("histograms" in str(warning.message) for warning in caught) == 1
    assert runner.current_epoch == 2
    wandb.experiment.finish()

    expected = [{name: values[name] for name in NAMES} for values in monitor.history]
    (path,) = tmp_path.rglob("*.wandb")
    rows = read_history(path, num_rows=5)  # scalars and histograms of two validations, and the figures of the last
    kept = [row for row in rows if "infomem/mi_mean" in row]
    assert [{name: row[name] for name in expected[0]} for row in kept] == [pytest.approx(e, rel=1e-6) for e in expected]
    shown = [row for row in rows if "infomem/layers" in row]
    assert [row["trainer/global_step"] for row in shown] == [kept[-1]["trainer/global_step"]]
    counted = [row["trainer/global_step"] for row in rows if "infomem/network.0/mi" in row]
    assert counted == [row["trainer/global_step"] for row in kept]

    client, run = mlflow.experiment, mlflow.run_id
    for name in expected[0]:
        course = [metric.value for metric in client.get_metric_history(run, name)]
        assert course == pytest.approx([values[name] for values in expected], rel=1e-6)
    steps = [metric.step for metric in client.get_metric_history(run, "infomem/mi_mean")]
    files = [file.path for file in client.list_artifacts(run, "infomem/layers")]
    assert files == [f"infomem/layers/step_{step:06d}.png" for step in steps[-1:]]
    files = [file.path for file in client.list_artifacts(run, "infomem/run")]
    assert files == [f"infomem/run/step_{step:06d}.png" for step in steps[1:]]

    with open(f"{table.log_dir}/metrics.csv") as lines:
        course = [float(row["infomem/mi_mean"]) for row in csv.DictReader(lines) if row["infomem/mi_mean"]]
    assert course == pytest.approx([values["infomem/mi_mean"] for values in expected], rel=1e-6)
