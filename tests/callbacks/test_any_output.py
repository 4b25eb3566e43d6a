"""Whatever a module returns, a training goes on: `make fuzz` tries 10,000 outputs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import pytest
import pytorch_lightning as pl
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lightning_infomem.callbacks import MemorizationMonitor
from tests.networks import Classifier, dense, loader, mlp, num_hooks

ROWS = 8
# As many as there are rows is what a hook hopes for; the rest is what it gets.
SIZES = st.sampled_from([ROWS, 0, 1, 2, 5])
SHAPES = st.lists(SIZES, max_size=4).map(tuple)
KINDS = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool, torch.complex64]
FILLS = ["normal", "zero", "nan", "inf", "some nan", "huge", "tiny"]


@dataclass
class Output:
    """As of a network that returns a data class."""

    hidden: object
    loss: object = None


def tensor(shape: tuple[int, ...], kind: torch.dtype, fill: str) -> torch.Tensor:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    if fill == "some nan":
        values[values > 0.5] = torch.nan
    elif fill != "normal":
        factors = {"zero": 0.0, "nan": torch.nan, "inf": torch.inf, "huge": 3e38, "tiny": 1e-44}
        values = values * factors[fill]
    return values.nan_to_num(0, 1, -1).to(kind) if kind in (torch.int64, torch.bool) else values.to(kind)


TENSORS = st.builds(tensor, SHAPES, st.sampled_from(KINDS), st.sampled_from(FILLS))
LEAVES = TENSORS | st.none() | st.text(max_size=2) | st.integers(0, 2) | st.just(nn.Identity())
OUTPUTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
        | st.builds(Output, inner, inner)
    ),
    max_leaves=4,
)


class Odd(nn.Module):
    """Returns what it is told to."""

    output: object = None

    def forward(self, x: torch.Tensor) -> object:
        return self.output


class Network(nn.Module):
    """One layer of which nobody knows what it returns, beside an ordinary one."""

    def __init__(self) -> None:
        super().__init__()
        self.odd, self.ordinary = Odd(), mlp()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.odd(x)
        return self.ordinary(x)


def validate(output: object, on_error: str) -> tuple[dict[str, float], MemorizationMonitor, list[str]]:
    model = Classifier(Network())
    model.network.odd.output = output
    monitor = MemorizationMonitor(layers=["network.odd", "network.ordinary.0"], on_error=on_error)
    trainer = pl.Trainer(
        callbacks=monitor,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        (metrics,) = trainer.validate(model, loader(dense(ROWS), batch_size=ROWS), verbose=False)
    assert num_hooks(model) == 0
    return metrics, monitor, [str(each.message) for each in caught]


@given(OUTPUTS)
def test_no_output_stops_a_training(output: object) -> None:
    metrics, monitor, said = validate(output, "warn")
    assert torch.isfinite(torch.tensor(metrics["infomem/network.ordinary.0/mi_mean"]))
    assert all(torch.isfinite(torch.tensor(value)) for value in metrics.values())
    names = [layer.name for layer in monitor.report.layers]
    if "network.odd" not in names:
        assert any("MemorizationMonitor leaves out layer 'network.odd': " in words for words in said)


@given(OUTPUTS)
def test_a_strict_monitor_names_the_layer(output: object) -> None:
    fault = ""
    try:
        _, monitor, _ = validate(output, "raise")
    except (TypeError, ValueError) as error:
        fault = str(error)
    if fault:
        assert "network.odd" in fault
    else:
        assert [layer.name for layer in monitor.report.layers] == ["network.odd", "network.ordinary.0"]


def test_the_outputs_tried_are_of_both_kinds() -> None:
    """Otherwise the laws above would say nothing."""
    for good in (
        tensor((ROWS, 5), torch.float16, "normal"),
        Output({"a": [tensor((ROWS, 2, 5), torch.float32, "zero")]}),
    ):
        _, monitor, _ = validate(good, "warn")
        assert len(monitor.report.layers) == 2
    for bad in (None, "x", tensor((5, ROWS), torch.float32, "normal"), tensor((ROWS,), torch.int64, "normal")):
        _, monitor, said = validate(bad, "warn")
        assert list(monitor.report.skipped) == ["network.odd"], said


@pytest.mark.parametrize("fill", ["nan", "inf"])
def test_a_layer_of_nothing_finite_is_a_named_skip(fill: str) -> None:
    _, monitor, _ = validate(tensor((ROWS, 4), torch.float32, fill), "warn")
    assert "network.odd" in monitor.report.skipped
