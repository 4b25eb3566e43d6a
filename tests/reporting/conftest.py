import sys
import tempfile

import pytest

from lightning_infomem.reporting import loggers


@pytest.fixture(autouse=True)
def warned(monkeypatch):
    """Every test is the first to see a logger."""
    monkeypatch.setattr(loggers, "_warned", set())


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No word to any server, no file outside the test's own folder."""
    for name in ("WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR", "WANDB_ARTIFACT_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    monkeypatch.setenv("WANDB_DISABLE_GIT", "true")
    monkeypatch.setenv("WANDB_DISABLE_CODE", "true")
    monkeypatch.setenv("WANDB__DISABLE_STATS", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # MLflow 3 would rather have a database
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")  # which MLFlowLogger sets for the whole process
    monkeypatch.setenv("COMET_DISABLE_AUTO_LOGGING", "1")  # as Lightning's CometLogger sets it
    monkeypatch.setenv("COMET_ERROR_TRACKING_ENABLE", "false")
    monkeypatch.setenv("DO_NOT_TRACK", "true")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield
    if "wandb" in sys.modules:
        sys.modules["wandb"].finish()
    if "mlflow" in sys.modules:
        sys.modules["mlflow"].set_tracking_uri(None)
