import math

import pytest
import torch
from torch import nn

from lightning_infomem.functional import (
    binned_entropy,
    gaussian_copula_information,
    mean_confidence,
    normal_scores,
    pairwise_mutual_information,
    rankme,
)
from lightning_infomem.measurement import measure, measure_caught, measure_samples
from lightning_infomem.sampling.ranks import Caught
from lightning_infomem.settings import MeasurementSettings
from tests.networks import Classifier, Encoder, UnifiedClassifier, dense, mlp, num_hooks


def test_the_report_holds_the_estimates_of_the_activations():
    model, inputs = mlp(), dense(200)
    report = measure(model, inputs.split(30), "2", value_range="unit", neighbors=1, bins=20)
    activations = model[:3](inputs).detach()
    layer = report["2"]
    torch.testing.assert_close(layer.entropy, binned_entropy(activations, bins=20))
    torch.testing.assert_close(layer.mutual_information, pairwise_mutual_information(activations, neighbors=1))
    assert (layer.width, layer.num_samples, layer.num_dropped) == (8, 200, 0)


def test_the_network_wide_range_spans_all_layers():
    samples = {"a": torch.tensor([[0.0], [1.0], [2.0], [4.0]]), "b": torch.tensor([[-4.0], [0.0], [1.0], [1.0]])}
    report = measure_samples(samples, MeasurementSettings(bins=2))
    assert report["a"].value_range == report["b"].value_range == (-4.0, 4.0)
    assert report["a"].entropy.item() == 0.0  # 0 lies on the edge and belongs to the upper bin, as the rest does
    quarter = 0.25 * math.log(4) + 0.75 * math.log(4 / 3)
    assert report["b"].entropy.item() == pytest.approx(quarter)
    own = measure_samples(samples, MeasurementSettings(bins=2, value_range="layer"))
    assert own["a"].value_range == (0.0, 4.0)
    assert math.isnan(measure_samples(samples, MeasurementSettings(value_range="unit"))["a"].value_range[0])


def test_dead_units_and_ties_are_counted():
    samples = torch.stack([torch.zeros(10), torch.arange(10.0), torch.arange(10.0).clamp_min(4)], dim=1)
    layer = measure_samples({"x": samples}, MeasurementSettings())["x"]
    assert layer.dead_fraction == pytest.approx(1 / 3)
    assert layer.tie_fraction == pytest.approx((0 + 5 / 10) / 2)  # 0..4 are all 4 in the last unit
    assert layer.entropy[0] == 0
    assert layer.mutual_information[0].tolist() == [0, 0, 0]


def test_non_finite_rows_are_dropped_and_units_without_values_are_nan():
    samples = torch.randn(50, 3)
    samples[7, 0] = math.inf
    samples[:, 2] = math.nan
    layer = measure_samples({"x": samples}, MeasurementSettings())["x"]
    assert (layer.num_samples, layer.num_dropped) == (49, 1)
    assert layer.entropy.isnan().tolist() == [False, False, True]
    assert layer.mutual_information[2].isnan().all()
    assert layer.mutual_information[:2, :2].isfinite().all()


def test_a_layer_without_enough_finite_samples_is_skipped_by_name():
    samples = {"good": torch.randn(20, 2), "bad": torch.full((20, 2), math.nan)}
    report = measure_samples(samples, MeasurementSettings())
    assert [layer.name for layer in report.layers] == ["good"]
    assert "more than neighbors=3" in report.skipped["bad"]


def test_nothing_to_measure_is_an_error_that_says_why():
    with pytest.raises(ValueError, match="x: samples: more than neighbors=3 finite samples"):
        measure_samples({"x": torch.randn(3, 2)}, MeasurementSettings())
    with pytest.raises(ValueError, match="no activation was captured"):
        measure_samples({}, MeasurementSettings())


def test_the_model_is_given_back_as_it_came():
    model = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2))
    model.train()
    model[2].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    measure(model, dense(50).split(10))
    assert [module.training for module in model] == [True, True, False, True]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert num_hooks(model) == 0
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_model_is_given_back_after_a_fault_too():
    model = mlp().train()
    with pytest.raises(RuntimeError):
        measure(model, [torch.randn(5, 99)])
    assert model.training
    assert num_hooks(model) == 0


