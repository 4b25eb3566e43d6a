"""Similarity of domains, measured in bits: how much a model trained on one domain knows about another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lightning_infomem.model_information.codelength_settings import CodelengthSettings
from lightning_infomem.model_information.feature_distances import Features, feature_distances
from lightning_infomem.model_information.information_transfer import InformationTransfer
from lightning_infomem.model_information.labeled_data import Data, LabeledData, check_data_pairs
from lightning_infomem.model_information.learner import Learner, Model, trained
from lightning_infomem.model_information.mean_and_spread import means_with_spreads
from lightning_infomem.model_information.prequential import code_online
from lightning_infomem.model_information.repetitions import make_seeded, settings_of_seeds, shared_state
from lightning_infomem.model_information.result import Result
from lightning_infomem.records.table import Column, Table

__all__ = ["DomainSimilarity", "domain_similarity"]


@dataclass(frozen=True, eq=False)
class DomainSimilarity(Result):
    """The information that models of each domain hold about every domain, and the similarities derived from it.

    Attributes:
        domains: Names of the domains.
        bits: float64 ``[seeds, sources, targets]``: L_AB, the information that a model trained on the source holds
            about the target's held-out labels.
        mean_distances: float64 ``[domains, domains]``: Distances between the feature means, the first baseline.
        covariance_distances: float64 ``[domains, domains]``: Distances between the feature covariances, the second
            baseline.
        seeds: Seeds of the repetitions.
        settings: Settings of all codes and trainings.
    """

    domains: tuple[str, ...]
    bits: Tensor
    mean_distances: Tensor
    covariance_distances: Tensor
    seeds: tuple[int, ...]
    settings: Mapping[str, Any]

    @property
    def similarity(self) -> Tensor:
        """S, the information both hold divided by all that either holds: ``L_AB / (L_AA + L_BB - L_AB)``.

        float64, same shape as ``bits``. The diagonal is 1. Entries are NaN if the denominator is not positive. S is
        not symmetric, because L_AB is not.
        """
        diagonal = self._diagonal
        return _share(self.bits, diagonal[:, :, None] + diagonal[:, None, :] - self.bits)

    @property
    def unidirectional_similarity(self) -> Tensor:
        """S_uni, the share of the target's information that the source's model holds: ``L_AB / L_BB``."""
        return _share(self.bits, self._diagonal[:, None, :].expand_as(self.bits))

    @property
    def symmetric_similarity(self) -> Tensor:
        """S computed from the mean of L_AB and L_BA instead of L_AB."""
        diagonal, both = self._diagonal, (self.bits + self.bits.mT) / 2
        return _share(both, diagonal[:, :, None] + diagonal[:, None, :] - both)

    def to_records(self) -> list[dict[str, Any]]:
        """Return one row per source and target: means over seeds, half-widths of 95 % intervals, and the distances.

        ``similarity`` is S and ``unidirectional_similarity`` is S_uni. If one seed is NaN, so is the mean.
        """
        measured = {
            "bits": self.bits,
            "similarity": self.similarity,
            "unidirectional_similarity": self.unidirectional_similarity,
            "symmetric_similarity": self.symmetric_similarity,
        }
        rows = []
        for source, source_name in enumerate(self.domains):
            for target, target_name in enumerate(self.domains):
                row: dict[str, Any] = {"source": source_name, "target": target_name}
                row |= means_with_spreads(**{name: each[:, source, target].tolist() for name, each in measured.items()})
                row["mean_distance"] = float(self.mean_distances[source, target])
                row["covariance_distance"] = float(self.covariance_distances[source, target])
                rows.append(row | {"seeds": ", ".join(map(str, self.seeds))})
        return rows

    def to_table(self) -> Table:
        """The rows with short headings, below them the seeds."""
        shown = {
            "source": Column("source"),
            "target": Column("target"),
            "bits": Column("bits", form=".0f", spread="bits_spread"),
            "similarity": Column("similarity", "S", ".2f", spread="similarity_spread"),
            "unidirectional_similarity": Column(
                "unidirectional_similarity", "S_uni", ".2f", spread="unidirectional_similarity_spread"
            ),
            "mean_distance": Column("mean_distance", "means", ".3g"),
            "covariance_distance": Column("covariance_distance", "covariances", ".3g"),
        }
        records = self.to_records()
        columns = [shown.get(name, Column(name, shown="never")) for name in records[0]]
        one = len(self.seeds) == 1
        seeds = f"seed {self.seeds[0]}" if one else f"seeds {', '.join(map(str, self.seeds))}, ± 95 % interval"
        return Table(columns, records, notes=[f"{seeds}; means, covariances: distances of features"], facts=self.facts)

    @property
    def _diagonal(self) -> Tensor:
        """L_AA of every domain, ``[seeds, domains]``."""
        return self.bits.diagonal(dim1=1, dim2=2)


def domain_similarity(
    make_model: Callable[[], Model],
    domains: Mapping[str, tuple[Data, Data]],
    *,
    features: Features | None = None,
    seeds: Sequence[int] = (0, 1, 2),
    **settings: Any,
) -> DomainSimilarity:
    """Train a model on each domain, and measure how much that shortens the code of every domain's labels.

    All domains share one model, and therefore the classes. Do not compare similarities across models, settings or
    numbers of held-out samples. If a domain's own model knows little, shares of that information mean nothing.

    Args:
        make_model: Function that makes an untrained model; see `Learner`. It is called under each seed, so that all
            models of a seed start from the same weights.
        domains: Name -> (training data, held-out data); see `LabeledData`. Use held-out data of equal size: larger
            domains appear to know more.
        features: Function from inputs to features ``[samples, units]`` for the baseline distances. The default
            flattens the inputs; give a function if they are not quantities, such as word indices.
        seeds: Seeds for the initial weights, the order of the samples, and training.
        **settings: Settings of codes and trainings; see `CodelengthSettings`.

    Returns:
        `DomainSimilarity`. S of a domain with itself is exactly 1. S_uni from a domain to one it contains is about 1,
        and smaller in the other direction.

    Raises:
        TypeError, ValueError: See `prequential_codelength`; also fewer than two domains, or a domain that is not a
            pair of data.

    Cost:
        For each seed, one training per domain and ``domains * (domains + 1)`` codes.

    Reference:
        Model information as an analysis tool in deep learning (ICLR 2021 submission), eq. 4 (S) and eq. 5 (S_uni).

    >>> inputs, labels = torch.eye(4).repeat(50, 1), torch.arange(4).repeat(50)
    >>> domains = {"plain": ((inputs, labels),) * 2, "swapped": ((inputs, 3 - labels),) * 2}
    >>> short = {"blocks": (10, 100), "max_epochs": 5, "learning_rate": 0.1, "progress": False}
    >>> result = domain_similarity(lambda: torch.nn.Linear(4, 4), domains, seeds=[0], **short)
    >>> result.similarity[0].diagonal().tolist(), bool(result.similarity[0, 0, 1] < 0.5)
    ([1.0, 1.0], True)
    """
    repeated = settings_of_seeds(seeds, settings)
    check_data_pairs(domains, name="domains", minimum=2)
    matrices = []
    for place, chosen in enumerate(repeated):
        loaded = {name: tuple(LabeledData.of(part, chosen) for part in pair) for name, pair in domains.items()}
        initial = make_seeded(make_model, chosen.seed)
        if not place:  # check before anything is trained
            _check_labels(initial, loaded, chosen)
            distances = feature_distances([held_out for _, held_out in loaded.values()], features)
        matrices.append(_bits(initial, loaded, chosen))
    shared = shared_state(repeated)
    return DomainSimilarity(tuple(domains), torch.stack(matrices), *distances, tuple(seeds), shared)


def _bits(initial: Model, domains: Mapping[str, tuple[LabeledData, ...]], settings: CodelengthSettings) -> Tensor:
    """L_AB of one seed, ``[sources, targets]``; all sources share the codes of the initial weights."""
    targets = [(name, held_out) for name, (_, held_out) in domains.items()]
    learner = Learner(initial, settings)
    before = [_code(learner, data, f"initial weights on {name}") for name, data in targets]
    rows = []
    for source, (training, _) in domains.items():
        learner = Learner(trained(initial, training, settings), settings)
        after = [_code(learner, data, f"{source} on {name}") for name, data in targets]
        rows.append([InformationTransfer(*codes).bits for codes in zip(before, after, strict=True)])
    return torch.tensor(rows, dtype=torch.float64)


def _code(learner: Learner, data: LabeledData, description: str) -> Any:
    return code_online(learner, data, description=f"{description}, seed {learner.settings.seed}")


def _share(part: Tensor, whole: Tensor) -> Tensor:
    return torch.where(whole > 0, part / whole, torch.nan)


def _check_labels(model: Model, domains: Mapping[str, tuple[LabeledData, ...]], settings: CodelengthSettings) -> None:
    learner = Learner(model, settings)
    for name, (training, held_out) in domains.items():
        try:
            learner.count_classes(training)
            learner.count_classes(held_out)
            settings.sizes(len(held_out))
        except (TypeError, ValueError) as fault:
            raise type(fault)(f"domains[{name!r}]: {fault}") from fault
