"""Samples with labels: one order, whatever form they come in."""

from __future__ import annotations

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from lightning_infomem.model_information.codelength_settings import CodelengthSettings
from lightning_infomem.model_information.labeled_data import LabeledData, labels_of


def numbered(count=10):
    return torch.arange(count)[:, None].float(), torch.arange(count) % 3


def rows_of(loader):
    return [batch[0][:, 0].int().tolist() for batch in loader]


def test_the_order_is_drawn_once_by_the_seed():
    data = LabeledData(numbered(), batch_size=4)
    (first, *rest) = rows_of(data.part(0, 10))
    everything = [row for batch in (first, *rest) for row in batch]
    assert sorted(everything) == list(range(10))
    assert everything != list(range(10))
    assert data.labels.tolist() == [row % 3 for row in everything]
    assert rows_of(LabeledData(numbered(), batch_size=10).part(2, 7)) == [everything[2:7]]
    assert rows_of(LabeledData(numbered(), batch_size=10, seed=1).part(0, 10)) != [everything]


def test_a_part_that_is_shuffled_is_so_anew_each_epoch_and_by_its_seed():
    data = LabeledData(numbered(), batch_size=10)
    loader = data.part(0, 10, shuffle_seed=3)
    epochs = [rows_of(loader)[0] for _ in range(2)]
    assert epochs[0] != epochs[1]
    assert sorted(epochs[0]) == sorted(epochs[1])
    assert rows_of(data.part(0, 10, shuffle_seed=3))[0] == epochs[0]
    assert rows_of(data.part(0, 10, shuffle_seed=4))[0] != epochs[0]


def test_no_loader_draws_from_the_global_generator():
    state = torch.get_rng_state()
    data = LabeledData(DataLoader(TensorDataset(*numbered()), batch_size=2, shuffle=True))
    list(data.part(0, 10))
    list(data.part(0, 10, shuffle_seed=3))
    assert torch.equal(state, torch.get_rng_state())


def test_a_last_sample_alone_is_left_out_of_training_but_not_of_coding():
    data = LabeledData(numbered(), batch_size=3)
    assert [len(batch) for batch in rows_of(data.part(0, 10, shuffle_seed=0))] == [3, 3, 3]
    assert [len(batch) for batch in rows_of(data.part(0, 8, shuffle_seed=0))] == [3, 3, 2]
    assert [len(batch) for batch in rows_of(data.part(0, 1, shuffle_seed=0))] == [1]
    assert [len(batch) for batch in rows_of(data.part(0, 10))] == [3, 3, 3, 1]
    one_by_one = LabeledData(numbered(), batch_size=1)
    assert len(rows_of(one_by_one.part(0, 10, shuffle_seed=0))) == 10


def test_a_loader_gives_its_batch_size_collation_and_workers_but_not_its_order():
    def as_mapping(rows):
        return {"x": torch.stack([row[0] for row in rows]), "label": torch.stack([row[1] for row in rows])}

    loader = DataLoader(TensorDataset(*numbered()), batch_size=4, shuffle=True, collate_fn=as_mapping)
    data = LabeledData(loader)
    assert [len(batch["label"]) for batch in data.part(0, 10)] == [4, 4, 2]
    assert data.labels.tolist() == LabeledData(numbered()).labels.tolist()
    assert LabeledData.of(loader, CodelengthSettings(batch_size=5)).part(0, 10).batch_size == 5
    assert LabeledData.of(data, CodelengthSettings(batch_size=5)) is data


def test_the_digest_tells_labels_order_and_inputs_apart():
    inputs, labels = numbered()
    digests = {
        LabeledData(data, seed=seed).digest()
        for data, seed in (
            ((inputs, labels), 0),
            ((inputs, labels), 1),
            ((inputs + 1, labels), 0),
            ((inputs, 2 - labels), 0),
        )
    }
    assert len(digests) == 4
    assert LabeledData((inputs.clone(), labels.clone())).digest() in digests


@pytest.mark.parametrize("labels", [torch.tensor([1, 2]), torch.tensor([1, 2], dtype=torch.uint8)])
def test_labels_are_the_second_entry_or_that_of_their_name(labels):
    for batch in ((None, labels), [None, labels, 3], {"labels": labels}, {"label": labels}):
        found = labels_of(batch)
        assert (found.dtype, found.tolist()) == (torch.int64, [1, 2])


@pytest.mark.parametrize(
    "batch",
    [
        torch.ones(3),
        (torch.ones(3),),
        {"target": torch.tensor([1])},
        (0, torch.ones(2)),
        (0, torch.ones(2, 1).long()),
        3,
    ],
)
def test_batches_without_one_class_number_a_sample_are_named(batch):
    with pytest.raises(TypeError, match=r"data: batches \(inputs, labels\), or mappings .* are required"):
        labels_of(batch)