@pytest.mark.parametrize(
    "wrap", [lambda x: x, lambda x: (x, torch.zeros(len(x))), lambda x: {"input": x, "labels": torch.zeros(len(x))}]
)
def test_batches_may_be_tensors_tuples_or_mappings(wrap):
    model, inputs = mlp(), dense(60)
    expected = measure(model, [inputs])
    report = measure(model, [wrap(inputs)])
    assert torch.equal(report["0"].mutual_information, expected["0"].mutual_information)


@pytest.mark.parametrize(
    ("batches", "came"),
    [
        (
            dense(60),
            r"a torch\.float32 tensor of shape \[60, 6\] on cpu, which is one batch; pass batches\.split\(64\)",
        ),
        (dense(60).numpy(), r"ndarray, which is one batch; pass \[batches\]"),
        ({"input": dense(60)}, r"dict, which is one batch; pass \[batches\]"),
        (3, "int 3"),
    ],
)
def test_one_batch_is_no_batches(batches, came):
    with pytest.raises(TypeError, match=f"^batches: batches, such as a DataLoader .* are required, got {came}"):
        measure(mlp(), batches)


def test_a_forward_function_may_do_the_work():
    model = Encoder()
    tokens = torch.randint(0, 11, (30, 5))
    report = measure(model, [{"anything": tokens}], forward=lambda model, batch: model(batch["anything"]))
    assert [layer.name for layer in report.layers] == ["encoder.layers.0", "encoder.layers.1"]


def test_settings_travel_with_the_numbers():
    report = measure(mlp(), [dense(50)], bins=7, value_range=(-1.0, 1.0))
    assert report.settings["bins"] == 7
    assert report.settings["value_range"] == [-1.0, 1.0]
    assert report.backend in ("reference", "cpu")
    assert report.version


@pytest.mark.parametrize(
    ("settings", "error"), [({"neighbours": 3}, TypeError), ({"bins": 0}, ValueError), ({"max_samples": 3}, ValueError)]
)
def test_wrong_settings_are_errors(settings, error):
    with pytest.raises(error):
        measure(mlp(), [dense(50)], **settings)


def test_baselines_come_from_the_same_rows():
    model, inputs = mlp(), dense(200)
    report = measure(model, inputs.split(30), "2", normal_scores=True)
    activations = model[:3](inputs).detach()
    scores = report["2"].scores
    pairs = torch.triu_indices(8, 8, offset=1)
    copula = gaussian_copula_information(activations)[pairs[0], pairs[1]].mean().item()
    assert scores["gaussian_mutual_information"] == pytest.approx(copula, abs=1e-6)
    normal = pairwise_mutual_information(normal_scores(activations))[pairs[0], pairs[1]].mean().item()
    assert scores["normal_mutual_information"] == pytest.approx(normal, abs=1e-6)
    assert scores["rankme"] == pytest.approx(float(rankme(activations)), rel=1e-4)
    assert scores["entropy_unit_range"] == pytest.approx(
        binned_entropy(activations, value_range="unit").mean().item(), abs=1e-6
    )
    assert 0 < scores["gaussian_mutual_information_error"] < 1
    # The head's outputs, of all classes.
    assert report.scores["mean_confidence"] == pytest.approx(float(mean_confidence(model(inputs).detach())), abs=1e-6)
    assert "normal_mutual_information" not in measure(model, inputs.split(30), "2")["2"].scores


