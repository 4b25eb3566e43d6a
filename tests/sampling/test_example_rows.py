import torch
from torch import nn

from lightning_infomem.sampling.batches import parts_of
from lightning_infomem.sampling.example_rows import find_examples

LINEAR = nn.Linear(1, 1)


def found(batch, *outputs, **options):
    shown = [output if isinstance(output[0], nn.Module) else (LINEAR, output) for output in outputs]
    return find_examples(batch, parts_of(batch), shown, **options)


def test_the_size_that_most_layers_have_counts():
    batch = {"weights": torch.ones(10, 2), "x": torch.zeros(32, 6)}
    assert found(batch, (32, 5), (32, 4), (10, 3)).num_examples == 32
    assert found(batch, (10, 5), (10, 4), (32, 3)).num_examples == 10


def test_a_recurrent_layer_says_along_which_axis_the_examples_stand():
    batch = torch.zeros(10, 32, 6)
    assert found(batch, (nn.LSTM(6, 4), (10, 32, 4)), (10, 32, 3)).num_examples == 32
    assert found(batch, (nn.LSTM(6, 4, batch_first=True), (10, 32, 4))).num_examples == 10


def test_several_rows_an_example_are_views():
    batch = ((torch.zeros(8, 3), torch.zeros(8, 3)), torch.zeros(8, dtype=torch.long))
    examples = found(batch, (16, 5), (16, 4))
    assert (examples.num_examples, examples.views) == (8, 2)


def test_other_batches_are_counted_in_the_same_way():
    counter = found((torch.zeros(10, 32, 6), torch.zeros(32).long()), (nn.LSTM(6, 4), (10, 32, 4))).counter
    assert counter.count((torch.zeros(10, 7, 6), torch.zeros(7).long()))[0] == 7


def test_what_the_user_says_counts():
    assert found(torch.zeros(32, 6), (32, 5), examples=4).num_examples == 4


def test_sorted_labels_are_no_graphs():
    batch = (torch.zeros(6, 3), torch.tensor([0, 0, 1, 1, 2, 2]))
    assert found(batch, (6, 5), (6, 3)).num_examples == 6
