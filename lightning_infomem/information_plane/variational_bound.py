"""Lower bound on I(T;Y) from how well a linear classifier predicts the class."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from lightning_infomem._checks import check_count, check_finite
from lightning_infomem._errors import UsageValueError
from lightning_infomem.information_plane.discrete import discrete_entropy
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.information_plane.plane_samples import check_plane_samples

__all__ = ["VariationalBound"]

_PENALTIES = tuple(10.0**power for power in range(7, -3, -1))  # from a constant classifier to an unconstrained one


@dataclass(frozen=True)
class VariationalBound:
    """Bound I(T;Y) from below by the label entropy minus the cross-entropy of a linear classifier.

    For any classifier q, I(T;Y) is at least H(Y) + E ln q(y|t), provided q was not trained on the samples that give the
    mean. Here multinomial logistic regression is trained on all folds but one and evaluated on that fold. The bound
    holds for the deterministic layer itself, without bins or noise, and for the distribution behind the samples, up to
    the error of the mean. It is close to I(T;Y) only if the classes are linearly separable and there are many more
    samples than units. With fewer samples and a small penalty the classifier is worse than none. I(X;T) is NaN: the
    method does not estimate it.

    Args:
        folds: Number of folds; the samples are dealt to them class by class.
        penalty: Half the penalty times the sum of squared weights (of standardised units) is added to the summed
            training cross-entropy. None tries ten powers of ten and takes the one with the lowest cross-entropy on half
            of the training samples after training on the other half; the point records the choice of each fold as the
            parameter "chosen_penalties".
        max_iterations: Largest number of L-BFGS iterations. Stopping before convergence loosens the bound but does not
            invalidate it.
        seed: Seed of the folds.

    Special cases:
        A layer without information gives about 0, or slightly less if the classifier fits chance; the point is then
        flagged "negative". Constant units are ignored.

    Raises:
        TypeError, ValueError: If a parameter is invalid; in `estimate`, if a class has fewer samples than twice the
            folds.

    Cost:
        Time about ``folds * iterations * samples * units * classes``, and about four times more if the penalty is
        chosen. Memory: three float64 copies of the samples.

    Reference:
        Barber & Agakov 2003, The IM algorithm; for layers, Kolchinsky, Tracey & Wolpert 2019, Nonlinear
        information bottleneck. Departure: we evaluate on held-out samples, without which it is not a bound.

    >>> labels = torch.arange(400) % 2
    >>> point = VariationalBound().estimate(10.0 * labels[:, None], labels)  # they determine the class: ln 2
    >>> 0.68 < point.label_information < 0.693148, point.label_kind, point.input_information
    (True, 'lower', nan)
    """

    folds: int = 2
    penalty: float | None = None
    max_iterations: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        check_count(self.folds, name="folds", minimum=2)
        check_count(self.max_iterations, name="max_iterations")
        check_count(self.seed, name="seed", minimum=0)
        if self.penalty is not None:  # without a penalty, the weights for separable classes grow without bound
            check_finite(self.penalty, name="penalty", above=0, remedy="None chooses one")

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Bound I(T;Y); see `PlaneEstimator`. The inputs are ignored.

        The point's scores are "cross_entropy", "accuracy" and "label_standard_error", all on the held-out folds.
        """
        hidden, labels = check_plane_samples(hidden, labels, estimator="VariationalBound")
        rarest = int(torch.bincount(labels).min())
        if rarest < 2 * self.folds:
            raise UsageValueError(
                f"VariationalBound: labels: at least {2 * self.folds} samples of each class, twice the folds, are "
                f"required, got a class with {rarest}; measure more samples or drop that class."
            )
        held_out_in = self._deal(labels, self.folds)
        losses, penalties, hits = [], [], 0
        # Hooks and callbacks may call this inside torch.no_grad or inference_mode, but training needs gradients.
        with torch.inference_mode(False), torch.enable_grad():
            for fold in range(self.folds):
                held_out = held_out_in == fold
                samples, mean, scale = _standardize(hidden[~held_out])
                penalty = self.penalty or self._choose_penalty(samples, labels[~held_out])
                classifier = self._train(samples, labels[~held_out], penalty)
                logits = _logits(classifier, (hidden[held_out] - mean) * scale)
                losses.append(cross_entropy(logits, labels[held_out], reduction="none"))
                penalties.append(penalty)
                hits += int((logits.argmax(1) == labels[held_out]).sum())
        loss = torch.cat(losses)
        chosen = {"chosen_penalties": ", ".join(f"{each:g}" for each in penalties)}
        return PlanePoint.measured(
            self,
            hidden,
            labels,
            input_information=math.nan,
            label_information=discrete_entropy(labels) - float(loss.mean()),
            label_kind="lower",
            chosen=chosen if self.penalty is None else None,
            scores={
                "cross_entropy": float(loss.mean()),
                "accuracy": hits / len(labels),
                "label_standard_error": float(loss.std()) / math.sqrt(len(loss)),
            },
        )

    def _deal(self, labels: Tensor, folds: int) -> Tensor:
        """Fold of each sample; the samples of each class are dealt out in turn."""
        generator = torch.Generator().manual_seed(self.seed)
        order = torch.randperm(len(labels), generator=generator).to(labels.device)
        by_class = order[torch.argsort(labels[order], stable=True)]
        dealt = torch.empty_like(labels)
        dealt[by_class] = torch.arange(len(labels), device=labels.device) % folds
        return dealt

    def _choose_penalty(self, samples: Tensor, labels: Tensor) -> float:
        """Going down from the largest penalty, the last one that improved the validation loss."""
        seen = self._deal(labels, 2) == 0
        best, best_loss, classifier = _PENALTIES[0], math.inf, None
        for penalty in _PENALTIES:
            classifier = self._train(samples[seen], labels[seen], penalty, start=classifier)
            loss = float(cross_entropy(_logits(classifier, samples[~seen]), labels[~seen]))
            if loss >= best_loss:
                break
            best, best_loss = penalty, loss
        return best

    def _train(
        self, samples: Tensor, labels: Tensor, penalty: float, *, start: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Train weights ``[units, classes]`` and offsets ``[classes]``."""
        num_classes = int(labels.max()) + 1
        first = start or (samples.new_zeros(samples.shape[1], num_classes), samples.new_zeros(num_classes))
        weights, offsets = (each.detach().clone().requires_grad_() for each in first)
        optimizer = torch.optim.LBFGS(
            [weights, offsets],
            max_iter=self.max_iterations,
            tolerance_grad=1e-6,
            history_size=10,
            line_search_fn="strong_wolfe",
        )

        def loss() -> Tensor:
            optimizer.zero_grad()
            fit = cross_entropy(samples @ weights + offsets, labels)
            value = fit + penalty / 2 / len(samples) * weights.square().sum()
            torch.autograd.backward(value)
            return value

        optimizer.step(loss)  # type: ignore[no-untyped-call, unused-ignore]
        return weights.detach(), offsets.detach()


def _standardize(hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Float64 samples with mean 0 and variance 1 (constant units 0), and the means and factors used."""
    doubled = hidden.double()
    mean, spread = doubled.mean(0), doubled.std(0, correction=0)
    scale = torch.where(spread > 0, 1 / spread, 0.0)
    return (doubled - mean) * scale, mean, scale


def _logits(classifier: tuple[Tensor, Tensor], samples: Tensor) -> Tensor:
    """Logits, float64 ``[samples, classes]``."""
    weights, offsets = classifier
    return samples @ weights + offsets
