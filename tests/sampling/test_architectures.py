"""What is read from each of the architectures in the table."""

import pytest
import torch

from lightning_infomem.sampling.reading import read_network
from tests.sampling.architectures import (
    ARCHITECTURES,
    attention_and_maps,  # noqa: F401  each of these enters its networks into the table
    branches_and_heads,  # noqa: F401
    convolutional,  # noqa: F401
    recurrent,  # noqa: F401
    several_networks,  # noqa: F401
    tables_and_graphs,  # noqa: F401
    transformers_of_tokens,  # noqa: F401
)

# Torch's own remarks on networks that it could run faster, or in ways that it may change.
REMARKS = (
    "ignore:LSTM with projections",
    "ignore:enable_nested_tensor is True",
    "ignore:The PyTorch API of nested tensors",
)


@pytest.mark.filterwarnings(*REMARKS)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_network_is_read_as_it_runs(name):
    expected = ARCHITECTURES[name]
    torch.manual_seed(0)
    plan = read_network(expected.build(), expected.batch(), **expected.options)
    found = {
        "layers": {layer: (each.rows, each.units) for layer, each in plan.layers.items()},
        "order": list(plan.layers),
        "head": plan.head,
        "task": plan.task,
        "examples": plan.examples,
    }
    assert found == {
        "layers": {
            layer: units if isinstance(units, tuple) else (expected.examples, units)
            for layer, units in expected.layers.items()
        },
        "order": list(expected.layers),
        "head": expected.head,
        "task": expected.task,
        "examples": expected.examples,
    }
    assert set(expected.left_out) <= set(plan.left_out)
    assert plan.task_reason


def test_the_table_is_long():
    assert len(ARCHITECTURES) >= 40
