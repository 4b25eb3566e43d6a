"""Mutual information neural estimator (MINE)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from lightning_infomem._checks import check_count, check_finite
from lightning_infomem.information_plane.critic import Critic, Evaluation
from lightning_infomem.information_plane.plane_inputs import check_plane_inputs
from lightning_infomem.information_plane.plane_point import PlanePoint
from lightning_infomem.information_plane.plane_samples import check_plane_samples

__all__ = ["MINE"]

_LOOKS = 20  # evaluations on the validation samples during training
_ROLLS = 16  # pairings of held-out samples with other samples, each a shift of them all


@dataclass(frozen=True)
class MINE:
    """Train a small critic to tell joint pairs from shuffled ones; its success bounds the information from below.

    Half of the samples train the critic on the Donsker-Varadhan bound, a quarter selects the training step, and the
    last quarter, seen by neither, gives the value. Do not use it for layers with few units, where `KSG` is more
    accurate, nor for large information: from n samples no such bound shows much more than log n. For a deterministic
    layer I(X;T) is infinite and its estimate depends on the critic alone, so add noise.

    Args:
        steps: Number of training steps.
        width: Number of units in each of the critic's two hidden layers.
        learning_rate: Learning rate of Adam.
        batch_size: Number of pairs per step.
        averaging: Decay of the moving average of the gradient's denominator, from 0 (biased gradients) to below 1.
        noise: Variance of normal noise added to T; both informations are then those of T + noise. 0 adds none.
        seed: Seed of the weights, batches, noise and data splits; the global generator is not touched.

    Special cases:
        If the critic never beats a constant on the validation samples, the estimate is 0. Without ``inputs`` I(X;T) is
        NaN. Constant units are ignored. The value may be slightly negative: it is a lower bound in expectation, not for
        every draw. The scores hold the "step" and the "donsker_varadhan" value of each information.

    Raises:
        TypeError, ValueError: If a field is out of range, there are fewer than 40 samples, or the inputs are not finite
            or not as many as the activations.

    Cost:
        Time ``steps * batch_size * width * (units + inputs)``, on the device of the activations. Memory: a float32 copy
        of them.

    Reference:
        Belghazi et al. 2018, Mutual Information Neural Estimation, algorithm 1, eq. 12 (the moving average). Departure:
        the logarithm of a mean over held-out samples is too low in expectation, so the bound would be too high. Our
        value is its tangent at the validation samples (Poole et al. 2019), which is unbiased.

    >>> generator = torch.Generator().manual_seed(0)
    >>> hidden = torch.randn(1000, 1, generator=generator)
    >>> point = MINE(steps=200).estimate(hidden, (hidden[:, 0] > 0).long())
    >>> 0.6 < point.label_information < 0.7  # the entropy of the labels is .693
    True
    """

    steps: int = 500
    width: int = 64
    learning_rate: float = 0.003
    batch_size: int = 256
    averaging: float = 0.99
    noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_count(self.steps, name="steps")
        check_count(self.width, name="width")
        check_count(self.batch_size, name="batch_size", minimum=2)
        check_count(self.seed, name="seed", minimum=0)
        check_finite(self.learning_rate, name="learning_rate", above=0, remedy=".003 is usual here")
        check_finite(self.averaging, name="averaging", minimum=0, below=1, remedy=".99 is usual")
        check_finite(self.noise, name="noise", minimum=0, remedy="0 adds none")

    def estimate(self, hidden: Tensor, labels: Tensor, inputs: Tensor | None = None) -> PlanePoint:
        """Estimate both coordinates; see `PlaneEstimator`. Without inputs, estimate I(T;Y) alone."""
        hidden, labels = check_plane_samples(hidden, labels, estimator="MINE", min_samples=40)
        flags: dict[str, str] = {}
        scores: dict[str, float] = {}
        information = math.nan
        if inputs is None:
            flags["no_inputs"] = "I(X;T) was not estimated: it needs the inputs"
        else:
            inputs = check_plane_inputs(inputs, hidden, estimator="MINE")
            found = self._bound(inputs.float(), hidden.float())
            information = found.value
            scores |= {"input_step": found.step, "input_donsker_varadhan": found.donsker_varadhan}
        one_hot = torch.nn.functional.one_hot(labels).float()
        found = self._bound(one_hot, hidden.float())
        scores |= {"label_step": found.step, "label_donsker_varadhan": found.donsker_varadhan}
        return PlanePoint.measured(
            self,
            hidden,
            labels,
            input_information=information,
            label_information=found.value,
            input_kind="lower",
            label_kind="lower",
            flags=flags,
            scores=scores,
        )

    def _bound(self, x: Tensor, t: Tensor) -> Evaluation:
        """Train a critic and evaluate it on held-out samples; both arguments are float32 ``[samples, ...]``."""
        generator = torch.Generator().manual_seed(self.seed)
        order = torch.randperm(len(x), generator=generator).to(x.device)
        quarter = len(x) // 4
        final, validation, training = order[:quarter], order[quarter : 2 * quarter], order[2 * quarter :]
        noisy = t
        if self.noise:  # one draw for the held-out samples; training draws new noise at every step
            noisy = t + math.sqrt(self.noise) * torch.randn(t.shape, generator=generator).to(t.device)
        critic = Critic(x[training], noisy[training], width=self.width, generator=generator)
        optimizer = torch.optim.Adam(critic.weights, lr=self.learning_rate)
        log_average: Tensor | None = None
        best = Evaluation(0.0, 0.0, 0.0, 0.0)  # value of a constant critic
        chosen = critic.copied_weights()
        for step in range(1, self.steps + 1):
            rows = training[torch.randint(len(training), (2, self.batch_size), generator=generator).to(x.device)]
            batch = t[rows[0]], t[rows[1]]
            if self.noise:
                draws = torch.randn(2, *batch[0].shape, generator=generator).to(t.device) * math.sqrt(self.noise)
                batch = batch[0] + draws[0], batch[1] + draws[1]
            together, apart = critic(x[rows[0]], batch[0]), critic(x[rows[0]], batch[1])
            log_mean = apart.logsumexp(0) - math.log(self.batch_size)
            now = log_mean.detach()
            if log_average is not None:
                kept = math.log(self.averaging) if self.averaging else -math.inf
                now = torch.logaddexp(log_average + kept, now + math.log1p(-self.averaging))
            log_average = now
            loss = (log_mean - log_average).exp() - together.mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if step % max(1, self.steps // _LOOKS) == 0 or step == self.steps:
                seen = critic.evaluate(x[validation], noisy[validation], rolls=_ROLLS)
                if seen.donsker_varadhan > best.donsker_varadhan:
                    best, chosen = seen._replace(step=step), critic.copied_weights()
        if best.step == 0:
            return best
        critic.restore(chosen)
        held_out = critic.evaluate(x[final], noisy[final], rolls=_ROLLS, tangent_at=best.log_mean)
        return held_out._replace(step=best.step)
