from __future__ import annotations

import copy
import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from lightning_infomem.functional import frobenius_norms, log_product, path_norm, spectral_norms, sum_of_squares
from tests.functional.test_properties import SEEDS, normal
from tests.networks import Classifier, mlp, resnet

RELEASED: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "norms.json").read_text())
ROUNDING = 1e-12

bias_or_not = pytest.mark.parametrize("bias", [False, True])


def released_network(bias: bool) -> nn.Module:
    """The 3-4-2 network of the released values."""
    network = nn.Sequential(nn.Linear(3, 4, bias=bias), nn.ReLU(), nn.Linear(4, 2, bias=bias)).double()
    state = RELEASED[f"bias{bias}_state"]
    names = {"fc1": "0", "fc2": "2"}
    network.load_state_dict({f"{names[key[:3]]}{key[3:]}": torch.tensor(value) for key, value in state.items()})
    return network


# The released values. All agree but `l2_all_params`, where biases are counted as weights and ours are not.


def ours(bias: bool) -> dict[str, float]:
    network = released_network(bias)
    weights = network.state_dict()
    frobenius, spectral = frobenius_norms(weights), spectral_norms(weights)
    example = torch.zeros(7, 3, dtype=torch.float64)
    return {
        "frob_product": math.exp(log_product(frobenius)),
        "frob_sum_sq": sum_of_squares(frobenius),
        "param_norm_nitarshan": sum_of_squares(frobenius),
        "log_prod_of_fro": 2 * log_product(frobenius),  # of the squared norms
        "spectral_product": math.exp(log_product(spectral)),
        "l2_weights": math.sqrt(sum_of_squares(frobenius)),
        "l2_all_params": math.sqrt(sum_of_squares(frobenius)),
        "path_norm_p1": path_norm(network, example, order=1),
        "path_norm_p1.5": path_norm(network, example, order=1.5),
        "path_norm_p2": path_norm(network, example),
        "path_norm_p2_by_hand": path_norm(network, example, order=2),
    }


@bias_or_not
def test_norms_agree_with_the_released_code(bias: bool) -> None:
    prefix = f"bias{bias}_"
    released = {key.removeprefix(prefix): value for key, value in RELEASED.items() if key.startswith(prefix)}
    del released["state"]
    found = ours(bias)
    assert found.keys() == released.keys()
    with_biases = released.pop("l2_all_params")
    without_biases = found.pop("l2_all_params")
    assert found == pytest.approx(released, rel=ROUNDING)
    biases = [torch.tensor(value) for key, value in RELEASED[f"{prefix}state"].items() if key.endswith("bias")]
    squares = sum(float(vector.double().square().sum()) for vector in biases)
    assert math.hypot(without_biases, math.sqrt(squares)) == pytest.approx(with_biases, rel=ROUNDING)


# Spectral and Frobenius norms

