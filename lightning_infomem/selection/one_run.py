"""Checkpoints of one training run: a course over epochs, not a choice between recipes."""

from __future__ import annotations

from collections.abc import Sequence

from lightning_infomem.selection.candidates import Candidate

__all__ = ["REFUSAL", "looks_like_one_run", "tell_of_run"]

REFUSAL = (
    "these are epochs of one run, along which neither the lowest nor the highest value marks the best epoch; take the "
    "values as a trend, beside the last epoch and the validation metric; to rank them as if they were recipes give "
    "along_run=False."
)


def looks_like_one_run(candidates: Sequence[Candidate]) -> bool:
    """One folder, and every epoch once; copies of a checkpoint, as `last.ckpt` can be, do not count."""
    folders = {each.path.parent for each in candidates}
    moments = {
        (each.epoch, each.step, *(layer.mutual_information for layer in each.layers.values())) for each in candidates
    }
    epochs = [moment[0] for moment in moments]
    return len(folders) == 1 and None not in epochs and 1 < len(epochs) == len(set(epochs))


def tell_of_run(candidates: Sequence[Candidate]) -> list[str]:
    """What people take today: the last epoch, and the best by each metric of validation that is known."""
    last = max(candidates, key=lambda each: (each.epoch or -1, each.step or -1))
    notes = [f"last epoch: '{last.path.name}'"]
    for criterion, choose in (("validation_loss", min), ("validation_accuracy", max)):
        known = [each for each in candidates if criterion in each.scores]
        if known:
            best = choose(known, key=lambda each: each.scores[criterion])
            name = criterion.replace("_", " ")
            notes.append(f"best {name}: '{best.path.name}' ({best.scores[criterion]:.4g})")
    return notes
