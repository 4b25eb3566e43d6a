import json

import pytest
from PIL import Image

from tests.reporting.reports import HISTOGRAMS, log


@pytest.mark.usefixtures("offline")
def test_mlflow_stores_counts_and_the_figure_as_artifacts_named_by_the_step(tmp_path):
    from lightning.pytorch.loggers import MLFlowLogger

    logger = MLFlowLogger(tracking_uri=(tmp_path / "mlruns").as_uri())
    log(logger, step=123)
    log(logger, step=4567890)

    client = logger.experiment
    stored = [file.path for file in client.list_artifacts(logger.run_id, "infomem/layers")]
    assert stored == ["infomem/layers/step_000123.png", "infomem/layers/step_4567890.png"]
    stored = [file.path for file in client.list_artifacts(logger.run_id, "infomem/histograms")]
    assert stored == ["infomem/histograms/step_000123.json", "infomem/histograms/step_4567890.json"]

    (figure,) = tmp_path.rglob("step_000123.png")
    with Image.open(figure) as image:
        image.verify()
    (counted,) = (json.loads(path.read_text()) for path in tmp_path.rglob("step_000123.json"))
    assert {name: sum(histogram["counts"]) for name, histogram in counted.items()} == HISTOGRAMS
    plain = counted["infomem/plain/mi"]
    assert len(plain["counts"]) == 64
    assert len(plain["edges"]) == 65
    assert (plain["edges"][0], plain["edges"][-1]) == (0.1, 0.7)
    assert (plain["counts"][0], plain["counts"][-1]) == (1, 1)
    # Values that differ by rounding alone are one bar in the middle.
    rounded = counted["infomem/rounded/entropy"]
    assert max(rounded["counts"]) == 3
    assert (rounded["edges"][0], rounded["edges"][-1]) == pytest.approx((1.5, 2.5))