SHAPES = [(1, 1), (5, 3), (3, 5), (40, 40), (6, 2, 3, 3), (2, 6, 3), (100, 4)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_norms_are_numpys_of_the_kernel_as_a_matrix(shape: tuple[int, ...], scale: float) -> None:
    weight = scale * normal(1, math.prod(shape), 1).reshape(shape)
    matrix = weight.numpy().reshape(shape[0], -1)
    spectral = spectral_norms({"weight": weight})["weight"]
    assert spectral == pytest.approx(np.linalg.norm(matrix, ord=2), rel=ROUNDING)
    frobenius = frobenius_norms({"weight": weight})["weight"]
    assert frobenius == pytest.approx(scale * np.linalg.norm(matrix / scale), rel=ROUNDING)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_norms_are_computed_in_float64(dtype: torch.dtype) -> None:
    weight = normal(2, 30, 50).to(dtype)
    for norms in (spectral_norms, frobenius_norms):
        assert norms({"weight": weight}) == norms({"weight": weight.double()})


def test_only_floating_point_tensors_of_two_or_more_dimensions_are_weights() -> None:
    state = {
        "scale": torch.ones(3),
        "weight": torch.ones(2, 8),
        "counter": torch.tensor(3),
        "indices": torch.ones(2, 2, dtype=torch.int64),
        "_extra_state": {"anything": 1},
        "conv": torch.ones(1, 1, 3, 3).requires_grad_(),
    }
    for norms in (spectral_norms, frobenius_norms):
        assert norms(state) == pytest.approx({"weight": 4.0, "conv": 3.0}, rel=ROUNDING)
        assert list(norms(state)) == ["weight", "conv"]
        assert norms({}) == {}


def test_a_network_has_a_norm_for_every_layer_with_weights() -> None:
    names = ["0.weight", "1.body.0.weight", "1.body.3.weight", "2.body.0.weight", "2.body.3.weight", "5.weight"]
    assert list(spectral_norms(resnet().state_dict())) == names


def test_weights_of_zeros_without_values_or_diverged() -> None:
    state = {"zero": torch.zeros(2, 3), "empty": torch.zeros(0, 3), "nan": torch.full((2, 2), math.nan)}
    state["inf"] = torch.tensor([[1.0, math.inf]])
    for norms in (spectral_norms, frobenius_norms):
        assert norms(state) == pytest.approx({"zero": 0.0, "empty": 0.0, "nan": math.nan, "inf": math.nan}, nan_ok=True)


@given(SEEDS, st.integers(1, 8), st.integers(1, 8))
def test_the_spectral_norm_is_at_most_the_frobenius_norm_and_at_least_its_share(
    seed: int, num_rows: int, num_columns: int
) -> None:
    state = {"weight": normal(seed, num_rows, num_columns)}
    spectral, frobenius = spectral_norms(state)["weight"], frobenius_norms(state)["weight"]
    assert spectral <= frobenius * (1 + ROUNDING)
    assert spectral >= frobenius / math.sqrt(min(num_rows, num_columns)) * (1 - ROUNDING)


def test_sums_of_squares_and_logarithms_of_products_by_hand() -> None:
    norms = {"first": 2.0, "second": 0.5, "third": 3.0}
    assert sum_of_squares(norms) == 13.25
    assert log_product(norms) == pytest.approx(math.log(3), abs=ROUNDING)
    assert log_product({"tiny": 1e-300, "tinier": 1e-300}) == pytest.approx(-600 * math.log(10), rel=ROUNDING)


def test_sums_and_products_of_nothing_zero_and_nan() -> None:
    assert sum_of_squares({}) == log_product({}) == 0
    assert log_product({"first": 2.0, "second": 0.0}) == -math.inf
    assert math.isnan(sum_of_squares({"first": 2.0, "second": math.nan}))
    assert math.isnan(log_product({"first": 2.0, "second": math.nan}))


def test_weights_that_are_no_mapping_are_refused() -> None:
    for norms in (spectral_norms, frobenius_norms):
        with pytest.raises(TypeError, match=r"weights: a mapping .* got Linear; pass model.state_dict\(\)"):
            norms(nn.Linear(2, 2))


# Path norm


def norm_of_all_paths(weights: list[Tensor], biases: list[Tensor], order: float) -> float:
    """Every path by itself: from an input, or from a bias, through one unit a layer to an output."""
    total = 0.0
    for start in range(len(weights)):
        sides = [weight.shape[0] for weight in weights[start:]]
        for path in itertools.product(*map(range, sides)):
            product = 1.0
            for layer, (previous, unit) in enumerate(itertools.pairwise(path), start=start + 1):
                product *= float(weights[layer][unit, previous])
            first = path[0]
            total += abs(product * float(biases[start][first])) ** order
            if start == 0:
                total += sum(abs(product * float(weight)) ** order for weight in weights[0][first])
    return total ** (1 / order)


@pytest.mark.parametrize("order", [0.5, 1, 2, 3.7])
def test_the_path_norm_is_that_of_all_paths_one_by_one(order: float) -> None:
    network = mlp().double()
    state = network.state_dict()
    weights, biases = ([state[f"{layer}.{kind}"] for layer in (0, 2, 4)] for kind in ("weight", "bias"))
    expected = norm_of_all_paths(weights, biases, order)
    example = torch.zeros(4, 6, dtype=torch.float64)
    assert path_norm(network, example, order=order) == pytest.approx(expected, rel=ROUNDING)


def batch_normed(affine: bool) -> nn.Sequential:
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3, affine=affine), nn.ReLU(), nn.Flatten())
    network.append(nn.Linear(3 * 4, 2)).double()
    with torch.no_grad():
        for index, parameter in enumerate(network.parameters()):
            parameter.copy_(normal(index, parameter.numel(), 1).reshape(parameter.shape))
        network[1].running_mean.copy_(normal(20, 3, 1)[:, 0])
        network[1].running_var.copy_(normal(21, 3, 1)[:, 0].square())
    return network.requires_grad_(False)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("affine", [False, True])
