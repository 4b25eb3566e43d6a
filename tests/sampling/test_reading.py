import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional

from lightning_infomem.sampling.reading import NetworkReader, read_network
from lightning_infomem.sampling.watching import Watch
from lightning_infomem.settings import MeasurementSettings
from tests.networks import num_hooks


def mlp(inputs=4):
    return nn.Sequential(nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3))


def test_reading_changes_nothing_and_leaves_no_hook():
    model = mlp().train()
    before = copy.deepcopy(model.state_dict())
    state = torch.get_rng_state()
    read_network(model, torch.randn(16, 4, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(torch.get_rng_state(), state)
    assert num_hooks(model) == 0
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_pattern_that_also_matches_the_head_leaves_it_out():
    for layers in ("*", nn.Linear, ["0", "?"]):
        plan = read_network(mlp(), torch.randn(16, 4), layers)
        assert "4" not in plan.layers
        assert plan.head == "4"
    named = read_network(mlp(), torch.randn(16, 4), ["0", "4"])
    assert list(named.layers) == ["0", "4"]
    assert named.head == "4"
    assert list(read_network(mlp(), torch.randn(16, 4), "4").layers) == ["4"]


def test_a_named_layer_that_is_not_called_is_left_out_with_its_reason():
    model = nn.ModuleDict({"used": nn.Linear(4, 8), "unused": nn.Linear(4, 8), "head": nn.Linear(8, 2)})
    run = lambda model, batch: model["head"](model["used"](batch))  # noqa: E731
    plan = read_network(model, torch.randn(16, 4), ["used", "unused"], forward=run)
    assert list(plan.layers) == ["used"]
    assert plan.left_out == {"unused": "not called"}


def test_a_copy_that_no_optimizer_trains_is_left_out():
    class WithAverage(nn.Module):
        def __init__(self):
            super().__init__()
            self.average, self.net = mlp(), mlp()

        def forward(self, inputs):
            return self.net(inputs) + 0 * self.average(inputs)

    model = WithAverage()
    reader = NetworkReader(model, trained={id(parameter) for parameter in model.net.parameters()})
    batch = torch.randn(16, 4)
    with reader:
        reader.open_batch(batch)
        model(batch)
    assert list(reader.read().layers) == ["net.0", "net.2"]


class Graphs:
    """A batch as graph libraries have it: nodes of several graphs one after another."""

    def __init__(self):
        self.x = torch.randn(20, 5)
        self.edges = torch.randint(0, 20, (2, 40))
        self.graph_of = torch.arange(6).repeat_interleave(torch.tensor([5, 1, 3, 4, 2, 5]))


class GraphNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.nodes, self.graphs, self.head = nn.Linear(5, 8), nn.Linear(8, 7), nn.Linear(7, 2)

    def forward(self, batch):
        pooled = torch.zeros(6, 8).index_add(0, batch.graph_of, self.nodes(batch.x))
        return self.head(self.graphs(pooled))


@pytest.mark.parametrize("examples", [None, lambda batch: batch.graph_of])
def test_nodes_are_pooled_over_the_graph_that_they_belong_to(examples):
    model, batch = GraphNetwork(), Graphs()
    plan = read_network(model, batch, examples=examples, forward=lambda model, batch: model(batch))
    assert plan.examples == 6
    assert plan.layers["nodes"] == (6, 8)
    assert plan.layers["graphs"] == (6, 7)
    watch = Watch(model, "auto", MeasurementSettings(examples=examples))
    watch.open_batch(batch)
    model(batch)
    watch.close_batch()
    watch.close()
    node_rows = model.nodes(batch.x).detach()
    for graph, row in enumerate(watch.tap.samples()["nodes"]):
        torch.testing.assert_close(row, node_rows[batch.graph_of == graph].mean(0))


def test_a_count_alone_leaves_out_the_layers_of_nodes():
    model, batch = GraphNetwork(), Graphs()
    plan = read_network(model, batch, examples=6, forward=lambda model, batch: model(batch))
    assert list(plan.layers) == ["graphs"]
    assert "no row for each of the 6 examples" in plan.left_out["nodes"]


@pytest.mark.parametrize("views", [1, 2])
def test_the_rows_of_the_batch_that_is_read_are_kept(views):
    """Watching from scratch keeps the same rows as watching with the network known."""
    torch.manual_seed(0)
    model = mlp()
    batches = torch.randn(90, 4).split(30)

    def watch(network):
        found = Watch(model, "auto", MeasurementSettings(max_samples=40), network=network)
        for batch in batches:
            found.open_batch(batch)
            model(torch.cat([batch, batch + 1]) if views == 2 else batch)
            found.close_batch()
        found.close()
        return found

    fresh = watch(None)
    known = watch(fresh.network)
    assert fresh.network.views == views
    for name, rows in known.tap.samples().items():
        assert torch.equal(fresh.tap.samples()[name], rows)
    assert torch.equal(fresh.tap.logits(), known.tap.logits())
    assert torch.equal(fresh.tap.input_marks(), known.tap.input_marks())
    if views == 2:  # rows of one example stand side by side
        inner = model[0](torch.cat(batches)).detach()
        first, second = fresh.tap.samples()["0"][0::2], fresh.tap.samples()["0"][1::2]
        places = [int((inner - row).abs().sum(1).argmin()) for row in first]
        torch.testing.assert_close(second, model[0](torch.cat(batches)[places] + 1).detach())


def test_large_outputs_are_kept_as_pooled_rows(monkeypatch):
    monkeypatch.setattr("lightning_infomem.sampling.reading._LARGE", 100)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 6, 3), nn.Flatten(), nn.Linear(6 * 16, 3))
    batch = torch.randn(20, 1, 8, 8)
    watch = Watch(model, "auto", MeasurementSettings())
    watch.open_batch(batch)
    model(batch)
    watch.close_batch()
    watch.close()
    torch.testing.assert_close(watch.tap.samples()["0"], model[0](batch).mean((2, 3)).detach())


