"""Criteria that checkpoints can be ranked by: our measures, and baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "CONSENSUS_ACCURACY",
    "CRITERIA",
    "ENTROPY",
    "MUTUAL_INFORMATION",
    "MUTUAL_INFORMATION_AND_RANKME",
    "NEIGHBOR_AGREEMENT",
    "RANKME",
    "REFERENCE_AGREEMENT",
    "Criterion",
]

_LOW, _HIGH = "low", "high"
_REDUNDANCY = {"heuristic": _LOW, "example": _HIGH}  # what units share
_DIVERSITY = {"heuristic": _HIGH, "example": _LOW}
_ALWAYS_LOW = dict.fromkeys(("heuristic", "example", "nearest"), _LOW)
_ALWAYS_HIGH = dict.fromkeys(("heuristic", "example", "nearest"), _HIGH)


@dataclass(frozen=True)
class Criterion:
    """One way to order checkpoints.

    Attributes:
        name: Name in reports, tables and `Ranking.correlate`.
        better: Kind of memorization, or "nearest" -> "low" or "high". Criteria without "nearest" are better the nearer
            they are to the reference.
        needs: What it is computed from.
        formula: Definition in words or symbols, with the function that computes it.
        source: Who proposed it.
    """

    name: str
    better: Mapping[str, str]
    needs: str
    formula: str
    source: str


_ACTIVATIONS = "activations"
_PREDICTIONS = "predicted classes"
_VOTES = "predicted classes of the same inputs in all checkpoints"
_WEIGHTS = "weights (weight_norms=True)"
_LABELS = "labels, logged with the monitor"
_P = "Measures of Information Reflect Memorization Patterns (2022)"

MUTUAL_INFORMATION = Criterion(
    "mutual_information",
    _REDUNDANCY,
    _ACTIVATIONS,
    "mean KSG mutual information of the pairs of units (`functional.pairwise_mutual_information`), nats",
    _P,
)
ENTROPY = Criterion(
    "entropy",
    _DIVERSITY,
    _ACTIVATIONS,
    "mean binned entropy of the units (`functional.binned_entropy`), bins as the settings say, nats",
    _P,
)

RANKME = Criterion(
    "rankme",
    _DIVERSITY,
    _ACTIVATIONS,
    "exp of the entropy of the singular values (`functional.rankme`)",
    "Garrido et al. (2023)",
)
MUTUAL_INFORMATION_AND_RANKME = Criterion(
    "mutual_information_and_rankme",
    _REDUNDANCY,
    _ACTIVATIONS,
    "mean of the ranks by mutual_information and rankme: what pairs share, and how many directions all units span",
    "ours",
)
REFERENCE_AGREEMENT = Criterion(
    "reference_agreement",
    _ALWAYS_HIGH,
    f"{_VOTES}, and a reference (reference=)",
    "share of inputs on which the reference predicts the same class (`functional.reference_agreement`)",
    "ours",
)
NEIGHBOR_AGREEMENT = Criterion(
    "neighbor_agreement",
    _ALWAYS_HIGH,
    f"{_VOTES}, and training examples (training=)",
    "share of the nearest training examples that were given the predicted class (`functional.neighbor_agreement`)",
    "ours, on Cover and Hart (1967)",
)
CONSENSUS_ACCURACY = Criterion(
    "consensus_accuracy",
    _ALWAYS_HIGH,
    _VOTES,
    "expected accuracy by the votes of the others, one accuracy each (`functional.consensus_accuracy`)",
    "Dawid and Skene (1979)",
)

# The tables have this order; `leading` says which one decides. Ranks are made per layer if each layer has a value.
CRITERIA: tuple[Criterion, ...] = (
    REFERENCE_AGREEMENT,
    NEIGHBOR_AGREEMENT,
    CONSENSUS_ACCURACY,
    Criterion(
        "confusion_consensus",
        _ALWAYS_HIGH,
        _VOTES,
        "the same with confusion matrices (`functional.dawid_skene`)",
        "Dawid and Skene (1979)",
    ),
    Criterion(
        "pairwise_agreement",
        _ALWAYS_HIGH,
        _VOTES,
        "mean agreement with each other checkpoint (`functional.pairwise_agreement`)",
        "Jiang et al. (2022)",
    ),
    Criterion(
        "soft_vote_agreement",
        _ALWAYS_HIGH,
        _VOTES,
        "weight of its class among the others' votes by confidence (`functional.soft_vote_agreement`)",
        "ours",
    ),
    Criterion(
        "labelled_accuracy",
        _ALWAYS_HIGH,
        f"{_VOTES}, and labels (labels=)",
        "share of the labelled inputs on which the label is predicted",
        "custom",
    ),
    Criterion(
        "average_thresholded_confidence",
        _ALWAYS_HIGH,
        f"{_VOTES}, and labels (labels=)",
        "share of inputs with a confidence above that of errors (`functional.average_thresholded_confidence`)",
        "Garg et al. (2022)",
    ),
    Criterion(
        "temperature_scaled_confidence",
        _ALWAYS_HIGH,
        f"{_VOTES}, and labels (labels=)",
        "mean confidence after scaling by labels (`functional.temperature_scaled_confidence`)",
        "Guo et al. (2017)",
    ),
    MUTUAL_INFORMATION,
    ENTROPY,
    MUTUAL_INFORMATION_AND_RANKME,
    *(
        Criterion(
            f"entropy_{value_range}_range",
            _DIVERSITY,
            _ACTIVATIONS,
            f"entropy, one range of bins per {value_range}",
            _P,
        )
        for value_range in ("network", "layer", "unit")
    ),
    Criterion(
        "normal_mutual_information",
        _REDUNDANCY,
        "activations (normal_scores=True)",
        "mean KSG mutual information of normal scores (`functional.normal_scores`), nats",
        "Kraskov et al. (2004), section II, on reparametrised marginals",
    ),
    Criterion(
        "gaussian_mutual_information",
        _REDUNDANCY,
        _ACTIVATIONS,
        "mean of -1/2 ln(1 - rho^2) of normal scores (`functional.gaussian_copula_information`), nats",
        "Ince et al. (2017)",
    ),
    Criterion(
        "mean_correlation", _REDUNDANCY, _ACTIVATIONS, "mean |rho| of the pairs (`functional.correlation`)", "Pearson"
    ),
    RANKME,
    Criterion(
        "participation_ratio",
        _DIVERSITY,
        _ACTIVATIONS,
        "(sum l)^2 / sum l^2 of the covariance's eigenvalues (`functional.participation_ratio`)",
        "Gao et al. (2017)",
    ),
    Criterion(
        "alpha_req",
        _REDUNDANCY,
        _ACTIVATIONS,
        "exponent of the decay of the covariance's eigenvalues (`functional.alpha_req`)",
        "Agrawal et al. (2022)",
    ),
    Criterion("dead_fraction", _ALWAYS_LOW, _ACTIVATIONS, "share of constant units", "folklore"),
    Criterion(
        "mean_confidence",
        _ALWAYS_HIGH,
        _PREDICTIONS,
        "mean highest probability (`functional.mean_confidence`)",
        "Guillory et al. (2021)",
    ),
    Criterion(
        "softmax_entropy",
        _ALWAYS_LOW,
        _PREDICTIONS,
        "mean entropy of the probabilities (`functional.softmax_entropy`), nats",
        "Guillory et al. (2021)",
    ),
    Criterion(
        "nuclear_norm",
        _ALWAYS_HIGH,
        _PREDICTIONS,
        "nuclear norm of the matrix of probabilities over its maximum (`functional.nuclear_norm`)",
        "Deng et al. (2023)",
    ),
    Criterion(
        "mano",
        _ALWAYS_HIGH,
        _PREDICTIONS,
        "norm of the normalised logits (`functional.mano`)",
        "Xie et al. (2024)",
    ),
    Criterion(
        "dispersion",
        _ALWAYS_HIGH,
        "activations and predicted classes",
        "log of the dispersion of the classes' means (`functional.dispersion_score`)",
        "Xie et al. (2023)",
    ),
    Criterion(
        "class_smoothness",
        _ALWAYS_HIGH,
        "activations and predicted classes",
        "similarity of the classes predicted for hidden neighbours (`functional.prediction_smoothness`)",
        "ours",
    ),
    *(
        Criterion(f"{norm}_norm_{how}", _ALWAYS_LOW, _WEIGHTS, formula, "Neyshabur et al. (2017), Jiang et al. (2020)")
        for norm, matrix in (("spectral", "largest singular value"), ("frobenius", "Frobenius norm"))
        for how, formula in (
            ("sum", f"sum over layers of the squared {matrix} (`functional.{norm}_norms`)"),
            ("log_product", f"log of the product over layers of the {matrix} (`functional.{norm}_norms`)"),
        )
    ),
    Criterion(
        "path_norm",
        _ALWAYS_LOW,
        "weights and model (weight_norms=True)",
        "square root of the network's output on ones, all weights squared (`functional.path_norm`)",
        "Neyshabur et al. (2015)",
    ),
    Criterion("epoch", _ALWAYS_HIGH, "the checkpoint", "the last epoch: what people take by default", "custom"),
    Criterion("training_loss", _ALWAYS_LOW, "the loss, logged with the monitor", "mean since the last one", "custom"),
    Criterion("validation_loss", _ALWAYS_LOW, _LABELS, "as ModelCheckpoint monitored it", "custom"),
    Criterion("validation_accuracy", _ALWAYS_HIGH, _LABELS, "as ModelCheckpoint monitored it", "custom"),
)
