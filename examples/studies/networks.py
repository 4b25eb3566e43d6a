"""The networks of the zoo of runs. The measured outputs are those before an activation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, scaled_dot_product_attention

from examples.small_cnn import small_cnn
from examples.studies.recipes import Recipe
from examples.studies.reviews import NUM_WORDS

__all__ = ["build_network", "hidden_layers"]

_NUM_HEADS = 4


def build_network(recipe: Recipe, example_shape: Sequence[int], num_classes: int) -> nn.Module:
    """Build a network for inputs of ``example_shape`` each, with the initial weights of torch."""
    builders = {"mlp": _mlp, "cnn": _cnn, "resnet": ResNet, "transformer": Transformer}
    return builders[recipe.architecture](recipe, example_shape, num_classes)


def hidden_layers(network: nn.Module) -> dict[str, nn.Module]:
    """Return the layers to measure, in order: the blocks, or else all layers with weights but the last."""
    kinds = (ResidualBlock, AttentionBlock)
    blocks: dict[str, nn.Module] = {name: part for name, part in network.named_modules() if isinstance(part, kinds)}
    if blocks:
        return blocks
    weighted = [(name, part) for name, part in network.named_modules() if isinstance(part, (nn.Linear, nn.Conv2d))]
    return dict(weighted[:-1])


def _mlp(recipe: Recipe, example_shape: Sequence[int], num_classes: int) -> nn.Module:
    num_inputs, width = int(torch.Size(example_shape).numel()), recipe.width
    hidden = 2 if recipe.data in ("imdb", "ratings", "modular") else 3
    parts: list[nn.Module] = [nn.Flatten()]
    for layer in range(hidden):
        parts += [nn.Linear(width if layer else num_inputs, width), nn.ReLU(), nn.Dropout(recipe.dropout)]
    return nn.Sequential(*parts, nn.Linear(width, num_classes))


def _cnn(recipe: Recipe, example_shape: Sequence[int], num_classes: int) -> nn.Module:
    planes, side, _ = example_shape
    return small_cnn(planes, side, recipe.width, num_classes, dropout=recipe.dropout)


class ResidualBlock(nn.Module):
    """Two convolutions of the normalised input, added to the input (He et al. 2016, Identity mappings)."""

    def __init__(self, num_inputs: int, width: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.first_norm, self.second_norm = nn.BatchNorm2d(num_inputs), nn.BatchNorm2d(width)
        self.first = nn.Conv2d(num_inputs, width, 3, stride, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.dropout = nn.Dropout(dropout)
        changes = stride > 1 or num_inputs != width
        self.shortcut = nn.Conv2d(num_inputs, width, 1, stride, bias=False) if changes else nn.Identity()

    def forward(self, inputs: Tensor) -> Tensor:
        """Map ``[examples, channels, side, side]`` to the same shape, with the side divided by the stride."""
        inner = self.first(relu(self.first_norm(inputs)))
        return self.shortcut(inputs) + self.second(self.dropout(relu(self.second_norm(inner))))


class ResNet(nn.Module):
    """Three residual blocks, followed by the mean over positions."""

    def __init__(self, recipe: Recipe, example_shape: Sequence[int], num_classes: int) -> None:
        super().__init__()
        width = recipe.width
        self.stem = nn.Conv2d(example_shape[0], width // 2, 3, 2, padding=1, bias=False)
        self.blocks = nn.Sequential(
            ResidualBlock(width // 2, width // 2, 1, recipe.dropout),
            ResidualBlock(width // 2, width, 2, recipe.dropout),
            ResidualBlock(width, width, 1, recipe.dropout),
        )
        self.norm = nn.BatchNorm2d(width)
        self.head = nn.Linear(width, num_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map ``[examples, planes, side, side]`` to ``[examples, classes]``."""
        return self.head(relu(self.norm(self.blocks(self.stem(inputs)))).mean((2, 3)))


class AttentionBlock(nn.Module):
    """Attention and two dense layers, each applied to the normalised input and added to the input."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.attention_norm, self.dense_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.projections, self.mix = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.dense = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor, admitted: Tensor | None) -> Tensor:
        """Map ``[examples, positions, units]`` to the same shape; ``admitted`` is False for padding."""
        examples, positions, _ = inputs.shape
        heads = self.projections(self.attention_norm(inputs)).view(examples, positions, 3, _NUM_HEADS, -1)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        mask = None if admitted is None else admitted[:, None, None, :]
        mixed = scaled_dot_product_attention(query, key, value, mask).transpose(1, 2).reshape(inputs.shape)
        inputs = inputs + self.dropout(self.mix(mixed))
        return inputs + self.dropout(self.dense(self.dense_norm(inputs)))


class Transformer(nn.Module):
    """Two attention blocks over words or pixel rows, followed by the mean over positions that are not padding."""

    def __init__(self, recipe: Recipe, example_shape: Sequence[int], num_classes: int) -> None:
        super().__init__()
        width, is_image = recipe.width, len(example_shape) == 3
        positions = example_shape[-2] if is_image else example_shape[0]
        num_words = NUM_WORDS + 1 + num_classes  # padding is word 0, cues come last
        self.embedding = nn.Linear(example_shape[-1], width) if is_image else nn.Embedding(num_words, width)
        self.places = nn.Parameter(0.02 * torch.randn(positions, width))
        self.blocks = nn.ModuleList(AttentionBlock(width, recipe.dropout) for _ in range(2))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, num_classes)

    def forward(self, inputs: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Map words ``[examples, positions]`` or images ``[examples, 1, rows, columns]`` to ``[examples, classes]``."""
        is_image = inputs.is_floating_point()
        if not is_image and attention_mask is None:
            attention_mask = inputs != 0
        hidden = self.embedding(inputs[:, 0] if is_image else inputs) + self.places
        for block in self.blocks:
            hidden = block(hidden, attention_mask)
        hidden = self.norm(hidden)
        if attention_mask is None:
            return self.head(hidden.mean(1))
        weights = attention_mask[..., None].to(hidden.dtype)
        return self.head((hidden * weights).sum(1) / weights.sum(1))
