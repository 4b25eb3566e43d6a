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

_FEWEST = 3  # checkpoints that make a consensus


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
    num_checkpoints: int,
    why_no_votes: str = "",
) -> list[Consideration]:
    """Choose the criterion that leads a ranking, from what is known and what was measured on zoos with clean labels.

    The order of the rules and their figures are in `examples/choosing/results`. The first that applies leads:

    1. With a reference, agreement with its predictions.
    2. With labels of some inputs, the consensus that is held to them; else, with a reference whose predictions cannot
       be compared, nearness to it in mutual information.
    3. With the kind of memorization and one recipe: for stored examples the consensus, because what networks store
       they do not share; for shortcuts RankMe, because a majority takes a shortcut together. Where these are not known,
       mutual information.
    4. With training examples whose neighbours tell their labels better than by chance, agreement with neighbours.
    5. The consensus, of three checkpoints or more. A shortcut, or noise, that most of them learned would win; if
       shortcuts are suspected, neither 4 nor 5 leads, because training labels and majorities follow them.

    Args:
        known: Names of the criteria that have a value for every checkpoint.
        memorization: The kind of memorization, if it is given.
        has_reference: Whether a checkpoint is given that generalises.
        neighbors: Labels of the nearest training examples, if training examples are given.
        num_labels: Number of inputs whose labels are given.
        recipes: How the training of the checkpoints differs.
        num_checkpoints: Number of checkpoints.
        why_no_votes: Why predictions cannot be compared, if they cannot.

    Returns:
        The criteria that were considered, in this order, at most one of them leading; none leads if nothing applies.
    """
    found: list[Consideration] = []

    def consider(criterion: str, applies: bool, because: str, otherwise: str) -> None:
        is_led = any(each.leads for each in found)
        found.append(Consideration(criterion, applies and not is_led, because if applies else otherwise))

    if not why_no_votes and CONSENSUS_ACCURACY.name not in known:
        why_no_votes = "a checkpoint has no finite predictions"
    votes = REFERENCE_AGREEMENT.name in known
    no_votes = why_no_votes or "the reference has no predictions for these inputs"
    if has_reference:
        consider(
            REFERENCE_AGREEMENT.name,
            votes,
            "a checkpoint that generalises is given, and what it predicts can be compared",
            f"not comparable: {no_votes}",
        )
    if num_labels:
        # Labels tell two checkpoints apart, too.
        consider(
            CONSENSUS_ACCURACY.name,
            CONSENSUS_ACCURACY.name in known,
            f"{num_labels} {'label is' if num_labels == 1 else 'labels are'} given, and the consensus is held to them",
            f"not comparable: {why_no_votes}",
        )
    if has_reference and not votes:
        because = "nearness to the reference, because its predictions cannot be compared"
        consider(MUTUAL_INFORMATION.name, True, because, "")
    has_consensus = CONSENSUS_ACCURACY.name in known and num_checkpoints >= _FEWEST
    no_consensus = f"a consensus needs {_FEWEST} checkpoints or more, got {num_checkpoints}"
    if CONSENSUS_ACCURACY.name not in known:
        no_consensus = f"not comparable: {why_no_votes}"
    if memorization == "example":
        consider(
            CONSENSUS_ACCURACY.name,
            has_consensus,
            "what networks store of single examples they do not share",
            no_consensus,
        )
    if memorization is not None:
        _consider_hidden_layers(consider, memorization, known, recipes)
    follow_shortcuts = "shortcuts are suspected, which training labels and majorities follow"
    if neighbors is not None:
        skill = (
            f"the neighbours of a training example tell its label in {100 * neighbors.leave_one_out:.0f} % of cases, "
            f"guessing in {100 * neighbors.chance:.0f} %"
        )
        is_trusted = neighbors.skill >= LEAST_SKILL
        otherwise = f"not comparable: {why_no_votes}" if is_trusted else f"not trusted: {skill}"
        consider(
            NEIGHBOR_AGREEMENT.name,
            is_trusted and NEIGHBOR_AGREEMENT.name in known and memorization != "heuristic",
            skill,
            follow_shortcuts if memorization == "heuristic" else otherwise,
        )
    if not num_labels and memorization != "example":
        consider(
            CONSENSUS_ACCURACY.name,
            has_consensus and memorization != "heuristic",
            "nothing else is given; an error that most checkpoints share, a shortcut or noise, would win",
            follow_shortcuts if memorization == "heuristic" else no_consensus,
        )
    return found


def _consider_hidden_layers(
    consider: Callable[[str, bool, str, str], None],
    memorization: str,
    known: Collection[str],
    recipes: RecipeDifference,
) -> None:
    """Consider the measures of hidden layers, for a kind of memorization that is given."""
    is_one_recipe = not recipes.names
    differ = f"the recipes differ in {', '.join(recipes.names[:3])}" + (" and more" if len(recipes.names) > 3 else "")
    if memorization == "heuristic":
        consider(
            RANKME.name,
            is_one_recipe and RANKME.name in known,
            "shortcuts leave units few directions, among networks of one recipe",
            differ if not is_one_recipe else "not known of all checkpoints",
        )
    words = "shortcuts raise it" if memorization == "heuristic" else "stored examples lower it"
    consider(MUTUAL_INFORMATION.name, is_one_recipe, f"{words}, among networks of one recipe", differ)
