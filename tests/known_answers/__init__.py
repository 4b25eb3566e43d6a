"""Generators of data whose mutual information is known: each returns the samples together with the truth."""

from tests.known_answers.discrete import counted_table
from tests.known_answers.gaussian import correlated_gaussians
from tests.known_answers.paired_samples import PairedSamples
from tests.known_answers.rectified import rectified_gaussians

__all__ = ["PairedSamples", "correlated_gaussians", "counted_table", "rectified_gaussians"]
