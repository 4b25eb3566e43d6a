"""Tensors in, tensors out: one quantity a file."""

from lightning_infomem.functional.average_thresholded_confidence import average_thresholded_confidence
from lightning_infomem.functional.bag_of_tokens import bag_of_tokens, inverse_document_frequency
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
from lightning_infomem.functional.dispersion_score import dispersion_score
from lightning_infomem.functional.entropy import binned_entropy
from lightning_infomem.functional.gaussian_copula import gaussian_copula_information
from lightning_infomem.functional.leave_one_out_accuracy import LeaveOneOutAccuracy, leave_one_out_accuracy
from lightning_infomem.functional.mano import mano
from lightning_infomem.functional.mutual_information import mutual_information, pairwise_mutual_information
from lightning_infomem.functional.nearest_neighbors import NearestNeighbors, nearest_neighbors
from lightning_infomem.functional.neighbor_agreement import neighbor_agreement
from lightning_infomem.functional.normal_scores import normal_scores
from lightning_infomem.functional.pairs import PairInformation
from lightning_infomem.functional.smoothness import prediction_smoothness
from lightning_infomem.functional.spectrum import alpha_req, participation_ratio, rankme
from lightning_infomem.functional.temperature_scaled_confidence import temperature_scaled_confidence
from lightning_infomem.functional.vote_agreement import pairwise_agreement, reference_agreement, soft_vote_agreement

__all__ = [
    "DawidSkene",
    "LeaveOneOutAccuracy",
    "NearestNeighbors",
    "PairInformation",
    "alpha_req",
    "average_thresholded_confidence",
    "bag_of_tokens",
    "binned_entropy",
    "consensus_accuracy",
    "correlation",
    "dawid_skene",
    "dispersion_score",
    "expected_accuracy",
    "frobenius_norms",
    "gaussian_copula_information",
    "inverse_document_frequency",
    "leave_one_out_accuracy",
    "log_product",
    "mano",
    "mean_confidence",
    "mutual_information",
    "nearest_neighbors",
    "neighbor_agreement",
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
    "temperature_scaled_confidence",
]
