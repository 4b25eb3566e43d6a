"""A transformer small enough to train from scratch in a minute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from examples.paper.experiment import Recipe
from examples.paper.vocabulary import Vocabulary

__all__ = ["AttentionBlock", "SmallText", "SmallTransformer"]

_RECIPE = Recipe(epochs=6, batch_size=64, learning_rate=1e-3)


class AttentionBlock(nn.Module):
    """Attention and two dense layers, each applied to the normalised input and added to the input."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.attention_norm, self.dense_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.projections, self.mix = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.dense = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, hidden: Tensor, admitted: Tensor) -> Tensor:
        """Map ``[examples, positions, units]`` to the same shape; ``admitted`` is False for padding."""
        heads = self.projections(self.attention_norm(hidden)).unflatten(-1, (3, self.num_heads, -1))
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(query, key, value, admitted[:, None, None, :])
        hidden = hidden + self.mix(mixed.transpose(1, 2).flatten(2))
        return hidden + self.dense(self.dense_norm(hidden))


class SmallTransformer(nn.Module):
    """Attention blocks over words, and a head on the last state of the CLS token.

    Args:
        num_words: Number of word codes; 0 is padding.
        positions: Maximum number of positions, with the CLS token.
        num_classes: Number of classes.
        width: Number of units of the residual stream.
        num_blocks: Number of blocks.
        num_heads: Number of attention heads.
    """

    def __init__(
        self,
        num_words: int,
        positions: int,
        num_classes: int,
        *,
        width: int = 64,
        num_blocks: int = 2,
        num_heads: int = 4,
    ) -> None:
        super().__init__()
        # Small, so that rare words move even with the few updates of such a short training.
        self.embedding = nn.Embedding(num_words, width)
        nn.init.normal_(self.embedding.weight, std=0.05)
        self.places = nn.Parameter(0.05 * torch.randn(positions, width))
        self.blocks = nn.ModuleList(AttentionBlock(width, num_heads) for _ in range(num_blocks))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, num_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map words, int64 ``[examples, positions]`` with the CLS token first, to logits ``[examples, classes]``."""
        admitted = inputs != 0
        hidden = self.embedding(inputs) + self.places[: inputs.shape[1]]
        for block in self.blocks:
            hidden = block(hidden, admitted)
        return self.head(self.norm(hidden[:, 0]))


@dataclass(frozen=True)
class SmallText:
    """Read texts with the small transformer, which is trained from scratch.

    Attributes:
        positions: Number of words read per text, with the CLS token.
        max_words: Number of known words.
        max_texts: Number of texts drawn for training and validation together; None for all.
        recipe: Training recipe.
    """

    positions: int = 64
    max_words: int = 8000
    max_texts: int | None = 10_000
    recipe: Recipe = _RECIPE

    def encoder(self, texts: Sequence[str]) -> Vocabulary:
        """Make the function that encodes texts from the training texts."""
        return Vocabulary(texts, max_words=self.max_words, positions=self.positions)

    def network(self, data: Any) -> SmallTransformer:
        """Make a network for the texts of ``data``."""
        return SmallTransformer(len(data.encode), self.positions, data.num_classes)
