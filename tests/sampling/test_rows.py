from dataclasses import dataclass

import pytest
import torch
from torch import nn

from lightning_infomem.sampling.rows import pool_rows

ALL = torch.arange(4)
LINEAR = nn.Linear(1, 1)
CONV = nn.Conv1d(1, 1, 1)


def pool(output, module=LINEAR, rows=ALL, **options):
    return pool_rows(output, module, rows, 4, **options)


def test_dense_rows_are_copied_as_they_are():
    output = torch.randn(4, 5)
    rows = pool(output, rows=torch.tensor([3, 1]))
    assert torch.equal(rows, output[[3, 1]])
    output.zero_()
    assert rows.abs().sum() > 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_is_widened(dtype):
    assert pool(torch.ones(4, 2, dtype=dtype)).dtype == torch.float32


def test_maps_are_pooled_over_space():
    output = torch.randn(4, 3, 5, 6)
    torch.testing.assert_close(pool(output, CONV), output.mean((2, 3)))
    assert torch.equal(pool(output, CONV, pooling="max"), output.amax((2, 3)))
    assert torch.equal(pool(output, CONV, pooling="center"), output[:, :, 2, 3])
    assert pool(output, CONV, pooling="flatten").shape == (4, 90)


def test_three_dimensions_are_channels_first_behind_a_convolution_and_a_sequence_elsewhere():
    output = torch.randn(4, 3, 7)
    torch.testing.assert_close(pool(output, CONV), output.mean(2))
    torch.testing.assert_close(pool(output, LINEAR), output.mean(1))


def test_sequences_are_pooled_where_the_mask_admits():
    output = torch.randn(4, 3, 2)
    mask = torch.tensor([[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 1, 1]])
    expected = torch.stack([output[0, :2].mean(0), output[1, 0], output[2].mean(0), output[3, 1:].mean(0)])
    torch.testing.assert_close(pool(output, mask=mask), expected)
    expected = torch.stack([output[0, 1], output[1, 0], output[2, 2], output[3, 2]])
    assert torch.equal(pool(output, mask=mask, pooling="last"), expected)
    expected = torch.stack([output[0, :2].amax(0), output[1, 0], output[2].amax(0), output[3, 1:].amax(0)])
    assert torch.equal(pool(output, mask=mask, pooling="max"), expected)
    assert torch.equal(pool(output, mask=mask, pooling="cls"), output[:, 0])
    assert torch.equal(pool(output, pooling="last"), output[:, -1])
    assert torch.equal(pool(output, pooling="center"), output[:, 1])


def test_a_mask_of_another_length_is_not_used():
    output = torch.randn(4, 3, 2)
    torch.testing.assert_close(pool(output, mask=torch.ones(4, 9)), output.mean(1))


def test_a_module_that_is_not_batch_first_is_transposed():
    module = nn.LSTM(2, 5)
    output = module(torch.randn(7, 4, 2))
    torch.testing.assert_close(pool(output, module), output[0].transpose(0, 1).mean(1).detach())


@dataclass
class Output:
    loss: object
    hidden: torch.Tensor


@pytest.mark.parametrize(
    "wrap", [lambda t: (t, None), lambda t: [[t]], lambda t: {"x": None, "y": t}, lambda t: Output(None, t)]
)
def test_the_first_tensor_of_a_container_is_taken(wrap):
    output = torch.randn(4, 2)
    assert torch.equal(pool(wrap(output)), output)


def test_a_function_pools():
    output = torch.randn(4, 3, 2)
    assert torch.equal(pool(output, pooling=lambda positions: positions.amin(1)), output.amin(1))
    with pytest.raises(ValueError, match="pooling must return"):
        pool(output, pooling=lambda positions: positions)


@pytest.mark.parametrize(
    ("output", "error", "message"),
    [
        (None, TypeError, "no tensor"),
        (torch.zeros(4, 2, dtype=torch.int64), TypeError, "no floating-point"),
        (torch.zeros(4, 2, dtype=torch.complex64), TypeError, "no floating-point"),
        (torch.zeros(3, 2), ValueError, "no row for each of the 4"),
        (torch.tensor(1.0), ValueError, "no row for each"),
    ],
)
def test_what_has_no_rows_is_named(output, error, message):
    with pytest.raises(error, match=message):
        pool(output)
