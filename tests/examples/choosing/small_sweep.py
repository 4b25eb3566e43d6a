"""A sweep on digits of few networks and epochs, trained in a second."""

from __future__ import annotations

from dataclasses import replace

from examples.benchmarks.training import note_labelled
from examples.choosing import sweeps, zoos
from examples.choosing.sources import Sources
from examples.choosing.training import jobs_of, train

__all__ = ["make_small", "train_small"]


def make_small(patch):
    """Let the noisy digits be the only sweep, of five networks of one to eight epochs."""
    patch.setattr(sweeps, "_NUM_MODELS", 5)
    patch.setitem(sweeps.DATA, "digits", replace(sweeps.DATA["digits"], epochs=(1, 8), reference_epochs=8))
    sweep = next(each for each in sweeps.SWEEPS if each.folder == "digits-noise0.2-0")
    patch.setattr(zoos, "SWEEPS", (sweep,))
    return sweep


def train_small(sweep, output):
    """Train its networks and references into the folder, and return where the data lie."""
    sources = Sources(output, output, output / "features")
    for job in jobs_of(sweep, output):
        note_labelled(job.folder, job.name, train(job, sources))
    return sources
