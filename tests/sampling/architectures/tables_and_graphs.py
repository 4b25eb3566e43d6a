"""Networks for tables, sets, graphs and densities, and layers of unusual kinds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from tests.sampling.architectures import EXAMPLES, integers, labels, normal, perceptron, reads, rows


@reads("table of labelled rows", lambda: (rows(), labels()), {"0": 16, "3": 12}, head="6", task="classification")
@reads("table of rows without labels", rows, {"0": 16, "3": 12}, head="6", task="assumed")
@reads(
    "table by name",
    lambda: {"input": rows(), "labels": labels()},
    {"0": 16, "3": 12},
    head="6",
    task="classification",
)
def table():
    first = [nn.Linear(20, 16), nn.BatchNorm1d(16), nn.ReLU()]
    return nn.Sequential(*first, nn.Linear(16, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Linear(12, 3))


@reads(
    "weights of the classes come first in the batch",
    lambda: {"class_weights": torch.ones(3), "x": rows(), "labels": labels()},
    {"net.0": 16},
    head="net.2",
    task="classification",
)
class Weighted(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = perceptron(20, 16, 3)

    def forward(self, class_weights, x):
        return self.net(x) * class_weights


@reads("as many columns as rows", lambda: normal(6, 6), {"0": 6}, head="2", task="assumed")
def square_table():
    return perceptron(6, 6, 2)


@reads("one output", lambda: (rows(), labels(2)), {"0": 16, "2": 12}, head=None, task="none")
def one_output():
    return perceptron(20, 16, 12, 1)


@reads(
    "recommender",
    lambda: {"user": integers(20, EXAMPLES), "item": integers(30, EXAMPLES), "labels": normal(EXAMPLES)},
    {"mlp.0": 16, "mlp.2": 12},
    head=None,
    task="none",
)
class Recommender(nn.Module):
    def __init__(self):
        super().__init__()
        self.users, self.items = nn.Embedding(20, 8), nn.Embedding(30, 8)
        self.mlp = perceptron(16, 16, 12, 1)

    def forward(self, user, item):
        return self.mlp(torch.cat([self.users(user), self.items(item)], 1))[:, 0]


@reads(
    "factors alone: no layer",
    lambda: {"user": integers(20, EXAMPLES), "item": integers(30, EXAMPLES)},
    {},
    head=None,
    task="none",
)
class Factors(nn.Module):
    def __init__(self):
        super().__init__()
        self.users, self.items = nn.Embedding(20, 8), nn.Embedding(30, 8)

    def forward(self, user, item):
        return (self.users(user) * self.items(item)).sum(1)


@reads(
    "DeepFM, columns of categories and of numbers",
    lambda: {"kinds": integers(9, EXAMPLES, 4), "numbers": normal(EXAMPLES, 3)},
    {"deep.0": 16, "deep.2": 12},
    head=None,
    task="none",
)
class DeepFm(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.embedding = nn.Embedding(9, 1), nn.Embedding(9, 5)
        self.deep = perceptron(23, 16, 12, 1)

    def forward(self, kinds, numbers):
        factors = self.embedding(kinds)
        pairs = (factors.sum(1).square() - factors.square().sum(1)).sum(1)
        deep = self.deep(torch.cat([factors.flatten(1), numbers], 1))[:, 0]
        return self.first(kinds).sum((1, 2)) + pairs + deep


@reads(
    "set of points",
    lambda: normal(EXAMPLES, 9, 4),
    {"each.0": 16, "each.2": 12, "all.0": 14},
    head="all.2",
    task="assumed",
)
class DeepSet(nn.Module):
    def __init__(self):
        super().__init__()
        self.each, self.all = perceptron(4, 16, 12), perceptron(12, 14, 3)

    def forward(self, points):
        return self.all(self.each(points).sum(1))


@reads(
    "PointNet, convolutions over points",
    lambda: normal(EXAMPLES, 4, 9),
    {"conv1": 8, "conv2": 12, "fc1": 10},
    head="fc2",
    task="assumed",
)
class PointNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(4, 8, 1), nn.Conv1d(8, 12, 1)
        self.bn, self.fc1, self.fc2 = nn.BatchNorm1d(12), nn.Linear(12, 10), nn.Linear(10, 3)

    def forward(self, points):
        x = self.bn(self.conv2(self.conv1(points).relu())).amax(2)
        return self.fc2(self.fc1(x).relu())


# Graphs


class Graphs:
    """Several graphs as one, as PyTorch Geometric has them: no container, attributes alone."""

    def __init__(self, batch: Tensor | None, y: Tensor):
        self.x, self.edge_index, self.batch, self.y = normal(21, 5), integers(21, 2, 40), batch, y

    def to(self, device):
        return self


class GraphConvolution(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.lin, self.bias = nn.Linear(inputs, outputs, bias=False), nn.Parameter(torch.zeros(outputs))

    def forward(self, x, edges):
        x = self.lin(x)
        return x.index_add(0, edges[1], x[edges[0]]) + self.bias


class GraphNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.lin = GraphConvolution(5, 16), GraphConvolution(16, 12), nn.Linear(12, 3)

    def embed(self, x, edges):
        return self.conv2(self.conv1(x, edges).relu(), edges)


@reads(
    "classes of graphs",
    lambda: Graphs(torch.arange(21) * EXAMPLES // 21, labels()),
    {"conv1.lin": 16, "conv2.lin": 12},
    head="lin",
    task="classification",
)
class ClassesOfGraphs(GraphNetwork):
    def forward(self, data):
        x = self.embed(data.x, data.edge_index)
        return self.lin(x.new_zeros(int(data.batch.max()) + 1, 12).index_add(0, data.batch, x))


@reads(
    "classes of nodes",
    lambda: Graphs(None, integers(3, 21)),
    {"conv1.lin": 16, "conv2.lin": 12},
    head="lin",
    task="classification",
    examples=21,
)
class ClassesOfNodes(GraphNetwork):
    def forward(self, data):
        return self.lin(self.embed(data.x, data.edge_index))


@reads(
    "nodes counted by the user",
    lambda: {"edges": integers(21, 2, 40), "x": normal(21, 5)},
    {"conv1.lin": 16, "conv2.lin": 12},
    head="lin",
    task="assumed",
    examples=21,
    options={"examples": lambda batch: len(batch["x"])},
)
class CountedNodes(GraphNetwork):
    def forward(self, edges, x):
        return self.lin(self.embed(x, edges))


@dataclass
class OwnBatch:
    """A class of the user's for batches."""

    scale: Tensor
    rows: Tensor
    target: Tensor


