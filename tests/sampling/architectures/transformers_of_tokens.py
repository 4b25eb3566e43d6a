"""Transformers over tokens: torch's own, handwritten ones, and those of the package transformers from a config."""

from __future__ import annotations

import importlib.util

import torch
from torch import nn

from tests.sampling.architectures import EXAMPLES, integers, labels, normal, reads


def tokens(positions=9):
    return integers(20, EXAMPLES, positions)


def padded():
    """The first of 20 tokens is padding."""
    found = tokens().clamp_min(1)
    found[::2, 5:] = 0
    return found


class Encoder(nn.Module):
    def __init__(self, batch_first=True):
        super().__init__()
        self.embedding = nn.Embedding(20, 16, padding_idx=0)
        layer = nn.TransformerEncoderLayer(16, 2, 24, batch_first=batch_first)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=batch_first)
        self.head = nn.Linear(16, 3)

    def forward(self, tokens):
        mask = (tokens if self.encoder.layers[0].self_attn.batch_first else tokens.T) == 0
        x = self.encoder(self.embedding(tokens), src_key_padding_mask=mask)
        return self.head(x[:, 0] if self.encoder.layers[0].self_attn.batch_first else x[0])


@reads(
    "encoder with a mask for padding, which hands on nested tensors",
    padded,
    {"encoder.layers.0": 16, "encoder.layers.1": 16},
    head="head",
    task="assumed",
)
@reads(
    "encoder without padding",
    lambda: (tokens().clamp_min(1), labels()),
    {"encoder.layers.0": 16, "encoder.layers.1": 16},
    head="head",
    task="classification",
)
def encoder():
    return Encoder()


@reads(
    "encoder, time first",
    lambda: padded().T.contiguous(),
    {"encoder.layers.0": 16, "encoder.layers.1": 16},
    head="head",
    task="assumed",
)
def time_first_encoder():
    return Encoder(batch_first=False)


BLOCKS_OF_TRANSFORMER = {
    f"transformer.{part}.layers.{number}": 16 for part in ("encoder", "decoder") for number in (0, 1)
}


class Translator(nn.Module):
    def __init__(self, batch_first):
        super().__init__()
        self.transformer = nn.Transformer(16, 2, 2, 2, 24, batch_first=batch_first)
        self.out = nn.Linear(16, 20)

    def forward(self, source, target):
        return self.out(self.transformer(source, target))


@reads(
    "torch's transformer, examples first",
    lambda: {"source": normal(EXAMPLES, 9, 16), "target": normal(EXAMPLES, 7, 16)},
    BLOCKS_OF_TRANSFORMER,
    head=None,
    task="none",
)
def translator():
    return Translator(batch_first=True)


@reads(
    "torch's transformer, time first",
    lambda: {"source": normal(9, EXAMPLES, 16), "target": normal(7, EXAMPLES, 16)},
    BLOCKS_OF_TRANSFORMER,
    head=None,
    task="none",
)
def time_first_translator():
    return Translator(batch_first=False)


@reads(
    "attention over time first",
    lambda: normal(9, EXAMPLES, 16),
    {"before": 16, "attention": 16, "after": 12},
    head="head",
    task="assumed",
)
class TimeFirstAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.before, self.attention = nn.Linear(16, 16), nn.MultiheadAttention(16, 2)
        self.after, self.head = nn.Linear(16, 12), nn.Linear(12, 3)

    def forward(self, x):
        x = self.before(x)
        return self.head(self.after(self.attention(x, x, x)[0]).relu().mean(0))


class Head(nn.Module):
    """One head of attention with three linear layers, as in nanoGPT's lecture."""

    def __init__(self, units, size):
        super().__init__()
        self.key, self.query, self.value = (nn.Linear(units, size, bias=False) for _ in range(3))

    def forward(self, x):
        weights = self.query(x) @ self.key(x).transpose(-2, -1)
        below = torch.ones_like(weights[0]).tril() == 0
        return weights.masked_fill(below, -torch.inf).softmax(-1) @ self.value(x)


