from __future__ import annotations

import os

import pytest
import torch
from hypothesis import HealthCheck, settings

# Triton looks at this when it is first imported: without a GPU, its interpreter runs the search for GPUs.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

# `--hypothesis-profile=thorough` is `make fuzz`.
settings.register_profile("quick", max_examples=30, deadline=None)
for name, cases in {"thorough": 2000, "exhaustive": 10_000}.items():
    settings.register_profile(
        name,
        max_examples=cases,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
settings.load_profile("quick")


@pytest.fixture
def undrawn(monkeypatch):
    """Figures on pages are made, but not drawn, which takes longest."""
    monkeypatch.setattr("lightning_infomem.plots.embed_figure", lambda _, told: f'<svg aria-label="{told}"></svg>')
