"""The mean training loss is of the latest steps, and costs the training nothing."""

import math

import pytest
import torch

from lightning_infomem.sampling.training_loss import TrainingLoss, mean_over_ranks


def added(*losses, epoch=0, into=None):
    mean = TrainingLoss() if into is None else into
    for loss in losses:
        mean.add(torch.tensor(loss), epoch)
    return mean


def test_without_a_step_there_is_none():
    assert TrainingLoss().mean() is None


def test_it_is_the_mean_since_the_last_beginning():
    mean = added(1.0, 2.0, 6.0)
    assert mean.mean() == 3.0
    mean.begin()
    assert mean.mean() == 3.0  # until there is another
    assert added(5.0, 7.0, into=mean).mean() == 6.0


def test_it_begins_anew_in_a_new_epoch():
    mean = added(100.0)
    assert added(2.0, 4.0, epoch=1, into=mean).mean() == 3.0


def test_a_loss_that_was_divided_is_restored():
    mean = TrainingLoss()
    mean.add(torch.tensor(0.25), 0, factor=4)
    assert mean.mean() == 1.0


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_mean_that_is_not_finite_is_none(loss):
    mean = added(1.0, loss)
    assert mean.mean() is None
    mean.begin()
    assert added(2.0, into=mean).mean() == 2.0


def test_what_is_no_number_is_ignored():
    mean = added(1.0)
    for loss in (torch.tensor([1.0, 2.0]), torch.tensor(3), torch.empty(0)):
        mean.add(loss, 0)
    mean.add(torch.tensor([[3.0]]), 0)
    assert mean.mean() == 2.0


def test_no_graph_is_kept_and_the_loss_stays_as_it_is():
    mean = TrainingLoss()
    loss = torch.ones(3, requires_grad=True).sum()
    mean.add(loss, 0)
    assert mean._sum.grad_fn is None
    mean.add(loss, 0)
    assert mean._sum.grad_fn is None
    assert (loss.item(), mean.mean()) == (3.0, 3.0)


def test_the_mean_over_ranks_is_of_all_or_of_none():
    assert mean_over_ranks([1.0, 2.0]) == 1.5
    assert mean_over_ranks([1.0, None]) is None
    assert mean_over_ranks([None]) is None
