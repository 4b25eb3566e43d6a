import torch
from torch import nn

from lightning_infomem.sampling.watching import Watch
from lightning_infomem.settings import MeasurementSettings


def test_watches_that_end_in_any_order_leave_compilation_as_it_was():
    compiled = []

    def backend(graph, inputs):
        compiled.append(graph)
        return graph.forward

    torch._dynamo.reset()
    model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))
    fast = torch.compile(model, backend=backend)
    first, second = Watch(model, "auto", MeasurementSettings()), Watch(model, "auto", MeasurementSettings())
    fast(torch.randn(3, 2))
    assert not compiled
    first.close()
    fast(torch.randn(3, 2))
    assert not compiled
    second.close()
    fast(torch.randn(3, 2))
    assert compiled


def test_a_watch_that_sees_no_batch_has_caught_nothing():
    watch = Watch(nn.Linear(2, 2), "auto", MeasurementSettings())
    watch.close()
    assert watch.network is None
    assert watch.tap.samples() == {}
