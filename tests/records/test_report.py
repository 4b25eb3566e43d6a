from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from lightning_infomem.records.report import InformationReport, LayerInformation
from lightning_infomem.settings import MeasurementSettings


def layer(name: str = "encoder.0", *, num_units: int = 5) -> LayerInformation:
    generator = torch.Generator().manual_seed(len(name))
    half = torch.randn(num_units, num_units, generator=generator, dtype=torch.float64)
    entropy = torch.rand(num_units, generator=generator, dtype=torch.float64)
    information = half + half.T
    if num_units > 1:
        entropy[-1] = information[-1] = information[:, -1] = math.nan
    return LayerInformation(
        name=name,
        width=2 * num_units,
        units=torch.arange(num_units) * 2,
        entropy=entropy,
        mutual_information=information,
        value_range=(-1.5, 1 / 3),
        dead_fraction=0.25,
        tie_fraction=0.5,
        num_samples=1000,
        num_dropped=7,
    )


def report() -> InformationReport:
    return InformationReport(
        layers=(layer(), layer("head", num_units=2)),
        settings=MeasurementSettings(value_range=(0, 1)).to_state(),
        backend="reference",
        skipped={"embedding": "it has one unit"},
        epoch=3,
        step=120,
        seconds=0.5,
        version="0.1.0",
        task="regression",
        task_reason="its loss is mse_loss",
        training_loss=0.25,
    )


def assert_equal_reports(one: InformationReport, other: InformationReport) -> None:
    for field in dataclasses.fields(InformationReport):
        if field.name != "layers":
            assert getattr(one, field.name) == getattr(other, field.name), field.name
    assert len(one.layers) == len(other.layers)
    for left, right in zip(one.layers, other.layers, strict=True):
        for field in dataclasses.fields(LayerInformation):
            mine, theirs = getattr(left, field.name), getattr(right, field.name)
            if isinstance(mine, torch.Tensor):
                assert mine.dtype == theirs.dtype
                assert torch.equal(mine.nan_to_num(nan=-9), theirs.nan_to_num(nan=-9)), field.name
            else:
                assert mine == theirs, field.name


# The way through a checkpoint


def test_a_report_survives_its_state_exactly() -> None:
    assert_equal_reports(InformationReport.from_state(report().to_state()), report())


def test_a_report_of_a_fresh_measurement_outside_a_trainer_survives_its_state() -> None:
    bare = InformationReport(layers=(layer(),), settings={}, backend="cpu")
    assert_equal_reports(InformationReport.from_state(bare.to_state()), bare)


def test_the_state_survives_a_checkpoint_that_admits_only_weights() -> None:
    file = io.BytesIO()
    torch.save({"callbacks": {"MemorizationMonitor": report().to_state()}}, file)
    file.seek(0)
    state = torch.load(file, weights_only=True)["callbacks"]["MemorizationMonitor"]
    assert_equal_reports(InformationReport.from_state(state), report())


def test_the_state_holds_plain_things_only() -> None:
    plain = (torch.Tensor, str, int, float, type(None))

    def walk(state: Any) -> None:
        if isinstance(state, dict):
            assert all(isinstance(key, str) for key in state)
            for value in state.values():
                walk(value)
        elif isinstance(state, list):
            for value in state:
                walk(value)
        else:
            assert isinstance(state, plain), state

    walk(report().to_state())


def test_the_state_holds_one_half_of_the_symmetric_matrix() -> None:
    state = report().to_state()
    assert [len(each["mutual_information"]) for each in state["layers"]] == [15, 3]


def test_the_state_is_no_view_of_settings_it_could_change() -> None:
    one = report()
    one.to_state()["settings"]["bins"] = 7
    one.to_state()["skipped"]["head"] = "changed"
    assert one.settings["bins"] == 100
    assert "head" not in one.skipped


def damage(path: list[Any], value: Any) -> Callable[[dict[str, Any]], Any]:
    def change(state: dict[str, Any]) -> dict[str, Any]:
        place: Any = state
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        return state

    return change


