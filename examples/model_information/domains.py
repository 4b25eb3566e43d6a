"""How much a network that knows digits in one form, or some of them, knows of others.

``python -m examples.model_information.domains --output domains`` trains a small convolutional network on the digits of
scikit-learn as they are, rotated by a right angle, inverted and noisy, and on those from 0 to 4, from 5 to 9 and all;
codes held-out ones of each; and writes a table and a figure. What is there already is not computed again. A few minutes
on two cores; ``--epochs`` and ``--seeds`` make it shorter.
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

_NOISE = 0.5  # standard deviation; images go from 0 to 1
# Chosen after a first run, of one hidden layer in batches of 64, whose short trainings could not unlearn another form:
# all but one of its transfers between forms were below 0.
_SETTINGS = {"blocks": [10.0, 30.0, 100.0], "batch_size": 32, "learning_rate": 3e-3}

Labelled = tuple[Tensor, Tensor]


def digits() -> tuple[Labelled, Labelled]:
    """`flat_digits` as images ``[samples, 8, 8]``."""
    (known, known_classes), (unseen, unseen_classes) = flat_digits()
    return (known.view(-1, 8, 8), known_classes), (unseen.view(-1, 8, 8), unseen_classes)


def forms() -> dict[str, tuple[Labelled, Labelled]]:
    """The same digits in four forms; none is seen both in training and held out."""
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
    """All digits, and the first and the last five of them, by a network of ten classes in any case."""
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
    """The similarity of the domains of a family, for one seed, as plain values."""
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
    """Of the same domains one result with all seeds."""
    bits, *distances = (
        torch.tensor(each, dtype=torch.float64)
        for each in ([part["bits"] for part in parts], parts[0]["mean_distances"], parts[0]["covariance_distances"])
    )
    return DomainSimilarity(tuple(parts[0]["domains"]), bits, *distances, tuple(seeds), parts[0]["settings"])


def report(results: dict[str, DomainSimilarity]) -> str:
    """The table."""
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
    """In which seeds the larger domain knows more of the smaller one than that of it, or how the baselines agree."""
    if result.domains[0] == "all":
        share = result.unidirectional_similarity
        more = int((share[:, 0, 1:] > share[:, 1:, 0]).all(1).sum())
        return f"- Who knows all classes knows more of each subset than it knows of all: {more} of {len(share)} seeds."
    pairs = torch.ones(len(result.domains), len(result.domains)).triu(1).bool()
    alike = result.symmetric_similarity.mean(0)[pairs]
    taus = [kendalltau(alike, -each[pairs]).statistic for each in (result.mean_distances, result.covariance_distances)]
    return (
        f"- Kendall's tau of the symmetric similarity of {int(pairs.sum())} pairs of forms with closeness: "
        f"{taus[0]:.2f} of means, {taus[1]:.2f} of covariances."
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Compute what is missing, and write the table and the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="a folder, made where it is missing")
    parser.add_argument("--seeds", type=int, default=3, help="repetitions (%(default)s)")
    parser.add_argument("--epochs", type=int, default=30, help="at most, of each training (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes (%(default)s)")
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
        print("stopped; what is finished stays, and the same command goes on from there", file=sys.stderr)
        return 130
    seeds = range(given.seeds)
    results = {family: joined([parts[f"{family}-seed{seed}"] for seed in seeds], seeds) for family in FAMILIES}
    told = report(results)
    write_text(given.output / "domains.md", told)
    for family, result in results.items():
        save_figure(plot_domain_similarity(result), given.output / f"domains-{family}.png")
    print(told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
