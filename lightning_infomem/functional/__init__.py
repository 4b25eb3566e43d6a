"""Tensors in, tensors out: one quantity a file."""

from lightning_infomem.functional.complexity import (
    frobenius_norms,
    log_product,
    path_norm,
    spectral_norms,
    sum_of_squares,
)
from lightning_infomem.functional.confidence import mean_confidence, nuclear_norm, softmax_entropy
from lightning_infomem.functional.consensus_accuracy import consensus_accuracy, expected_accuracy
from lightning_infomem.functional.correlation import correlation
from lightning_infomem.functional.dawid_skene import DawidSkene, dawid_skene
from lightning_infomem.functional.entropy import binned_entropy
from lightning_infomem.functional.gaussian_copula import gaussian_copula_information
from lightning_infomem.functional.mutual_information import mutual_information, pairwise_mutual_information
from lightning_infomem.functional.normal_scores import normal_scores
from lightning_infomem.functional.pairs import PairInformation
from lightning_infomem.functional.smoothness import prediction_smoothness
from lightning_infomem.functional.spectrum import alpha_req, participation_ratio, rankme
from lightning_infomem.functional.vote_agreement import pairwise_agreement, reference_agreement, soft_vote_agreement

__all__ = [
    "DawidSkene",
    "PairInformation",
    "alpha_req",
    "binned_entropy",
    "consensus_accuracy",
    "correlation",
    "dawid_skene",
    "expected_accuracy",
    "frobenius_norms",
    "gaussian_copula_information",
    "log_product",
    "mean_confidence",
    "mutual_information",
    "normal_scores",
    "nuclear_norm",
    "pairwise_agreement",
    "pairwise_mutual_information",
    "participation_ratio",
    "path_norm",
    "prediction_smoothness",
    "rankme",
    "reference_agreement",
    "soft_vote_agreement",
    "softmax_entropy",
    "spectral_norms",
    "sum_of_squares",
]