def without(path: list[Any]) -> Callable[[dict[str, Any]], Any]:
    def change(state: dict[str, Any]) -> dict[str, Any]:
        place: Any = state
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]
        return state

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda state: None,
        lambda state: [],
        lambda state: {},
        lambda state: "report",
        damage(["state_version"], None),
        without(["state_version"]),
    ],
    ids=["none", "list", "empty", "string", "no version", "version missing"],
)
def test_what_is_no_report_is_refused(change: Callable[[dict[str, Any]], Any]) -> None:
    with pytest.raises(ValueError, match=r"^report: a state of version 7 is required, got none; measure .* again\.$"):
        InformationReport.from_state(change(report().to_state()))


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5, 6, 8, "7"])
def test_a_report_of_another_version_is_refused(version: object) -> None:
    state = {**report().to_state(), "state_version": version}
    came = f"got version {version!r}, written by another version of lightning_infomem; measure this checkpoint again"
    with pytest.raises(ValueError, match=came):
        InformationReport.from_state(state)


@pytest.mark.parametrize(
    "change",
    [
        without(["layers"]),
        without(["backend"]),
        without(["settings"]),
        without(["task"]),
        damage(["task"], "clasification"),
        damage(["task"], None),
        damage(["task"], torch.tensor([1.0, 2.0])),
        damage(["task_reason"], 1),
        without(["training_loss"]),
        damage(["training_loss"], "low"),
        damage(["training_loss"], math.nan),
        without(["predictions"]),
        damage(["predictions"], {}),
        damage(["predictions"], torch.zeros(3)),
        damage(["layers"], None),
        damage(["layers"], "encoder.0"),
        damage(["layers"], {"encoder.0": {}}),
        damage(["layers", 0], None),
        damage(["layers", 0], {}),
        damage(["unknown"], 1),
        without(["layers", 0, "name"]),
        without(["layers", 0, "units"]),
        without(["layers", 1, "entropy"]),
        without(["layers", 1, "mutual_information"]),
        without(["layers", 0, "value_range"]),
        damage(["layers", 0, "unknown"], 1),
        damage(["layers", 0, "units"], None),
        damage(["layers", 0, "units"], torch.arange(4)),
        damage(["layers", 0, "units"], torch.tensor(5)),
        damage(["layers", 0, "entropy"], torch.zeros(4, dtype=torch.float64)),
        damage(["layers", 0, "entropy"], None),
        damage(["layers", 0, "mutual_information"], torch.zeros(14, dtype=torch.float64)),
        damage(["layers", 0, "mutual_information"], torch.tensor(0.0, dtype=torch.float64)),
        damage(["layers", 0, "mutual_information"], torch.zeros(1, dtype=torch.float64)),
        damage(["layers", 0, "mutual_information"], None),
        damage(["layers", 0, "value_range"], [0.0]),
        damage(["layers", 0, "value_range"], [0.0, 1.0, 2.0]),
        damage(["layers", 0, "value_range"], None),
    ],
)
def test_a_damaged_report_is_refused(change: Callable[[dict[str, Any]], Any]) -> None:
    with pytest.raises(ValueError, match=r"report: .*measure this checkpoint again"):
        InformationReport.from_state(change(report().to_state()))


# Reading


def test_pairs_are_the_finite_upper_triangle_without_the_diagonal() -> None:
    one = layer()
    expected = [float(one.mutual_information[i, j]) for i in range(4) for j in range(i + 1, 4)]
    assert one.pairs().tolist() == expected


def test_finite_entropy_leaves_out_units_without_finite_values() -> None:
    assert layer().finite_entropy().tolist() == layer().entropy[:4].tolist()


def test_a_single_unit_has_no_pairs() -> None:
    assert layer(num_units=1).pairs().shape == (0,)


def test_a_layer_is_found_by_its_name() -> None:
    assert report()["head"].name == "head"
    with pytest.raises(KeyError, match=r"'tail' is not a measured layer; measured are \['encoder.0', 'head'\]"):
        report()["tail"]


def test_a_printed_report_names_every_layer_and_what_was_skipped() -> None:
    lines = str(report()).splitlines()
    assert "nats" in lines[0]
    assert [line.split()[0] for line in lines[1:]] == ["encoder.0", "head", "embedding"]
    assert f"{float(layer().finite_entropy().mean()):.4f}" in lines[1]
    assert f"{float(layer().pairs().mean()):.4f}" in lines[1]
    assert "5/10" in lines[1]
    assert "skipped: it has one unit" in lines[3]


def test_records_do_not_change() -> None:
    for record, name in ((layer(), "name"), (report(), "backend")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, name, "another")