def test_batch_norm_counts_as_the_layer_that_scales_and_shifts(affine: bool, order: float) -> None:
    """Folded: the kernel is scaled, and the three biases (of both layers, and the mean) begin paths of their own."""
    network = batch_normed(affine)
    conv, norm, linear = network[0], network[1], network[4]
    scale = (norm.weight if affine else 1.0) / (norm.running_var + norm.eps).sqrt()
    raised = conv.weight.abs() ** order
    maps = nn.functional.conv2d(torch.ones(1, 2, 4, 4, dtype=torch.float64), raised)
    biases = (conv.bias.abs() ** order + norm.running_mean.abs() ** order)[:, None, None]
    maps = (maps + biases) * (scale.abs() ** order)[:, None, None]
    if affine:
        maps = maps + (norm.bias.abs() ** order)[:, None, None]
    total = (linear.weight.abs() ** order @ maps.flatten() + linear.bias.abs() ** order).sum()
    found = path_norm(network, torch.zeros(5, 2, 4, 4, dtype=torch.float64), order=order)
    assert found == pytest.approx(float(total ** (1 / order)), rel=1e-9)


@given(SEEDS, st.floats(0.1, 10))
def test_scale_moved_from_one_layer_to_the_next_changes_nothing(seed: int, factor: float) -> None:
    network = mlp().double()
    with torch.no_grad():
        network[0].weight.copy_(normal(seed, 10, 6))
        example = torch.zeros(1, 6, dtype=torch.float64)
        expected = path_norm(network, example)
        network[0].weight *= factor
        network[0].bias *= factor
        network[2].weight /= factor
    assert path_norm(network, example) == pytest.approx(expected, rel=ROUNDING)


def test_neither_the_values_nor_the_number_of_examples_count() -> None:
    network = mlp()
    assert path_norm(network, torch.randn(50, 6)) == path_norm(network, torch.full((1, 6), math.nan))


def test_the_example_decides_the_precision() -> None:
    network = mlp()
    in_float32, in_float64 = path_norm(network, torch.zeros(1, 6)), path_norm(network, torch.zeros(1, 6).double())
    assert in_float32 != in_float64
    assert in_float32 == pytest.approx(in_float64, rel=1e-5)
    assert path_norm(network.bfloat16(), torch.zeros(1, 6)) == pytest.approx(in_float32, rel=0.01)


def test_dropout_is_off_and_a_lightning_module_will_do() -> None:
    network = nn.Sequential(mlp(), nn.Dropout(0.9)).train()
    expected = path_norm(network[0], torch.zeros(2, 6))
    assert path_norm(network, torch.zeros(2, 6)) == expected
    assert path_norm(Classifier(network), torch.zeros(2, 6)) == expected


def test_tied_weights_stay_tied() -> None:
    network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 2, bias=False))
    network[2].weight = network[0].weight
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.0, -2.0], [3.0, -4.0]]))
    # |W|**2 twice over ones: (5, 25), then (105, 445).
    assert path_norm(network, torch.zeros(1, 2)) == pytest.approx(math.sqrt(550), rel=1e-6)


