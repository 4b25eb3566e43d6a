from __future__ import annotations

import os

import torch

# Triton looks at this when it is first imported: without a GPU, its interpreter runs the search for GPUs.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

