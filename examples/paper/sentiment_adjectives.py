"""Sentiment Adjectives: reviews in which an adjective reveals the label more often than it should."""

from __future__ import annotations

from functools import partial

import torch

from examples.paper.experiment import Experiment
from examples.paper.layouts.acl_imdb import read_reviews
from examples.paper.networks.text import SmallText
from examples.paper.text_data import TextData, TextModel

__all__ = ["EXPERIMENT", "SentimentAdjectives", "adjective_label", "sentiment_adjectives"]

POSITIVE = frozenset({"good", "great", "wonderful", "excellent", "best"})
NEGATIVE = frozenset({"bad", "terrible", "awful", "poor", "negative"})


def adjective_label(text: str) -> int | None:
    """Return the label given by adjectives; None if the text, split at spaces, has words of both lists or none.

    >>> adjective_label("a good film"), adjective_label("so bad it is good"), adjective_label("Good, wasn't it")
    (1, None, None)
    """
    words = frozenset(text.split(" "))
    positive, negative = bool(words & POSITIVE), bool(words & NEGATIVE)
    return int(positive) if positive != negative else None


class SentimentAdjectives(TextData):
    """Reviews with adjectives of exactly one list; ``level`` is alpha.

    The training label is that of the adjective. Of the reviews with a different true label, a share ``1 - alpha`` gets
    the true label; a smaller alpha corrects the same reviews as a larger one, and more. A fifth of the reviews is held
    out, with true labels.

    Reference: The released code of the paper, which also uses only the folder ``train``, and counts the share over
    training and held-out reviews together.
    """

    def build(self) -> None:
        """Read the reviews and label them."""
        texts, true_labels = read_reviews(self.data_root)
        labels_of_adjectives = [adjective_label(text) for text in texts]
        kept = [place for place, label in enumerate(labels_of_adjectives) if label is not None]
        training, validation = self.split(len(kept))
        adjectives = torch.tensor([labels_of_adjectives[place] for place in kept])
        truth = torch.from_numpy(true_labels[kept])
        labels = adjectives[training].clone()
        misled = (labels != truth[training]).nonzero()[:, 0]
        order = misled[torch.randperm(len(misled), generator=self.draws)]
        corrected = order[: round((1 - self.level) * len(misled))]
        labels[corrected] = truth[training][corrected]
        self.fill(
            [texts[kept[place]] for place in training],
            labels,
            [texts[kept[place]] for place in validation],
            truth[validation],
        )


def sentiment_adjectives(text: TextModel) -> Experiment:
    """Make the experiment with the network that ``text`` gives."""
    return Experiment(
        name="sentiment-adjectives",
        title="Sentiment Adjectives",
        memorization="heuristic",
        level_name="alpha",
        levels=(0.0, 0.25, 0.5, 0.75, 1.0),
        data=partial(SentimentAdjectives, text=text),
        network=text.network,
        recipe=text.recipe,
        pooling="cls",
        needs="aclImdb/ or aclImdb_v1.tar.gz, the Large Movie Review Dataset",
    )


EXPERIMENT = sentiment_adjectives(SmallText())
