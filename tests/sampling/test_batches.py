from types import SimpleNamespace

import pytest
import torch

from lightning_infomem.sampling.batches import (
    ExampleCounter,
    attention_mask,
    find_labels,
    likely_sizes,
    mark_examples,
    parts_of,
)


def likely(batch):
    return next(iter(likely_sizes(parts_of(batch))), None)


@pytest.mark.parametrize(
    ("batch", "count"),
    [
        (torch.zeros(5, 2), 5),
        (({"a": torch.tensor(1.0), "b": torch.zeros(3)}, 1), 3),
        ([torch.zeros(8, 3), torch.zeros(8, dtype=torch.long)], 8),
        ({"weights": torch.ones(10), "x": torch.zeros(32, 8), "y": torch.zeros(32, dtype=torch.long)}, 32),
        ((torch.zeros(10, 32, 6), torch.zeros(32, dtype=torch.long)), 32),
        (([torch.zeros(3, 4, 4), torch.zeros(3, 5, 4), torch.zeros(3, 6, 4)], [{"boxes": torch.zeros(2, 4)}] * 3), 3),
        ([{"image": torch.zeros(3, 4, 4)}, {"image": torch.zeros(3, 4, 5)}], 2),
        (([torch.zeros(6, 3), torch.zeros(6, 3)], torch.zeros(6, dtype=torch.long)), 6),
        ((["a text", "another", "a third"], {"other": 1}), 3),
        (SimpleNamespace(inputs=torch.zeros(7, 2), targets=torch.zeros(7)), 7),
        (["text", 2], None),
    ],
)
def test_the_likeliest_number_of_examples_is_told_by_all_parts_of_a_batch(batch, count):
    assert likely(batch) == count


def test_examples_are_counted_as_the_user_says():
    graph = SimpleNamespace(nodes=torch.zeros(9, 2), graph=torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2]))
    assert ExampleCounter(4).count(graph) == (4, None)
    assert ExampleCounter(lambda batch: torch.tensor(3)).count(graph) == (3, None)
    count, owners = ExampleCounter(lambda batch: batch.graph).count(graph)
    assert count == 3
    assert owners is graph.graph


@pytest.mark.parametrize("found", ["three", 1.5, torch.zeros(3), True])
def test_anything_but_a_count_of_examples_is_refused(found):
    with pytest.raises(TypeError, match="examples: the number of examples"):
        ExampleCounter(lambda batch: found).count(None)


@pytest.mark.parametrize(
    ("labels", "is_found"),
    [
        (torch.tensor([0, 2, 1, 1]), True),
        (torch.tensor([[0], [2], [1], [1]]), True),
        (torch.tensor([0, -100, 1, 1]), True),
        (torch.tensor([0, 3, 1, 1]), False),  # more than there are classes
        (torch.tensor([0, 1, 2, 3]), False),  # indices
        (torch.tensor([0.0, 2.0, 1.0, 1.0]), False),
        (torch.tensor([True, False, True, True]), False),
        (torch.tensor([-1, 0, 1, 1]), False),
    ],
)
def test_integers_below_the_number_of_classes_are_labels(labels, is_found):
    found = find_labels(parts_of((torch.zeros(4, 5), labels)), 4, 3)
    assert (found is not None) == is_found
    assert not is_found or torch.equal(found, labels.reshape(-1))


def test_equal_inputs_have_equal_marks_in_any_batch_and_order():
    inputs = torch.randn(20, 3, 7)
    marks = mark_examples(parts_of((inputs, torch.arange(20))), 20, torch.arange(20))
    assert len(marks.unique()) == 20
    again = mark_examples(parts_of(inputs.flip(0)[:5].double()), 5, torch.arange(5))
    assert torch.equal(again, marks.flip(0)[:5])
    time_first = mark_examples(parts_of(inputs.transpose(0, 1).contiguous()), 20, torch.tensor([3]))
    assert torch.equal(time_first, marks[[3]])
    changed = inputs.clone()
    changed[4, 2, 6] += 1e-6
    assert mark_examples(parts_of(changed), 20, torch.tensor([4])) != marks[4]