def test_the_network_can_be_pickled_and_copied_while_it_is_watched():
    model, batch = mlp(), torch.randn(16, 4)
    for network in (None, read_network(model, batch)):
        watch = Watch(model, "auto", MeasurementSettings(), network=network)
        watch.open_batch(batch)
        again, copied = pickle.loads(pickle.dumps(model)), copy.deepcopy(model)
        model(batch)
        watch.close_batch()
        watch.close()
        assert all(not module._forward_hooks for part in (again, copied) for module in part.modules())
        assert watch.tap.samples()["0"].shape == (16, 8)


@pytest.mark.parametrize(
    ("loss", "task"),
    [
        (lambda outputs: functional.cross_entropy(outputs, torch.zeros(16, dtype=torch.long)), "classification"),
        (lambda outputs: functional.cross_entropy(outputs, outputs.detach().softmax(1)), "classification"),
        (lambda outputs: nn.NLLLoss()(outputs.log_softmax(1), torch.ones(16, dtype=torch.long)), "classification"),
        (lambda outputs: functional.mse_loss(outputs, torch.zeros(16, 3)), "regression"),
        (lambda outputs: nn.HuberLoss()(outputs, torch.zeros(16, 3)), "regression"),
        (lambda outputs: functional.binary_cross_entropy_with_logits(outputs, torch.zeros(16, 3)), "none"),
        (lambda outputs: functional.cross_entropy(outputs @ outputs.T, torch.arange(16)), "unknown"),
    ],
)
def test_the_loss_that_is_computed_of_the_outputs_tells_the_task(loss, task):
    batch = (torch.randn(16, 4), torch.randint(0, 3, (16,)))
    plan = read_network(mlp(), batch, forward=lambda model, batch: loss(model(batch[0])))
    assert plan.task == task


def test_what_the_user_says_of_the_task_counts_more_than_any_evidence():
    batch = (torch.randn(16, 4), torch.tensor([0, 1, 2, 2] * 4))
    assert read_network(mlp(), batch).task == "classification"
    assert read_network(mlp(), batch, task="regression").task == "regression"


def test_a_plan_says_what_becomes_of_each_layer():
    plan = read_network(mlp(), (torch.randn(16, 4), torch.tensor([0, 1, 2, 2] * 4)), ["0", "1"])
    text = str(plan)
    assert "0  [1024 examples, 8 units]" in text
    assert "56 pairs of units a measurement" in text
    assert "head: 4, 3 outputs" in text
    assert "task: classification (" in text
    assert "measures 0 [8 units], 1 [8 units]; head 4; task classification" in plan.in_one_line()


def test_of_many_layers_one_line_names_some():
    model = nn.Sequential(*[nn.Linear(4, 4) for _ in range(13)])
    line = read_network(model, torch.randn(16, 4), max_units=3).in_one_line()
    assert "3 [3 of 4 units], ... 4 more ..., 8 [3 of 4 units]" in line
    assert "36 pairs of units" in line


def test_an_unknown_setting_is_refused():
    with pytest.raises(TypeError, match="max_unit"):
        read_network(mlp(), torch.randn(16, 4), max_unit=3)
