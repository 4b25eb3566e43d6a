"""Generators of data whose mutual information is known: each returns the samples and the truth in nats."""

from tests.known_answers.discrete import table_samples
from tests.known_answers.gaussian import correlated_gaussians, gaussian_mutual_information
from tests.known_answers.rectified import rectified_gaussians, rectified_mutual_information

__all__ = [
    "correlated_gaussians",
    "gaussian_mutual_information",
    "rectified_gaussians",
    "rectified_mutual_information",
    "table_samples",
]
