"""A pretrained transformer from the Hugging Face hub, finetuned as in the paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from examples.paper.experiment import Recipe

__all__ = ["FinetunedTransformer", "HuggingFaceText"]

# As in the released code of the paper, which can also stop early.
_RECIPE = Recipe(epochs=20, batch_size=64, learning_rate=5e-5, optimizer="adamw", weight_decay=0.01, warmup_steps=100)


class FinetunedTransformer(nn.Module):
    """A sequence classifier of transformers that takes only tokens and returns only logits.

    Args:
        classifier: Sequence classifier of the transformers package.
        padding: Number of its padding token, which the attention mask excludes.
    """

    def __init__(self, classifier: nn.Module, padding: int) -> None:
        super().__init__()
        self.classifier, self.padding = classifier, padding

    def forward(self, inputs: Tensor) -> Tensor:
        """Map tokens, int64 ``[examples, positions]``, to logits ``[examples, classes]``."""
        logits: Tensor = self.classifier(input_ids=inputs, attention_mask=(inputs != self.padding).long()).logits
        return logits


@dataclass(frozen=True)
class HuggingFaceText:
    """Read texts with a pretrained model from the Hugging Face hub, which is finetuned.

    The recipe is that of the released code of the paper, without its early stopping.

    Attributes:
        name: Name of a model with a tokenizer on the hub, or a folder with both.
        positions: Number of tokens read per text.
        max_texts: Number of texts drawn for training and validation together; None for all.
        recipe: Training recipe.
    """

    name: str = "distilbert-base-uncased"
    positions: int = 512
    max_texts: int | None = None
    recipe: Recipe = _RECIPE

    def encoder(self, texts: Sequence[str]) -> Callable[[Sequence[str]], Tensor]:
        """Return the function that encodes texts, which does not depend on the training texts."""
        return partial(_encode, self._load("AutoTokenizer"), self.positions)

    def network(self, data: Any) -> FinetunedTransformer:
        """Load the pretrained network with a new head for the classes of ``data``."""
        padding = self._load("AutoTokenizer").pad_token_id
        # A head for another number of classes is replaced; most models on the hub have no head.
        settings = {"num_labels": data.num_classes, "ignore_mismatched_sizes": True}
        classifier = self._load("AutoModelForSequenceClassification", **settings)
        return FinetunedTransformer(classifier, padding).train()  # models from the hub are in eval mode

    def _load(self, kind: str, **settings: Any) -> Any:
        try:
            import transformers
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"model: the transformers package is required for {self.name!r}, and it is not installed; "
                'install it: pip install "lightning-infomem[transformers]".'
            ) from error
        try:
            return getattr(transformers, kind).from_pretrained(self.name, **settings)
        except (OSError, ValueError) as error:
            raise ValueError(
                "model: a sequence classifier with its tokenizer, on the Hugging Face hub or in a folder, is required, "
                f"got {self.name!r}, which cannot be loaded; check the name and that the hub can be reached."
            ) from error


def _encode(tokenizer: Any, positions: int, texts: Sequence[str]) -> Tensor:
    encoded = tokenizer(list(texts), truncation=True, padding="max_length", max_length=positions)
    return torch.tensor(encoded["input_ids"])
