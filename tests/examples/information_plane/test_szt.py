"""The rule gives the published data, bit for bit."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch

from examples.information_plane.szt import szt_data
from lightning_infomem.information_plane.discrete import discrete_entropy

RULE = json.loads((Path(__file__).parents[2] / "data" / "szt_rule.json").read_text())


def digest(values):
    return hashlib.sha256(values.to(torch.uint8).numpy().tobytes()).hexdigest()


def test_inputs_and_labels_are_the_published_ones():
    inputs, labels = szt_data()
    assert (inputs.dtype, tuple(inputs.shape), labels.dtype) == (torch.float32, (4096, 12), torch.int64)
    assert digest(inputs) == RULE["sha256_of_X_uint8_bytes"]
    assert digest(labels) == RULE["sha256_of_y_uint8_bytes"]


def test_labels_have_the_known_entropy():
    inputs, labels = szt_data()
    assert discrete_entropy(labels) == pytest.approx(RULE["H_Y_nats"], abs=1e-14)
    counts = torch.bincount(inputs.sum(1).long()[labels == 1], minlength=13)
    assert counts.tolist() == RULE["ones_per_weight"]