@reads(
    "a batch of a class of the user's, examples counted by a number",
    lambda: OwnBatch(torch.ones(1), rows(), labels()),
    {"net.0": 16},
    head="net.2",
    task="classification",
    options={"examples": EXAMPLES},
)
class OfOwnBatch(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = perceptron(20, 16, 3)

    def forward(self, batch):
        return self.net(batch.rows * batch.scale)


# Blocks without a head, one block called again, and layers of unusual kinds


class Coupling(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = perceptron(2, 16, 2)

    def forward(self, x, log_determinant):
        kept, moved = x.chunk(2, 1)
        return torch.cat([moved + self.net(kept), kept], 1), log_determinant


@reads(
    "normalizing flow of coupling layers",
    lambda: normal(EXAMPLES, 4),
    {"couplings.0": 4, "couplings.1": 4},
    head="couplings.2.net.2",
    task="assumed",
)
class Flow(nn.Module):
    def __init__(self):
        super().__init__()
        self.couplings = nn.ModuleList(Coupling() for _ in range(3))

    def forward(self, x):
        log_determinant = x.new_zeros(len(x))
        for coupling in self.couplings:
            x, log_determinant = coupling(x, log_determinant)
        return x, log_determinant


@reads(
    "one block called several times",
    rows,
    {"stem": 12, "func.net.0": 16, "func.net.2": 12},
    head="head",
    task="assumed",
)
class NeuralOde(nn.Module):
    class Func(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = perceptron(12, 16, 12)

        def forward(self, x):
            return self.net(x)

    def __init__(self):
        super().__init__()
        self.stem, self.func, self.head = nn.Linear(20, 12), self.Func(), nn.Linear(12, 3)

    def forward(self, x):
        x = self.stem(x)
        for _ in range(4):
            x = x + self.func(x) / 4
        return self.head(x)


@reads("one layer called twice", rows, {"first": 16, "shared": 16}, head="head", task="assumed")
class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared, self.head, self.first = nn.Linear(16, 16), nn.Linear(16, 3), nn.Linear(20, 16)

    def forward(self, x):
        return self.head(self.shared(self.shared(self.first(x)).relu()).relu())


@reads("lazy layers", rows, {"0": 16, "2": 12}, head="4", task="assumed")
def lazy():
    return nn.Sequential(nn.LazyLinear(16), nn.ReLU(), nn.LazyLinear(12), nn.ReLU(), nn.LazyLinear(3))


@reads("layers with a parametrization", rows, {"0": 16, "2": 12}, head="4", task="assumed")
def parametrized():
    network = perceptron(20, 16, 12, 3)
    for number in (0, 2, 4):
        spectral_norm(network[number])
    return network


class OwnLayer(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(normal(outputs, inputs))

    def forward(self, x):
        return x @ self.weight.T


class CosineHead(OwnLayer):
    def forward(self, x):
        return 9 * nn.functional.normalize(x) @ nn.functional.normalize(self.weight).T


@reads(
    "layers of the user's own, and a head of cosines",
    lambda: (rows(), labels()),
    {"0": 16, "2": 12},
    head="4",
    task="classification",
)
def own_layers():
    return nn.Sequential(OwnLayer(20, 16), nn.ReLU(), OwnLayer(16, 12), nn.ReLU(), CosineHead(12, 3))


@reads("bilinear layer", lambda: {"left": rows(), "right": rows()}, {"bilinear": 16}, head="head", task="assumed")
class OfPairs(nn.Module):
    def __init__(self):
        super().__init__()
        self.bilinear, self.head = nn.Bilinear(20, 20, 16), nn.Linear(16, 3)

    def forward(self, left, right):
        return self.head(self.bilinear(left, right).relu())