def test_examples_of_one_number_each_are_told_apart_by_all_numbers():
    users, items = torch.tensor([1, 1, 2, 2]), torch.tensor([5, 6, 5, 5])
    marks = mark_examples(parts_of((users, items)), 4, torch.arange(4))
    assert marks[2] == marks[3]
    assert len(marks.unique()) == 3


def test_examples_that_are_alike_in_one_tensor_are_told_apart_by_another():
    kinds, numbers = torch.tensor([[1, 2], [1, 2], [3, 2], [1, 2]]), torch.tensor([[0.5], [0.7], [0.5], [0.5]])
    marks = mark_examples(
        parts_of({"attention_mask": torch.ones(4, 3), "kinds": kinds, "x": numbers}), 4, torch.arange(4)
    )
    assert len(marks.unique()) == 3
    assert marks[0] == marks[3]


@pytest.mark.parametrize(
    "inputs",
    [
        torch.randn(9, 5),  # nodes of graphs
        [torch.randn(3, 5 + index, 7) for index in range(6)],
        ["a", "b", "c", "d", "e", "f"],
    ],
)
def test_labels_do_not_describe_examples_that_are_described_in_another_way(inputs):
    marks = mark_examples(parts_of((inputs, torch.tensor([0, 1, 0, 1, 0, 1]))), 6, torch.arange(6))
    assert marks is None if isinstance(inputs, torch.Tensor) else len(marks.unique()) == 6


@pytest.mark.parametrize(
    ("entries", "are_examples"),
    [
        ([torch.zeros(3, 8 + size, 9) for size in range(2)], True),
        ([torch.zeros(5 + length, 4) for length in range(2)], True),
        ([torch.zeros(3, 8, 9) for _ in range(6)], True),
        ([torch.zeros(16, 20), torch.zeros(16)], False),
        ([torch.zeros(16, 20), torch.zeros(16, 14)], False),
        ([torch.zeros(16, 3, 8 + size, 9) for size in (0, 0, 4, 4, 4, 4)], False),  # crops of each image
    ],
)
def test_a_list_of_tensors_has_an_example_each_or_all_examples_each(entries, are_examples):
    parts = parts_of((entries, torch.zeros(16)))
    assert len(parts) == (2 if are_examples else len(entries) + 1)


def test_the_attention_mask_is_found_in_the_batch():
    mask = torch.ones(2, 3)
    assert attention_mask({"attention_mask": mask}) is mask
    assert attention_mask([{"attention_mask": mask}, 0]) is mask
    assert attention_mask({"attention_mask": torch.ones(2)}) is None
    assert attention_mask(mask) is None


def test_the_entries_of_a_list_of_images_or_texts_are_told_apart():
    images = [torch.zeros(3, 4, 4), torch.ones(3, 5, 4), torch.zeros(3, 4, 4), torch.zeros(3, 2, 8)]
    targets = [{"boxes": torch.zeros(2, 4)}] * 4
    marks = mark_examples(parts_of((images, targets)), 4, torch.arange(4))
    assert marks[0] == marks[2]
    assert len(marks.unique()) == 3
    words = mark_examples(parts_of((["one", "two", "one"], torch.tensor([0, 1, 0]))), 3, torch.arange(3))
    assert words[0] == words[2] != words[1]
    assert torch.equal(words[[1]], mark_examples(parts_of((["two", "three"], 1)), 2, torch.arange(1)))


def test_what_an_object_refers_to_is_no_part_of_a_batch():
    data_set = SimpleNamespace(rows=torch.zeros(1000, 2), everything=[torch.zeros(5)] * 100)
    batch = SimpleNamespace(x=torch.zeros(4, 2), more={"y": torch.zeros(4)}, data_set=data_set)
    assert [part.path for part in parts_of({"batch": batch})] == [("batch", "x"), ("batch", "more", "y")]


def test_objects_in_a_list_are_examples():
    graphs = [SimpleNamespace(x=torch.zeros(nodes, 2)) for nodes in (3, 5, 4)]
    assert [len(part.value) for part in parts_of((graphs, torch.tensor([0, 1, 0])))] == [3, 3]
