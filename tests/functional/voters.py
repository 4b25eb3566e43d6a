"""Made-up checkpoints whose accuracies are known, which err independently of each other."""

from __future__ import annotations

import torch


def draw_voters(accuracies, *, inputs=600, num_classes=4, unknown=0.0, seed=0):
    """Predicted classes of voters who err evenly over the other classes, and the true classes."""
    generator = torch.Generator().manual_seed(seed)
    truth = torch.randint(num_classes, (inputs,), generator=generator)
    shape = (len(accuracies), inputs)
    wrong = (truth + torch.randint(1, num_classes, shape, generator=generator)) % num_classes
    right = torch.rand(shape, generator=generator) < torch.tensor(accuracies)[:, None]
    classes = torch.where(right, truth, wrong)
    return classes.masked_fill(torch.rand(shape, generator=generator) < unknown, -1), truth
