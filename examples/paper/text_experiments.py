"""The experiments on texts, all with the same network."""

from __future__ import annotations

from examples.paper.bias_in_bios import bias_in_bios
from examples.paper.experiment import Experiment
from examples.paper.networks.hugging_face import HuggingFaceText
from examples.paper.networks.text import SmallText
from examples.paper.sentiment_adjectives import sentiment_adjectives
from examples.paper.shuffled_imdb import shuffled_imdb

__all__ = ["text_experiments"]


def text_experiments(model: str | None = None) -> tuple[Experiment, ...]:
    """List Sentiment Adjectives, Shuffled IMDb and Bias in Bios.

    Args:
        model: Name on the Hugging Face hub, or folder with a model and its tokenizer, to be finetuned on all texts with
            the recipe of the paper (which uses "distilbert-base-uncased", and "roberta-base" for biographies). With
            None, the small transformer is trained from scratch on 8,000 texts.

    >>> [experiment.name for experiment in text_experiments()]
    ['sentiment-adjectives', 'shuffled-imdb', 'bias-in-bios']
    """
    text = SmallText() if model is None else HuggingFaceText(model)
    return sentiment_adjectives(text), shuffled_imdb(text), bias_in_bios(text)