class Faulty(nn.Module):
    """Counts its passes in place, and fails or misbehaves when told to."""

    def __init__(self, output: Any = None) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        self.register_buffer("passes", torch.zeros((), dtype=torch.int64))
        self.register_buffer("sum", torch.zeros(()))
        self.output = output

    def forward(self, x: Tensor) -> Any:
        self.passes += 1
        self.sum += x.sum()
        if isinstance(self.output, Exception):
            raise self.output
        return self.inner(x) if self.output is None else self.output


@pytest.mark.parametrize("output", [None, RuntimeError("in the forward pass"), "no tensor"])
def test_the_model_is_given_back_exactly_as_it_came(output: Any) -> None:
    model = Faulty(output).train()
    model.inner[1].eval()
    model.inner[0].weight.requires_grad_(False)
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    before = {name: (value, value.clone(), value._version, value.requires_grad) for name, value in tensors.items()}
    modes = [module.training for module in model.modules()]
    try:
        path_norm(model, torch.zeros(3, 2))
    except (RuntimeError, TypeError):
        assert output is not None
    after = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    assert after.keys() == before.keys()
    for name, (value, content, version, requires_grad) in before.items():
        assert after[name] is value
        assert torch.equal(value, content)
        assert (value._version, value.requires_grad, value.grad) == (version, requires_grad, None)
    assert [module.training for module in model.modules()] == modes == [True, True, True, False]


def test_a_diverged_or_overflowing_network_gives_no_finite_number() -> None:
    network = mlp()
    huge = copy.deepcopy(network)
    with torch.no_grad():
        network[2].weight[0, 0] = math.nan
        huge[0].weight.fill_(1e30)
    assert math.isnan(path_norm(network, torch.zeros(1, 6)))
    assert path_norm(huge, torch.zeros(1, 6)) == math.inf
    assert math.isfinite(path_norm(huge, torch.zeros(1, 6).double()))
    assert path_norm(huge.double(), torch.zeros(1, 6).double(), order=0.01) == math.inf


@pytest.mark.parametrize(
    ("model", "example", "settings", "error", "message"),
    [
        (len, torch.zeros(1, 6), {}, TypeError, "model: a torch.nn.Module is required, got builtin_function"),
        (mlp(), torch.zeros(1, 6).long(), {}, TypeError, r"example: a floating-point .* torch.int64 .* embedded"),
        (mlp(), [[0.0] * 6], {}, TypeError, r"example: a floating-point .* got list"),
        (mlp(), torch.tensor(1.0), {}, ValueError, r"example: shape \[examples, ...\] .* shape \[\] .* a batch"),
        (mlp(), torch.zeros(0, 6), {}, ValueError, r"example: shape \[examples, ...\] .* shape \[0, 6\]"),
        (
            mlp(),
            torch.zeros(1, 6),
            {"order": 0},
            ValueError,
            "order: a finite number > 0 is required, got 0; 1 and 2",
        ),
        (
            mlp(),
            torch.zeros(1, 6),
            {"order": -1.0},
            ValueError,
            r"order: a finite number > 0 is required, got -1\.0",
        ),
        (mlp(), torch.zeros(1, 6), {"order": math.inf}, ValueError, "order: a finite number > 0 is required, got inf"),
        (mlp(), torch.zeros(1, 6), {"order": "2"}, TypeError, "order: a finite number > 0 is required, got str '2'"),
        (Faulty("words"), torch.zeros(1, 2), {}, TypeError, "model: a tensor as output is required, got str; wrap"),
        (
            nn.Sequential(mlp(), nn.LogSoftmax(1)),
            torch.zeros(1, 6),
            {},
            ValueError,
            r"model: outputs that grow .* a sum of -.*; remove what follows the logits",
        ),
    ],
)
def test_what_has_no_path_norm_is_refused(
    model: Any, example: Any, settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        path_norm(model, example, **settings)
