from __future__ import annotations

import os
from pathlib import Path

import pytest

# Test processes (`pytest -n 2`) share the cores: threads would only fight for them. NumPy and torch look at this
# when they are first imported, and so do the processes that tests start.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"

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

# Whole folders of tests that `make check` leaves out; other tests are marked one by one.
MARKED_FOLDERS = {"browser": pytest.mark.browser, "examples": pytest.mark.study}


def pytest_collection_modifyitems(items):
    home = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(home).parts[0] if item.path.is_relative_to(home) else ""
        if folder in MARKED_FOLDERS:
            item.add_marker(MARKED_FOLDERS[folder])


@pytest.fixture
def undrawn(monkeypatch):
    """Figures on pages are made, but not drawn, which takes longest."""
    monkeypatch.setattr("lightning_infomem.plots.embed_figure", lambda _, text: f'<svg aria-label="{text}"></svg>')
