"""What the numbers mean and what they do not, in a minute's reading; for every page that shows them."""

from __future__ import annotations

__all__ = ["LIMITS", "MEANING"]

# Plain sentences, without markup of any kind: each page sets them in its own.
MEANING: tuple[str, ...] = (
    "Entropy tells how evenly a hidden unit uses its range of values over the inputs, in nats: it is low where the "
    "unit takes few values. The mean is over units.",
    "Mutual information tells how much one hidden unit says about another, in nats: it is 0 where two units are "
    "independent, and high where they repeat each other. The mean is over pairs of units of one layer.",
    "Shortcuts (heuristic memorization): few patterns serve for all inputs, so units are alike. Entropy is low, mutual "
    "information is high.",
    "Stored examples (example-level memorization, of wrong labels for instance): units differ from input to input. "
    "Entropy is high, mutual information is low.",
    "The line called memorizing is the alarm of the run: it turns from 0 to 1 when neighbours in the layers are "
    "predicted less alike than before and predictions leave what most moments of the run agreed on.",
)

LIMITS: tuple[str, ...] = (
    "There is no threshold: no value is good or bad by itself. Compare only networks of the same architecture, on the "
    "same layers and samples, measured with the same settings.",
    "Along one run both means are a trend and no verdict: neither their lowest nor their highest value marks the best "
    "epoch. The line to watch is memorizing.",
    "The alarm comes late rather than early, it does not see shortcuts, and it is silent on text of two classes. "
    "Silence is no proof that nothing is stored.",
    "The alarm needs at least four validations on the same inputs in the same order, 50 inputs, and a head of classes; "
    "without these memorizing stays at 0.",
    "Mutual information leads. Entropy depends on the range of its bins and on the side of the nonlinearity, and ranks "
    "less reliably.",
    "Many dead units (dead_fraction) or tied values (tie_fraction) make both numbers doubtful.",
    "No label was used: none of this is an accuracy. Where there are labels, even noisy ones, validation accuracy is "
    "the better guide to the best epoch of a run.",
)
