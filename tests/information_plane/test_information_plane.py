"""The information plane along a training."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import pytest
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lightning_infomem.information_plane import Binning, InformationPlane, information_plane
from lightning_infomem.information_plane.plane import measure_plane
from tests.networks import Classifier, dense, loader, mlp, trainer

LAYERS = ["network.0", "network.2"]


@dataclass(frozen=True)
class Failing:
    """Cannot treat a layer of a certain width."""

    width: int

    def estimate(self, hidden, labels, inputs=None):
        if hidden.shape[1] == self.width:
            raise ValueError("this layer is too wide")
        return Binning(2).estimate(hidden, labels)


def fit(folder, callback, *, epochs=3, model=None, **options):
    torch.manual_seed(0)
    model = Classifier(mlp()) if model is None else model
    options = {"callbacks": [callback] if callback else [], "max_epochs": epochs, **options}
    runner = trainer(folder, **options)
    runner.fit(model, loader(dense()), loader(dense()))
    return runner, model


def test_planes_begin_before_training_and_follow_its_epochs(tmp_path):
    plane = InformationPlane(loader(dense()), [Binning(), Binning(4, "unit")], layers=LAYERS, split="validation")
    _, model = fit(tmp_path, plane)
    assert [each.epoch for each in plane.planes] == [0, 1, 2, 3]
    last = plane.planes[-1]
    assert list(last.points) == LAYERS
    assert list(last.points["network.0"]) == ["Binning", "Binning(bins=4, value_range=unit)"]
    assert last.modules == dict.fromkeys(LAYERS, "Linear")
    assert (last.pooling, last.split) == ("flatten", "validation")
    anew = measure_plane(model, loader(dense()), [Binning()], layers=LAYERS)
    for layer in LAYERS:
        assert last.points[layer]["Binning"].input_information == anew.points[layer]["Binning"].input_information
        assert last.points[layer]["Binning"].num_samples == len(dense())


def test_training_is_the_same_with_and_without(tmp_path):
    class Noisy(Classifier):
        def training_step(self, batch, batch_idx):
            return super().training_step((batch[0] + torch.randn_like(batch[0]), batch[1]), batch_idx)

    weights = []
    for callback in (None, InformationPlane(loader(dense()), [Binning()], layers=LAYERS)):
        torch.manual_seed(0)
        _, model = fit(tmp_path, callback, model=Noisy(mlp()))
        weights.append(copy.deepcopy(model.state_dict()))
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_values_and_figures_are_logged_at_the_epochs_of_the_schedule(tmp_path):
    logger = TensorBoardLogger(tmp_path, name="", version="")
    fit(tmp_path, InformationPlane(loader(dense()), [Binning()], layers=LAYERS), logger=logger)
    events = EventAccumulator(str(tmp_path), size_guidance={"images": 0})
    events.Reload()
    names = [f"plane/{layer}/Binning/{measure}_information" for layer in LAYERS for measure in ("input", "label")]
    assert set(names) <= set(events.Tags()["scalars"])
    assert len(events.Scalars(names[0])) == 3
    assert len(events.Images("plane/Binning")) == 3


@pytest.mark.parametrize(
    ("every", "due"), [(100, [1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25]), (7, [1, 2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 16])]
)
def test_the_schedule_is_dense_at_first(every, due):
    plane = InformationPlane(loader(dense()), [Binning()], every_n_epochs=every)
    assert [epoch for epoch in range(1, due[-1] + 1) if plane.is_due(epoch)] == due


def test_planes_travel_in_checkpoints_and_a_resumed_run_goes_on(tmp_path):
    first = InformationPlane(loader(dense()), [Binning()], layers=LAYERS)
    fit(tmp_path, first, callbacks=[first, ModelCheckpoint(tmp_path, filename="last")], epochs=2)
    stored = torch.load(tmp_path / "last.ckpt", weights_only=True)["callbacks"][first.state_key]
    assert len(stored["infomem_planes"]) == 3
    second = InformationPlane(loader(dense()), [Binning()], layers=LAYERS)
    runner = trainer(tmp_path, callbacks=[second, ModelCheckpoint(tmp_path)], max_epochs=4)
    runner.fit(Classifier(mlp()), loader(dense()), loader(dense()), ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    assert [plane.epoch for plane in second.planes] == [0, 1, 2, 3, 4]
    assert second.planes[2].to_state() == first.planes[2].to_state()


def test_an_estimator_that_fails_on_a_layer_is_named_once_and_the_others_go_on(tmp_path):
    plane = InformationPlane(loader(dense()), [Failing(10), Binning()], layers=LAYERS)
    with pytest.warns(UserWarning, match="layer 'network.0' by Failing.width=10.: this layer is too wide") as caught:
        fit(tmp_path, plane)
    assert sum("InformationPlane" in str(each.message) for each in caught) == 1
    last = plane.planes[-1]
    assert list(last.points["network.0"]) == ["Binning"]
    assert list(last.points["network.2"]) == ["Failing(width=10)", "Binning"]
    with pytest.raises(ValueError, match="too wide"):
        fit(tmp_path, InformationPlane(loader(dense()), [Failing(10)], layers=LAYERS, on_error="raise"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": 2}, "labels: the place of the classes in a batch is required, got 2"),
        ({"labels": "label"}, "labels: the place of the classes in a batch is required, got 'label'"),
        ({"labels": 0}, "labels: a tensor of integer classes, one per sample, is required"),
        ({"max_samples": 10}, "at most 10 samples are required"),
    ],
)
def test_a_probe_that_does_not_fit_is_said_and_the_training_goes_on(tmp_path, options, message):
    plane = InformationPlane(loader(dense()), [Binning()], layers=LAYERS, **options)
    with pytest.warns(UserWarning, match=message):
        fit(tmp_path, plane, epochs=1)
    assert plane.planes == []


def test_layers_that_do_not_exist_are_a_misconfiguration(tmp_path):
    with pytest.raises(MisconfigurationException, match="nowhere"):
        fit(tmp_path, InformationPlane(loader(dense()), [Binning()], layers=["nowhere"]))


def test_no_estimator_and_the_same_one_twice_are_errors():
    with pytest.raises(ValueError, match="at least one is required"):
        InformationPlane(loader(dense()), [])
    with pytest.raises(ValueError, match="got Binning twice"):
        InformationPlane(loader(dense()), [Binning(), Binning()])


@dataclass(frozen=True)
class Choosing:
    """Chooses a parameter for each layer."""

    def estimate(self, hidden, labels, inputs=None):
        point = Binning(2).estimate(hidden, labels)
        return replace(point, parameters={"width": float(hidden.shape[1])})


def test_parameters_that_the_data_choose_are_drawn_and_said(tmp_path, monkeypatch):
    drawn = []
    original = information_plane.plot_information_plane

    def draw(planes, name, **options):
        drawn.append(original(planes, name, **options))
        return drawn[-1]

    monkeypatch.setattr(information_plane, "plot_information_plane", draw)
    logger = TensorBoardLogger(tmp_path, name="", version="")
    fit(tmp_path, InformationPlane(loader(dense()), [Choosing()], layers=LAYERS), logger=logger, epochs=1)
    assert "width 8 to 10" in drawn[-1].get_supxlabel()
