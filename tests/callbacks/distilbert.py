"""A small transformer for sentences, without weights from anywhere; tests that import it need transformers."""

import pytest
import torch

transformers = pytest.importorskip("transformers")

LAYERS = ["distilbert.transformer.layer.0", "distilbert.transformer.layer.1"]


def distilbert():
    """A classifier of three classes over at most 16 of 100 tokens, always with the same weights."""
    torch.manual_seed(0)
    config = transformers.DistilBertConfig(
        vocab_size=100, dim=32, n_layers=2, n_heads=4, hidden_dim=48, max_position_embeddings=16, num_labels=3
    )
    return transformers.DistilBertForSequenceClassification(config)
