import torch
from torch import nn
from torch.nn import functional

from lightning_infomem.sampling.loss_watch import LossWatch, SeenLoss


def test_functions_and_modules_are_seen_and_compute_the_same():
    outputs, classes = torch.randn(6, 3, requires_grad=True), torch.tensor([0, 1, 2, 2, 1, 0])
    alone = functional.cross_entropy(outputs, classes)
    (gradient,) = torch.autograd.grad(alone, outputs)
    watch = LossWatch().open()
    watched = nn.CrossEntropyLoss()(outputs, classes)
    again = functional.mse_loss(input=outputs, target=torch.zeros(6, 3))
    (same,) = torch.autograd.grad(watched, outputs)
    watch.close()
    functional.l1_loss(outputs, torch.zeros(6, 3))
    assert watch.seen == [
        SeenLoss("cross_entropy", "classification", (6, 3)),
        SeenLoss("mse_loss", "regression", (6, 3)),
    ]
    assert torch.equal(alone, watched)
    assert torch.equal(gradient, same)
    assert again.isfinite()
