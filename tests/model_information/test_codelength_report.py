from __future__ import annotations

import json

import pytest

from lightning_infomem.model_information import CodelengthReport, OnlineCode, model_information
from tests.model_information.clusters import SETTINGS, clusters, make_model


def code(bits: float, *, seed: int = 0, data_bits: float | None = None, sizes=(10, 90)) -> OnlineCode:
    return OnlineCode(4, sizes, (20.0, bits), data_bits, {"seed": seed, "blocks": "orgad"})


def test_model_bits_are_the_code_minus_what_the_labels_cost_by_the_final_model(tmp_path):
    settings = {**SETTINGS, "max_epochs": 3, "blocks": (20, 100)}
    found = [model_information(make_model(), clusters(), seed=seed, **settings) for seed in (0, 1)]
    report = CodelengthReport({"clusters": found})
    record = report.to_records()[0]
    assert record["model_bits"] == pytest.approx(record["code_bits"] - record["data_bits"])
    assert record["code_bits"] == pytest.approx(sum(each.code_length for each in found) / 2)
    assert (record["samples"], record["uniform_bits"], record["seeds"]) == (240, 480.0, "0, 1")
    saved = json.loads(report.save(tmp_path / "codes.json").read_text())
    assert saved["settings"]["clusters"]["max_epochs"] == 3
    assert "model bits" in str(report)


def test_means_have_intervals_over_seeds():
    record = CodelengthReport({"mine": [code(30, seed=0), code(50, seed=1)]}).to_records()[0]
    # Student's t of one degree of freedom, 12.706, times the standard error of 30 and 50, 10.
    assert (record["code_bits"], record["code_bits_spread"]) == (60, pytest.approx(127.062, rel=1e-5))


def test_without_the_final_model_its_bits_are_left_out(tmp_path):
    report = CodelengthReport({"mine": [code(30)]})
    assert json.loads(report.to_json())["rows"][0]["model_bits"] is None


@pytest.mark.parametrize(
    ("codes", "fault", "message"),
    [
        ({}, TypeError, "codes: a mapping from names to codes is required"),
        ([code(3)], TypeError, "codes: a mapping from names to codes is required"),
        ({"mine": code(3)}, TypeError, "one per seed, is required for 'mine', got OnlineCode; give"),
        ({"mine": []}, TypeError, "required for 'mine', got list"),
        (
            {"mine": [code(3), code(3, sizes=(20, 80))]},
            ValueError,
            r"codes of 'mine': what was .* blocks: \[[^\]]*\] in 'code 0' but \[20, 80\] in",
        ),
    ],
)
def test_wrong_input_is_refused(codes, fault, message):
    with pytest.raises(fault, match=message):
        CodelengthReport(codes)
