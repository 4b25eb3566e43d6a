"""What the numbers mean and what they do not mean: sentences for every page that shows them."""

from __future__ import annotations

__all__ = ["LIMITS", "MEANING"]

# Sentences without markup: each page adds its own.
MEANING: tuple[str, ...] = (
    "Entropy measures how evenly a hidden unit uses its range of values over the inputs, in nats. It is low if the "
    "unit takes few values. The mean is over units.",
    "Mutual information measures how much one hidden unit reveals about another, in nats. It is 0 if two units are "
    "independent, and high if they repeat each other. The mean is over pairs of units in one layer.",
    "Shortcuts (heuristic memorization): a few patterns serve all inputs, so units are alike. Entropy is low, and "
    "mutual information is high.",
    "Stored examples (example-level memorization, for instance of wrong labels): units respond differently to each "
    "input. Entropy is high, and mutual information is low.",
    "The curve memorizing is the alarm of the run. It changes from 0 to 1 if two things happen: predictions for "
    "neighbours in the layers become less alike than before, and predictions depart from what most moments of the run "
    "agreed on.",
)

LIMITS: tuple[str, ...] = (
    "There is no threshold: no value is good or bad by itself. Compare only networks of the same architecture, on the "
    "same layers and samples, measured with the same settings.",
    "Along one run, both means show a trend, not a verdict: neither their lowest nor their highest value marks the "
    "best epoch. Watch the curve memorizing instead.",
    "The alarm comes late rather than early, does not detect shortcuts, and stays silent on text with two classes. "
    "Silence does not prove that nothing is stored.",
    "The alarm needs at least four validations on the same inputs in the same order, 50 inputs, and a classification "
    "head. Without these, memorizing stays at 0.",
    "Checkpoints are ranked by mutual information. Entropy ranks less reliably, because it depends on the range of its "
    "bins and on whether it is measured before or after the nonlinearity.",
    "Many dead units (dead_fraction) or tied values (tie_fraction) make both numbers doubtful.",
    "No label was used, so none of these numbers is an accuracy. If there are labels, even noisy ones, validation "
    "accuracy is the better guide to the best epoch of a run.",
)
