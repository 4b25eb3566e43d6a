"""Candidates and votes made up from predicted classes."""

from __future__ import annotations

from pathlib import Path

from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.votes import collect_votes
from tests.checkpoints.checkpoint_files import make_predictions, make_report
from tests.functional.voters import draw_voters


def make_candidate(name, classes=None, *, information=0.1, num_classes=4, scores=None, loss=None, **known):
    """A checkpoint that predicts these classes; further fields of predictions are in ``fields``."""
    fields = known.pop("fields", {})
    predictions = None if classes is None else make_predictions(classes, num_classes=num_classes, **fields)
    report = make_report({"fc1": information}, predictions=predictions, scores=scores or {}, training_loss=loss)
    return Candidate.from_report(Path("zoo", name), report, **known)


def draw_candidates(accuracies, **how):
    """Checkpoints of known accuracies that err independently, and the true classes."""
    classes, truth = draw_voters(accuracies, **how)
    return [make_candidate(f"{place}", each) for place, each in enumerate(classes)], truth


def make_votes(accuracies=(0.9, 0.8, 0.6), **how):
    """Their votes, and the true classes."""
    candidates, truth = draw_candidates(accuracies, **how)
    votes, why = collect_votes(candidates)
    assert votes is not None, why
    return votes, truth
