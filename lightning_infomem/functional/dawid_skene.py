"""True classes and accuracies estimated from the votes of several checkpoints."""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from lightning_infomem._checks import check_choice, check_count, check_finite, check_samples, describe
from lightning_infomem._errors import UsageValueError
from lightning_infomem.functional.usable_votes import usable_classes, usable_votes

__all__ = ["DawidSkene", "dawid_skene"]

_LEAST = 1e-10  # least probability of anything, so that logarithms stay finite


class DawidSkene(NamedTuple):
    """A model of Dawid and Skene, fitted to the votes of checkpoints; all tensors are float64 on the CPU."""

    posterior: Tensor
    """Probability of each class, ``[inputs, classes]``; rows sum to 1. Known labels have probability 1."""
    accuracy: Tensor
    """Probability that a checkpoint is right about a new input, ``[checkpoints]``; NaN without a known prediction."""
    confusion: Tensor | None
    """Probability of each prediction given the true class, ``[checkpoints, true, predicted]``; None for one coin."""
    class_prior: Tensor
    """Probability of each class before any vote, ``[classes]``."""
    log_likelihood: float
    """Log-likelihood of all votes and known labels, in nats."""
    num_iterations: int
    """Number of iterations."""
    converged: bool
    """Whether the last iteration gained less than the tolerance."""


