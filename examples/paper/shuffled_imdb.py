"""Shuffled IMDb: reviews with a share of random labels. Example-level memorization."""

from __future__ import annotations

from functools import partial

import torch

from examples.paper.experiment import Experiment
from examples.paper.layouts.acl_imdb import read_reviews
from examples.paper.networks.text import SmallText
from examples.paper.text_data import TextData, TextModel

__all__ = ["EXPERIMENT", "ShuffledIMDb", "shuffled_imdb"]


class ShuffledIMDb(TextData):
    """Reviews of which a share beta, the ``level``, has random labels, half of them right; a fifth is held out.

    Labels that are random at a smaller beta are random, and the same, at a larger one.

    Reference: The released code of the paper, which also trains on 10,000 reviews of the folder ``test``.
    """

    def build(self) -> None:
        """Read the reviews and draw their labels."""
        texts, true_labels = read_reviews(self.data_root)
        truth = torch.from_numpy(true_labels)
        training, validation = self.split(len(texts))
        labels = truth[training].clone()
        order = torch.randperm(len(labels), generator=self.draws)
        drawn = torch.randint(self.num_classes, labels.shape, generator=self.draws)
        shuffled = order[: round(self.level * len(labels))]
        labels[shuffled] = drawn[shuffled]
        self.fill(
            [texts[place] for place in training], labels, [texts[place] for place in validation], truth[validation]
        )


def shuffled_imdb(text: TextModel) -> Experiment:
    """Make the experiment with the network that ``text`` gives."""
    return Experiment(
        name="shuffled-imdb",
        title="Shuffled IMDb",
        memorization="example",
        level_name="beta",
        levels=(0.0, 0.25, 0.5, 0.75, 1.0),
        data=partial(ShuffledIMDb, text=text),
        network=text.network,
        recipe=text.recipe,
        pooling="cls",
        needs="aclImdb/ or aclImdb_v1.tar.gz, the Large Movie Review Dataset",
    )


EXPERIMENT = shuffled_imdb(SmallText())