def test_baselines_of_huge_activations_are_finite():
    samples = torch.randn(50, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 1e200
    scores = measure_samples({"x": samples}, MeasurementSettings())["x"].scores
    sound = measure_samples({"x": samples / 1e200}, MeasurementSettings())["x"].scores
    for name in ("rankme", "participation_ratio", "alpha_req", "gaussian_mutual_information", "mean_correlation"):
        assert scores[name] == pytest.approx(sound[name], rel=1e-9)


def test_the_probe_is_known_by_its_inputs_whatever_the_batches():
    model, inputs = mlp(), dense(200)
    probe = measure(model, inputs.split(30)).probe
    assert probe == measure(mlp(), inputs.split(64)).probe
    assert probe == measure(model, [{"input": part, "label": part[:, 0]} for part in inputs.split(30)]).probe
    other = inputs.clone()
    other[7, 0] += 1e-3
    assert probe != measure(model, other.split(30)).probe
    assert measure_samples({"x": torch.randn(20, 2)}, MeasurementSettings()).probe is None


# What the network does


def _caught(outputs, task, reason=""):
    empty = {"units": None, "widths": None, "skipped": {}, "input_marks": torch.arange(50)[:, None]}
    return Caught({"x": torch.randn(50, 4)}, logits=torch.randn(50, outputs), task=task, task_reason=reason, **empty)


@pytest.mark.parametrize("network", [mlp, Encoder])
def test_outputs_of_a_plain_module_are_assumed_to_be_classes(network):
    inputs = dense(50) if network is mlp else torch.randint(0, 11, (50, 5))
    report = measure(network(), [inputs])
    assert (report.task, report.task_reason) == ("assumed", "nothing says what its 3 outputs are")
    assert report.predictions is not None


def test_a_single_output_is_not_assumed_to_be_classes():
    assert measure(nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1)), [dense(50)]).task == "none"


@pytest.mark.parametrize("kind", [Classifier, UnifiedClassifier])
def test_of_a_lightning_module_nothing_is_assumed(kind):
    report = measure(kind(mlp()), [dense(50)])
    assert report.task == "unknown"
    assert report.predictions is not None  # for the day on which the task is known


@pytest.mark.parametrize("task", ["classification", "regression", "none"])
@pytest.mark.parametrize("kind", [nn.Sequential, Classifier])
def test_the_task_that_was_given_holds(kind, task):
    report = measure(kind(mlp()), [dense(50)], task=task)
    assert (report.task, report.task_reason) == (task, f'task="{task}" was given')
    assert (report.predictions is not None) == (task == "classification")


def test_evidence_is_reported_and_overruled_by_what_the_user_says_alone():
    caught = _caught(3, "regression", "its loss is mse_loss")
    report = measure_caught(caught, MeasurementSettings())
    assert (report.task, report.task_reason) == ("regression", "its loss is mse_loss")
    given = measure_caught(caught, MeasurementSettings(task="classification"))
    assert (given.task, given.task_reason) == ("classification", 'task="classification" was given')
    assert given.predictions is not None


# Places


class Twice(nn.Sequential):
    """Runs two views of each example."""

    def forward(self, x):
        return super().forward(torch.cat([x, x + 0.1]))


def test_the_place_of_an_input_is_the_same_whatever_the_batches_and_the_network():
    inputs = dense(50)
    found = measure(mlp(), inputs.split(7), max_samples=20).predictions
    assert len(found.places.unique()) == 20
    assert int(found.places.max()) < 50
    whole = measure(mlp(), [inputs]).predictions
    place_of = dict(zip(whole.inputs.tolist(), whole.places.tolist(), strict=True))
    assert [place_of[mark] for mark in found.inputs.tolist()] == found.places.tolist()
    assert sorted(place_of.values()) == list(range(50))


def test_the_place_of_a_repeated_input_is_its_first_one():
    inputs = dense(30)
    once = measure(mlp(), [inputs]).predictions
    repeated = [inputs.flip(0), inputs, inputs[:7]]
    assert torch.equal(measure(mlp(), [inputs, *repeated]).predictions.places, once.places)
    assert torch.equal(measure(mlp(), repeated).predictions.places, 29 - once.places)
    released = measure(mlp(), [inputs, *repeated], preset="released_code").predictions
    place_of = dict(zip(once.inputs.tolist(), once.places.tolist(), strict=True))
    assert [place_of[mark] for mark in released.inputs.tolist()] == released.places.tolist()
    assert len(released.places) == 97


def test_places_are_unknown_where_the_user_counts_examples_or_an_example_has_several_rows():
    batches = dense(50).split(10)
    plain = measure(mlp(), batches).predictions
    counted = measure(mlp(), batches, examples=len).predictions
    assert counted.has_inputs_of(plain)
    assert (plain.places is None, counted.places is None) == (False, True)
    twice = measure(Twice(*mlp()), batches).predictions
    assert (len(twice.inputs), twice.places) == (100, None)


