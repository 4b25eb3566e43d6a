"""What leads a ranking: which criterion decides, and why."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from lightning_infomem.records.training_neighbors import TrainingNeighbors
from lightning_infomem.selection.criteria import (
    CONSENSUS_ACCURACY,
    MUTUAL_INFORMATION,
    NEIGHBOR_AGREEMENT,
    RANKME,
    REFERENCE_AGREEMENT,
)
from lightning_infomem.selection.recipes import RecipeDifference

__all__ = ["LEAST_SKILL", "Consideration", "choose_leader"]

# How far the neighbours must be better than chance at the labels that training examples were given, from 0 to 1.
# Between networks of sweeps whose neighbours had .05, their agreement chose by chance (`examples/choosing/results`).
LEAST_SKILL = 0.1


@dataclass(frozen=True)
class Consideration:
    """A criterion that could lead a ranking.

    Attributes:
        criterion: Name of the criterion.
        leads: Whether it leads.
        because: Why, or why not.
    """

    criterion: str
    leads: bool
    because: str


def choose_leader(
    known: Collection[str],
    *,
    memorization: str | None = None,
    has_reference: bool = False,
    neighbors: TrainingNeighbors | None = None,
    num_labels: int = 0,
    recipes: RecipeDifference,
    why_no_votes: str = "",
) -> list[Consideration]:
    """Choose the criterion that leads a ranking, from what is known and what was measured on zoos with clean labels.

    The order of the rules and their figures are in `examples/choosing/results`. The first that applies leads:

    1. With a reference, agreement with its predictions; without classes, nearness to it in mutual information.
    2. With labels of some inputs, the consensus that is held to them.
    3. With the kind of memorization and one recipe: for stored examples the consensus, because what networks store
       they do not share; for shortcuts RankMe, because a majority takes a shortcut together. Where these are not known,
       mutual information.
    4. With training examples whose neighbours tell their labels better than by chance, agreement with neighbours.
    5. The consensus. A shortcut, or noise, that most checkpoints learned would win.

    Args:
        known: Names of the criteria that have a value for every checkpoint.
        memorization: The kind of memorization, if it is given.
        has_reference: Whether a checkpoint is given that generalises.
        neighbors: Labels of the nearest training examples, if training examples are given.
        num_labels: Number of inputs whose labels are given.
        recipes: How the training of the checkpoints differs.
        why_no_votes: Why predictions cannot be compared, if they cannot.

    Returns:
        The criteria that were considered, in this order, at most one of them leading; none leads if nothing applies.
    """
    found: list[Consideration] = []

    def consider(criterion: str, applies: bool, because: str, otherwise: str) -> None:
        is_led = any(each.leads for each in found)
        found.append(Consideration(criterion, applies and not is_led, because if applies else otherwise))

    votes = REFERENCE_AGREEMENT.name in known
    no_votes = why_no_votes or "the reference has no predictions for these inputs"
    if has_reference:
        consider(
            REFERENCE_AGREEMENT.name,
            votes,
            "a checkpoint that generalises is given, and what it predicts can be compared",
            f"not comparable: {no_votes}",
        )
        if not votes:
            consider(
                MUTUAL_INFORMATION.name,
                True,
                "nearness to the reference, because predictions cannot be compared",
                "",
            )
    has_consensus = CONSENSUS_ACCURACY.name in known
    if num_labels:
        consider(
            CONSENSUS_ACCURACY.name,
            has_consensus,
            f"{num_labels} labels are given, and the consensus is held to them",
            f"not comparable: {why_no_votes}",
        )
    if memorization is not None:
        _consider_kind(consider, memorization, known, recipes)
    if neighbors is not None:
        skill = (
            f"the neighbours of a training example tell its label in {100 * neighbors.leave_one_out:.0f} % of cases, "
            f"guessing in {100 * neighbors.chance:.0f} %"
        )
        is_trusted = neighbors.skill >= LEAST_SKILL
        consider(
            NEIGHBOR_AGREEMENT.name,
            is_trusted and NEIGHBOR_AGREEMENT.name in known,
            skill,
            f"not trusted: {skill}" if not is_trusted else f"not comparable: {why_no_votes}",
        )
    if not num_labels:
        consider(
            CONSENSUS_ACCURACY.name,
            has_consensus,
            "nothing else is given; an error that most checkpoints share, a shortcut or noise, would win",
            f"not comparable: {why_no_votes}",
        )
    return found


def _consider_kind(
    consider: Callable[[str, bool, str, str], None],
    memorization: str,
    known: Collection[str],
    recipes: RecipeDifference,
) -> None:
    """Consider what leads if the kind of memorization is given."""
    is_one_recipe = not recipes.names
    differ = f"the recipes differ in {', '.join(recipes.names[:3])}" + (" and more" if len(recipes.names) > 3 else "")
    if memorization == "example":
        consider(
            CONSENSUS_ACCURACY.name,
            CONSENSUS_ACCURACY.name in known,
            "stored examples: what networks store of single examples they do not share",
            "predictions cannot be compared",
        )
        consider(
            MUTUAL_INFORMATION.name, is_one_recipe, "stored examples lower it, among networks of one recipe", differ
        )
    else:
        consider(
            RANKME.name,
            is_one_recipe and RANKME.name in known,
            "shortcuts leave units few directions, among networks of one recipe",
            differ if not is_one_recipe else "not known of all checkpoints",
        )
        consider(MUTUAL_INFORMATION.name, is_one_recipe, "shortcuts raise it, among networks of one recipe", differ)
