"""From a report to one number a layer: what checkpoints are ranked by."""

from __future__ import annotations

from lightning_infomem.records import InformationReport

__all__ = ["mean_entropy", "mean_mutual_information"]


def mean_entropy(report: InformationReport) -> dict[str, float]:
    """Mean entropy of the units of each layer.

    Not to be averaged over layers of different width before a comparison: rank per layer, as `rank_checkpoints` does.

    Args:
        report: of one checkpoint.

    Returns:
        Layer name -> nats; NaN where no unit has a finite entropy.
    """
    return {layer.name: layer.finite_entropy().mean().item() for layer in report.layers}


def mean_mutual_information(report: InformationReport) -> dict[str, float]:
    """Mean mutual information of all pairs of two different units of each layer.

    Args:
        report: of one checkpoint.

    Returns:
        Layer name -> nats, raw and thus perhaps slightly negative; NaN where no pair has a finite value.
    """
    return {layer.name: layer.pairs().mean().item() for layer in report.layers}
