"""Tensors in, tensors out: one quantity a file."""

from lightning_infomem.functional.entropy import binned_entropy
from lightning_infomem.functional.mutual_information import mutual_information, pairwise_mutual_information
from lightning_infomem.functional.pairs import PairInformation

__all__ = ["PairInformation", "binned_entropy", "mutual_information", "pairwise_mutual_information"]