def dawid_skene(
    classes: Tensor,
    num_classes: int,
    *,
    model: str = "one_coin",
    labels: Tensor | None = None,
    label_weight: float = 1.0,
    prior: Tensor | None = None,
    pseudo_votes: float | None = None,
    pseudo_accuracy: float = 0.5,
    tolerance: float = 1e-7,
    max_iterations: int = 500,
) -> DawidSkene:
    """Estimate the true classes of inputs and the accuracies of checkpoints from predicted classes.

    Each checkpoint is taken to err independently of the others, given the true class. Where most checkpoints share an
    error, a shortcut or memorized noise, the model takes that error for the truth. Fitted by expectation maximisation,
    which starts from the shares of the vote.

    Args:
        classes: Predicted classes, ``[checkpoints, inputs]``, any integer dtype and device, at least 2 checkpoints; -1
            is an unknown prediction, which is ignored.
        num_classes: Number of classes, at least 2.
        model: ``"one_coin"``: one accuracy for each checkpoint, whose errors spread evenly over the other classes.
            ``"confusion"``: a probability of each prediction given each true class, for errors that have a pattern.
        labels: Known true classes, ``[inputs]``, any integer dtype; -1 where unknown. They keep probability 1.
        label_weight: How many inputs each labelled one stands for in the accuracies. More than 1 makes sense where few
            are labelled: checkpoints err together, so that many unlabelled inputs tell less than their number.
        prior: Probability of each class, ``[classes]``, positive; None to estimate it.
        pseudo_votes: Weight of the prior, in votes. With one coin, of each checkpoint; 2 if None. With confusion
            matrices, of each checkpoint and true class, spread as the checkpoint's one coin, fitted first, spreads
            them; 30 if None. With many classes and few votes for each, less lets matrices follow chance.
        pseudo_accuracy: Share of the pseudo-votes of one coin that is right.
        tolerance: Stop when an iteration raises the log posterior by less than this, in nats per input.
        max_iterations: Largest number of iterations.

    Returns:
        A `DawidSkene`. An input without any known prediction or label gets the class prior and does not count in it.

    Raises:
        TypeError: If a tensor does not hold integers, or a number has the wrong type.
        ValueError: If a shape or value is out of range, or no prediction is known.

    Cost:
        Each iteration takes time ``checkpoints * inputs`` with one coin, times ``classes`` with confusion matrices,
        which take memory ``4 * 8 * checkpoints * classes**2`` bytes.

    Reference:
        Dawid and Skene (1979), Maximum likelihood estimation of observer error-rates using the EM algorithm, Applied
        Statistics 28:20, equations 2.3 to 2.5; for one coin Zhang et al. (2016), Spectral methods meet EM, JMLR 17:1.
        We add pseudo-votes, which give the mode of the posterior under a Dirichlet prior whose parameters are 1 more
        than the pseudo-votes.

    >>> votes = torch.tensor([[0, 1, 2, 0], [0, 1, 2, 1], [0, 1, 0, 2]])
    >>> fitted = dawid_skene(votes, 3)
    >>> fitted.posterior.argmax(1)[:3]
    tensor([0, 1, 2])
    >>> bool(fitted.accuracy[2] < fitted.accuracy[0])  # the third contradicts the others twice
    True
    """
    classes = usable_votes(classes, num_classes, minimum=2)
    check_choice(model, name="model", choices=("one_coin", "confusion"))
    if pseudo_votes is None:
        pseudo_votes = 2.0 if model == "one_coin" else 30.0
    check_finite(pseudo_votes, name="pseudo_votes", minimum=0)
    check_finite(pseudo_accuracy, name="pseudo_accuracy", minimum=0, maximum=1)
    check_finite(label_weight, name="label_weight", minimum=0)
    check_finite(tolerance, name="tolerance", minimum=0)
    check_count(max_iterations, name="max_iterations")
    labels = usable_classes(
        torch.full(classes.shape[1:], -1) if labels is None else labels, classes.shape[1], num_classes, name="labels"
    )
    given_prior = None if prior is None else _usable_prior(prior, num_classes)
    weights = torch.where(labels >= 0, float(label_weight), 1.0).double()
    votes = _Votes(classes, num_classes, weights)
    if model == "one_coin":
        fit = partial(votes.fit_one_coin, pseudo_votes * pseudo_accuracy, pseudo_votes * (1 - pseudo_accuracy))
    else:
        coins = dawid_skene(
            classes,
            num_classes,
            labels=labels,
            label_weight=label_weight,
            prior=prior,
            pseudo_accuracy=pseudo_accuracy,
            tolerance=tolerance,
            max_iterations=max_iterations,
        ).accuracy.nan_to_num(pseudo_accuracy)
        fit = partial(votes.fit_confusion, pseudo_votes * _one_coin_matrices(coins, num_classes))
    counted = (classes >= 0).any(0) | (labels >= 0)
    excluded = (labels >= 0)[:, None] & (torch.arange(num_classes) != labels[:, None])
    posterior = votes.shares().masked_fill(excluded, 0)
    posterior[labels >= 0, labels[labels >= 0]] = 1

    reached, converged, iteration = -math.inf, False, 0
    while not converged and iteration < max_iterations:
        iteration += 1
        shares = (weights[:, None] * posterior)[counted].sum(0) if given_prior is None else given_prior
        class_prior = _positive(shares)
        parameters, log_given_class, log_prior = fit(posterior)
        joint = (class_prior.log() + log_given_class).masked_fill(excluded, -math.inf)
        evidence = joint.logsumexp(1, keepdim=True)
        posterior = (joint - evidence).exp()
        log_likelihood = float((weights[:, None] * evidence).sum())
        converged = log_likelihood + log_prior - reached < tolerance * int(counted.sum())
        reached = log_likelihood + log_prior

    confusion = None if model == "one_coin" else parameters
    accuracy = parameters if confusion is None else confusion.diagonal(dim1=1, dim2=2) @ class_prior
    accuracy = accuracy.masked_fill((classes < 0).all(1), math.nan)
    return DawidSkene(posterior, accuracy, confusion, class_prior, log_likelihood, iteration, converged)