def test_what_was_predicted_for_outputs_that_are_not_finite_is_unknown():
    logits = torch.tensor([[1e4, 0.0], [math.nan, 0.0], [-math.inf, 0.0], [0.0, 1e6]]).repeat(5, 1)
    marks = torch.arange(20).flip(0)[:, None]
    rows = {"x": torch.randn(20, 3)}
    found = measure_samples(rows, MeasurementSettings(), logits=logits, input_marks=marks, loader=2).predictions
    assert found.classes.flip(0).tolist() == [0, -1, -1, 1] * 5
    most = torch.finfo(torch.float16).max
    assert found.log_odds.flip(0).nan_to_num(nan=-1.0).tolist() == [1e4, -1, -1, most] * 5
    assert (found.log_odds.dtype, found.loader, found.places, found.num_classes) == (torch.float16, 2, None, 2)


# Repeated inputs


def _mean_information(report):
    return [layer.pairs().mean().item() for layer in report.layers]


def _twice(inputs):
    return [*inputs.split(64), *inputs.flip(0).split(64)]


def _oversampled(inputs):
    drawn = torch.multinomial(
        torch.arange(1.0, 301.0), 600, replacement=True, generator=torch.Generator().manual_seed(1)
    )
    return inputs[torch.cat([torch.arange(300), drawn])].split(50)


def _padded(inputs):
    return [*inputs.split(64), *[inputs[-1:].expand(64, *inputs.shape[1:])] * 3]


@pytest.mark.parametrize("repeat", [_twice, _oversampled, _padded])
@pytest.mark.parametrize("kind", ["dense", "tokens"])
def test_rows_of_one_input_are_measured_once(repeat, kind):
    torch.manual_seed(0)  # a network of one class has no smoothness
    tokens = torch.randint(0, 11, (300, 9), generator=torch.Generator().manual_seed(0)).unique(dim=0)
    model, inputs = {"dense": (mlp(), dense(300)), "tokens": (Encoder(), tokens)}[kind]
    once, repeated = measure(model, inputs.split(64)), measure(model, repeat(inputs))
    assert len(inputs) == 300
    assert (once.num_repeats, repeated.num_repeats) == (0, sum(map(len, repeat(inputs))) - 300)
    # The same rows in other batches, whose matrix products round otherwise.
    assert _mean_information(repeated) == pytest.approx(_mean_information(once), abs=1e-3)
    assert [layer.num_samples for layer in repeated.layers] == [300] * len(once.layers)
    assert repeated.scores == pytest.approx(once.scores, abs=1e-5)
    for one, other in zip(once.layers, repeated.layers, strict=True):
        assert one.scores["class_smoothness"] == pytest.approx(other.scores["class_smoothness"], abs=1e-3)
    assert repeated.probe == once.probe
    assert torch.equal(repeated.predictions.classes, once.predictions.classes)
    assert f"{repeated.num_repeats} rows repeat an input and were left out" in str(repeated)
    assert "repeat" not in str(once)


def test_rows_of_one_input_are_measured_once_whatever_their_order():
    samples = {"x": torch.randn(40, 3, generator=torch.Generator().manual_seed(0))}
    marks = torch.arange(40)[:, None] % 20
    samples["x"][20:] = samples["x"][:20]
    order = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    expected = measure_samples({"x": samples["x"][:20]}, MeasurementSettings(), input_marks=marks[:20])
    for rows in (torch.arange(40), order):
        shuffled = {"x": samples["x"][rows]}
        report = measure_samples(shuffled, MeasurementSettings(), input_marks=marks[rows])
        assert torch.equal(report["x"].mutual_information, expected["x"].mutual_information)
        assert (report.probe, report.num_repeats) == (expected.probe, 20)
    # Inputs that nobody knows are all measured, and so they are by the released program.
    assert measure_samples(samples, MeasurementSettings(), input_marks=marks[:, :0])["x"].num_samples == 40
    released = MeasurementSettings(preset="released_code")
    assert measure_samples(samples, released, input_marks=marks)["x"].num_samples == 40


def test_too_few_different_inputs_are_an_error_that_counts_the_repeats():
    with pytest.raises(
        ValueError, match=r"finite samples are required, got 3 \(57 more repeat an input and count once"
    ):
        measure(mlp(), [dense(3).repeat(20, 1)])
    assert measure(mlp(), [dense(4).repeat(20, 1)]).num_repeats == 76
