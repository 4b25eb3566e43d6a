"""How much a network trained on one form, or one subset, of the digits knows about the others.

``python -m examples.model_information.domains --output domains`` trains a small convolutional network on scikit-learn's
digits in four forms (unchanged, rotated by 90 degrees, inverted, noisy) and on three subsets (0 to 4, 5 to 9, all). It
codes held-out digits of each, and writes a table and figures. Existing results are reused. It takes a few minutes on
two cores; reduce ``--epochs`` and ``--seeds`` for a shorter run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from scipy.stats import kendalltau
from torch import Tensor

from examples.model_information.block_network import BlockNetwork
from examples.model_information.digits import digits as flat_digits
from examples.model_information.kept_results import kept_results
from lightning_infomem.model_information import DomainSimilarity, domain_similarity
from lightning_infomem.model_information.plots import plot_domain_similarity
from lightning_infomem.plots import save_figure
from lightning_infomem.reporting.text_file import write_text

__all__ = ["FAMILIES", "class_subsets", "digits", "forms", "main", "report"]

_NOISE = 0.5  # standard deviation; images range from 0 to 1
# Chosen after a first run with one hidden layer and batches of 64, whose short trainings could not unlearn another
# form: all but one of its transfers between forms were below 0.
_SETTINGS = {"blocks": [10.0, 30.0, 100.0], "batch_size": 32, "learning_rate": 3e-3}

Labelled = tuple[Tensor, Tensor]


def digits() -> tuple[Labelled, Labelled]:
    """Return `flat_digits` as images ``[samples, 8, 8]``."""
    (known, known_classes), (unseen, unseen_classes) = flat_digits()
    return (known.view(-1, 8, 8), known_classes), (unseen.view(-1, 8, 8), unseen_classes)


def forms() -> dict[str, tuple[Labelled, Labelled]]:
    """Return the same digits in four forms; training and held-out digits are disjoint."""
    generator = torch.Generator().manual_seed(1)
    changes: dict[str, Callable[[Tensor], Tensor]] = {
        "plain": lambda images: images,
        "noisy": lambda images: images + _NOISE * torch.randn(images.shape, generator=generator),
        "rotated": lambda images: images.rot90(dims=(1, 2)),
        "inverted": lambda images: 1 - images,
    }
    known, unseen = digits()
    return {name: ((change(known[0]), known[1]), (change(unseen[0]), unseen[1])) for name, change in changes.items()}


def class_subsets() -> dict[str, tuple[Labelled, Labelled]]:
    """Return all digits, the first five and the last five classes; the network has ten classes in every case."""
    subsets: dict[str, Callable[[Tensor], Tensor]] = {
        "all": lambda classes: classes >= 0,
        "0 to 4": lambda classes: classes < 5,
        "5 to 9": lambda classes: classes > 4,
    }
    known, unseen = digits()
    return {name: (_chosen(known, keep(known[1])), _chosen(unseen, keep(unseen[1]))) for name, keep in subsets.items()}


def _chosen(data: Labelled, rows: Tensor) -> Labelled:
    return data[0][rows], data[1][rows]


FAMILIES = {"forms": forms, "classes": class_subsets}


def compare(job: dict[str, Any]) -> dict[str, Any]:
    """Return the similarity of a family's domains for one seed, as plain values."""
    found = domain_similarity(
        BlockNetwork, FAMILIES[job["family"]](), seeds=[job["seed"]], progress=False, **job["settings"]
    )
    return {
        "domains": list(found.domains),
        "bits": found.bits[0].tolist(),
        "mean_distances": found.mean_distances.tolist(),
        "covariance_distances": found.covariance_distances.tolist(),
        "settings": dict(found.settings),
    }


def joined(parts: Sequence[dict[str, Any]], seeds: Sequence[int]) -> DomainSimilarity:
    """Join the results of all seeds for the same domains."""
    bits, *distances = (
        torch.tensor(each, dtype=torch.float64)
        for each in ([part["bits"] for part in parts], parts[0]["mean_distances"], parts[0]["covariance_distances"])
    )
    return DomainSimilarity(tuple(parts[0]["domains"]), bits, *distances, tuple(seeds), parts[0]["settings"])


def report(results: dict[str, DomainSimilarity]) -> str:
    """Return the table and its conclusions."""
    first = next(iter(results.values()))
    lines = [
        f"Means over seeds {', '.join(map(str, first.seeds))}, with half the width of the 95 % interval (Student's t).",
        "Digits of scikit-learn, 1,000 to train on and 797 held out (subsets their share); six convolutions, a head.",
        f"Settings: {', '.join(f'{name} {value}' for name, value in first.settings.items())}.",
        "",
        "| trained on | held out | bits | S | S_uni | distance of means | of covariances |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results.values():
        for row in result.to_records():
            shares = (
                f"{row[name]:.2f} ± {row[f'{name}_spread']:.2f}" for name in ("similarity", "unidirectional_similarity")
            )
            lines.append(
                f"| {row['source']} | {row['target']} | {row['bits']:.0f} ± {row['bits_spread']:.0f} | "
                f"{' | '.join(shares)} | {row['mean_distance']:.2f} | {row['covariance_distance']:.2f} |"
            )
    return "\n".join([*lines, "", *map(_conclusion, results.values())]) + "\n"


def _conclusion(result: DomainSimilarity) -> str:
    """Count the seeds in which a superset knows more of its subsets than they of it, or compare the baselines."""
    if result.domains[0] == "all":
        share = result.unidirectional_similarity
        more = int((share[:, 0, 1:] > share[:, 1:, 0]).all(1).sum())
        return (
            "- A network trained on all classes knows more about each subset than a network trained on the subset "
            f"knows about all: {more} of {len(share)} seeds."
        )
    pairs = torch.ones(len(result.domains), len(result.domains)).triu(1).bool()
    alike = result.symmetric_similarity.mean(0)[pairs]
    taus = [kendalltau(alike, -each[pairs]).statistic for each in (result.mean_distances, result.covariance_distances)]
    return (
        f"- Kendall's tau between the symmetric similarity of {int(pairs.sum())} pairs of forms and their closeness: "
        f"{taus[0]:.2f} for means, {taus[1]:.2f} for covariances."
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Compute missing results, and write the table and the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="output folder, created if missing")
    parser.add_argument("--seeds", type=int, default=3, help="number of repetitions (%(default)s)")
    parser.add_argument("--epochs", type=int, default=30, help="maximum epochs of each training (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="number of processes (%(default)s)")
    given = parser.parse_args(argv)
    settings = _SETTINGS | {"max_epochs": given.epochs}
    jobs = {
        f"{family}-seed{seed}": {"family": family, "seed": seed, "settings": settings}
        for seed in range(given.seeds)
        for family in FAMILIES
    }
    try:
        parts = kept_results(compare, jobs, given.output / "domains", workers=given.workers)
    except KeyboardInterrupt:
        print("stopped; finished results are kept, and the same command resumes from them", file=sys.stderr)
        return 130
    seeds = range(given.seeds)
    results = {family: joined([parts[f"{family}-seed{seed}"] for seed in seeds], seeds) for family in FAMILIES}
    text = report(results)
    write_text(given.output / "domains.md", text)
    for family, result in results.items():
        save_figure(plot_domain_similarity(result), given.output / f"domains-{family}.png")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