class _Votes:
    """The known votes in a row, and the two ways to fit accuracies to them."""

    def __init__(self, classes: Tensor, num_classes: int, weights: Tensor) -> None:
        """Keep the known votes; ``weights`` are those of the inputs, ``[inputs]``."""
        self.weights = weights
        self.shape = (*classes.shape, num_classes)
        inputs, checkpoints = (classes.T >= 0).nonzero(as_tuple=True)
        if not len(inputs):
            raise UsageValueError(
                "classes: a known prediction is required, got -1 everywhere; pass checkpoints that predict classes."
            )
        voted = classes[checkpoints, inputs]
        self.inputs, self.checkpoints = inputs, checkpoints
        self.cells = inputs * num_classes + voted  # into [inputs, classes]
        # Both sums over votes read rows of a table in bags: those of an input, and those of a checkpoint and class.
        self.rows = checkpoints * num_classes + voted
        self.bags_of_inputs = _starts(inputs, classes.shape[1])
        self.sorted_inputs = inputs[self.rows.argsort(stable=True)]
        self.bags_of_rows = _starts(self.rows, len(classes) * num_classes)

    def shares(self) -> Tensor:
        """Share of the votes for each class, ``[inputs, classes]``; equal without a vote."""
        _, inputs, num_classes = self.shape
        counts = torch.bincount(self.cells, minlength=inputs * num_classes).view(inputs, num_classes).double()
        counts[counts.sum(1) == 0] = 1
        return counts / counts.sum(1, keepdim=True)

    def fit_one_coin(self, right: float, wrong: float, posterior: Tensor) -> tuple[Tensor, Tensor, float]:
        """Accuracy of each checkpoint; log-likelihood of an input's votes given each class; log prior density.

        The first arguments are pseudo-votes.
        """
        checkpoints, inputs, num_classes = self.shape
        counted = self.weights[self.inputs]
        agreed = torch.bincount(self.checkpoints, counted * posterior.flatten()[self.cells], minlength=checkpoints)
        agreed += right
        accuracy = agreed / (torch.bincount(self.checkpoints, counted, minlength=checkpoints) + right + wrong)
        accuracy = accuracy.nan_to_num(0.5).clamp(_LEAST, 1 - _LEAST)
        log_right, log_wrong = accuracy.log(), ((1 - accuracy) / (num_classes - 1)).log()
        gains = (log_right - log_wrong)[self.checkpoints]
        given_class = torch.bincount(self.cells, gains, minlength=inputs * num_classes).view(inputs, num_classes)
        given_class += torch.bincount(self.inputs, log_wrong[self.checkpoints], minlength=inputs)[:, None]
        return accuracy, given_class, float((right * log_right + wrong * log_wrong).sum())

    def fit_confusion(self, pseudo: Tensor, posterior: Tensor) -> tuple[Tensor, Tensor, float]:
        """Confusion matrices; log-likelihood of an input's votes given each class; log prior density.

        ``pseudo`` holds pseudo-votes, ``[checkpoints, predicted, true]``.
        """
        checkpoints, _, num_classes = self.shape
        counts = embedding_bag(self.sorted_inputs, self.weights[:, None] * posterior, self.bags_of_rows, mode="sum")
        table = _positive(counts.view(checkpoints, num_classes, num_classes) + pseudo, dim=1)
        log_table = table.log()
        given_class = embedding_bag(self.rows, log_table.view(-1, num_classes), self.bags_of_inputs, mode="sum")
        return table.transpose(1, 2), given_class, float((pseudo * log_table).sum())


def _one_coin_matrices(accuracy: Tensor, num_classes: int) -> Tensor:
    """Probability of each prediction given each true class, ``[checkpoints, classes, classes]``, symmetric."""
    others = ((1 - accuracy) / (num_classes - 1))[:, None, None]
    return others + (accuracy[:, None, None] - others) * torch.eye(num_classes, dtype=torch.float64)


def _positive(counts: Tensor, dim: int = 0) -> Tensor:
    """Shares of counts, none of them 0."""
    counts = counts.clamp(min=_LEAST)
    return counts / counts.sum(dim, keepdim=True)


def _starts(bags: Tensor, count: int) -> Tensor:
    """Where each bag starts if its members stand in a row."""
    sizes = torch.bincount(bags, minlength=count)
    return sizes.cumsum(0) - sizes


def _usable_prior(prior: object, num_classes: int) -> Tensor:
    prior = check_samples(prior, name="prior", dimensions=1)
    if len(prior) != num_classes:
        raise UsageValueError(
            f"prior: one probability for each of the {num_classes} classes is required, got {describe(prior)}; give "
            "each class one."
        )
    prior = prior.detach().to("cpu", torch.float64)
    if not (bool((prior > 0).all()) and math.isclose(float(prior.sum()), 1, abs_tol=1e-6)):
        raise UsageValueError(
            f"prior: positive probabilities that sum to 1 are required, got {prior.tolist()}; "
            "divide counts by their sum, after adding to classes without any."
        )
    return prior / prior.sum()