class MultipleHeads(nn.Module):
    def __init__(self, units, count):
        super().__init__()
        self.heads = nn.ModuleList(Head(units, units // count) for _ in range(count))
        self.proj = nn.Linear(units, units)

    def forward(self, x):
        return self.proj(torch.cat([head(x) for head in self.heads], -1))


class Block(nn.Module):
    def __init__(self, units):
        super().__init__()
        self.sa, self.ffwd = (
            MultipleHeads(units, 4),
            nn.Sequential(nn.Linear(units, 32), nn.ReLU(), nn.Linear(32, units)),
        )
        self.ln1, self.ln2 = nn.LayerNorm(units), nn.LayerNorm(units)

    def forward(self, x):
        x = x + self.sa(self.ln1(x))
        return x + self.ffwd(self.ln2(x))


@reads("nanoGPT, heads in a list", tokens, {"blocks.0": 16, "blocks.1": 16}, head=None, task="none")
class NanoGpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.token_embedding, self.position_embedding = nn.Embedding(20, 16), nn.Embedding(9, 16)
        self.blocks = nn.Sequential(Block(16), Block(16))
        self.ln_f, self.lm_head = nn.LayerNorm(16), nn.Linear(16, 20)

    def forward(self, tokens, targets=None):
        x = self.token_embedding(tokens) + self.position_embedding.weight[: tokens.shape[1]]
        return self.lm_head(self.ln_f(self.blocks(x))), None


@reads(
    "language model whose targets are its tokens", lambda: (tokens(), tokens()), {"lstm": 16}, head=None, task="none"
)
class RecurrentLanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.lstm, self.out = nn.Embedding(20, 12), nn.LSTM(12, 16, batch_first=True), nn.Linear(16, 20)

    def forward(self, tokens):
        return self.out(self.lstm(self.embedding(tokens))[0])


def sentences():
    """Half of the sentences end in padding."""
    mask = torch.ones(EXAMPLES, 9, dtype=torch.long)
    mask[::2, 5:] = 0
    return {"input_ids": integers(20, EXAMPLES, 9).clamp_min(4), "attention_mask": mask}


def enter_families():
    """Enter networks of the package transformers, tiny and with random weights."""
    import transformers as hf

    small = {
        "vocab_size": 20,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    distil = {"vocab_size": 20, "dim": 16, "hidden_dim": 24, "n_layers": 2, "n_heads": 2, "max_position_embeddings": 16}
    gpt = {"vocab_size": 20, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 16, "pad_token_id": 0}
    t5 = {"vocab_size": 20, "d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_heads": 2}
    bart = {"vocab_size": 20, "d_model": 16, "max_position_embeddings": 16, "encoder_layers": 2, "decoder_layers": 2}
    bart |= {
        f"{part}_{what}": size
        for part in ("encoder", "decoder")
        for what, size in (("attention_heads", 2), ("ffn_dim", 24))
    }
    vit = {name: size for name, size in small.items() if name != "vocab_size"} | {"image_size": 18, "patch_size": 6}

    def labelled():
        return {**sentences(), "labels": labels()}

    def both():
        return {**sentences(), "decoder_input_ids": integers(20, EXAMPLES, 7).clamp_min(4)}

    def blocks(*names):
        return {f"{name}.{number}": 16 for name in names for number in (0, 1)}

    def family(name, kind, config, batch, layers, head, task):
        reads(f"transformers, {name}", batch, layers, head=head, task=task)(lambda: kind(config))

    family("BERT for classes", hf.BertForSequenceClassification, hf.BertConfig(**small, num_labels=3),
           labelled, blocks("bert.encoder.layer"), "classifier", "classification")  # fmt: skip
    config = hf.DistilBertConfig(**distil, num_labels=3)
    family("DistilBERT for classes", hf.DistilBertForSequenceClassification, config, sentences,
           blocks("distilbert.transformer.layer"), "classifier", "assumed")  # fmt: skip
    family("GPT-2 for text", hf.GPT2LMHeadModel, hf.GPT2Config(**gpt),
           sentences, blocks("transformer.h"), None, "none")  # fmt: skip
    family("T5", hf.T5ForConditionalGeneration, hf.T5Config(**t5, decoder_start_token_id=0),
           both, blocks("encoder.block", "decoder.block"), None, "none")  # fmt: skip
    family("BART", hf.BartForConditionalGeneration, hf.BartConfig(**bart),
           both, blocks("model.encoder.layers", "model.decoder.layers"), None, "none")  # fmt: skip
    family("ViT for classes", hf.ViTForImageClassification, hf.ViTConfig(**vit, num_labels=3),
           lambda: {"pixel_values": normal(EXAMPLES, 3, 18, 18), "labels": labels()},
           blocks("vit.layers"), "classifier", "classification")  # fmt: skip


if importlib.util.find_spec("transformers"):
    enter_families()
