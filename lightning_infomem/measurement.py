"""Turn samples and settings into a report, for the callback and the offline path alike."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from torch import Tensor, nn

from lightning_infomem._checks import check_batches, check_choice, check_enough_samples
from lightning_infomem._errors import UsageValueError
from lightning_infomem.functional import released_code
from lightning_infomem.functional.baselines import (
    class_dispersion,
    class_smoothness,
    layer_baselines,
    mean_over_pairs,
    predicted_classes,
    prediction_baselines,
)
from lightning_infomem.functional.entropy import binned_entropy
from lightning_infomem.functional.log_odds import log_odds
from lightning_infomem.functional.mutual_information import share_of_pairwise
from lightning_infomem.functional.normal_scores import normal_scores
from lightning_infomem.functional.standardization import finite_samples
from lightning_infomem.kernels import select_backend
from lightning_infomem.records.predictions import Predictions
from lightning_infomem.records.report import InformationReport, LayerInformation
from lightning_infomem.records.tasks import TASKS, say_given
from lightning_infomem.sampling.forward import evaluating, forward_batch, to_device
from lightning_infomem.sampling.ranks import Caught, Ranks, bring_together
from lightning_infomem.sampling.watching import Watch
from lightning_infomem.sampling.weights_digest import weights_digest
from lightning_infomem.settings import MeasurementSettings, check_setting_names

__all__ = ["catch", "measure", "measure_caught", "measure_samples"]


def measure(
    model: nn.Module,
    batches: Iterable[Any],
    layers: str | type[nn.Module] | Sequence[str | type[nn.Module]] = "auto",
    *,
    forward: Callable[[nn.Module, Any], object] | None = None,
    **settings: Any,
) -> InformationReport:
    """Measure entropy and mutual information of the units of a network on unlabelled data, without any Trainer.

    The network runs in evaluation mode and without gradients, each batch on the device of its parameters, and is not
    changed. For the same network, data and settings the report equals that of `MemorizationMonitor`.

    Args:
        model: Any module.
        batches: Batches of inputs; labels are not needed. All batches are used. A single batch goes into a list.
        layers: Names, patterns or module types of the layers to measure; see `sampling.reading.NetworkReader`.
        forward: How to run the network on a batch. By default, the network gets a tensor as it is, the first entry of a
            tuple or list, or all entries of a mapping by name except "label" and "labels".
        **settings: Fields of `MeasurementSettings`, which explains them.

    Returns:
        The report. Its ``skipped`` names the layers that cannot be measured, with the reason. An input that occurs
        several times is measured once, and ``num_repeats`` counts the others.

    Raises:
        ValueError: A pattern matches no layer, there are too few samples, or no layer can be measured.
        TypeError: An argument is unknown, or a setting or the data have the wrong type.

    Cost:
        One forward pass over ``batches``; see `pairwise_mutual_information` for the measurement itself.

    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> report = measure(model, torch.randn(100, 4).split(25))
    >>> [(layer.name, layer.num_samples, len(layer.units)) for layer in report.layers]
    [('0', 100, 8)]
    """
    check_setting_names(settings, measure)
    check_batches(batches)
    chosen = MeasurementSettings(**settings)
    weights = weights_digest(model)
    watch = catch(model, batches, layers, chosen, forward)
    return measure_caught(bring_together(watch.tap, Ranks()), chosen, weights=weights)


def catch(
    model: nn.Module,
    batches: Iterable[Any],
    layers: Any,
    settings: MeasurementSettings,
    forward: Callable[[nn.Module, Any], object] | None = None,
    **options: Any,
) -> Watch:
    """Run a network on batches in evaluation mode and without gradients; see `measure`.

    Args:
        model: The network.
        batches: Batches to run.
        layers: Layers to capture.
        settings: Settings of the measurement.
        forward: How to run the network on a batch.
        **options: Further arguments of `Watch`.

    Returns:
        A closed watch with what was captured.
    """
    parameter = next(iter(model.parameters()), None)
    device = parameter.device if parameter is not None else torch.device("cpu")
    with evaluating(model), torch.no_grad(), closing(Watch(model, layers, settings, **options)) as watch:
        for batch in batches:
            moved = to_device(batch, device)
            watch.open_batch(moved)
            (forward or forward_batch)(model, moved)
            watch.close_batch()
    return watch


def measure_caught(
    caught: Caught,
    settings: MeasurementSettings,
    *,
    epoch: int | None = None,
    step: int | None = None,
    ranks: Ranks | None = None,
    weights: Tensor | None = None,
    loader: int | None = None,
    training_loss: float | None = None,
) -> InformationReport:
    """Measure what a tap caught, on all ranks together; see `measure_samples` for the rest."""
    task, reason = caught.task, caught.task_reason
    if settings.task != "auto":
        task, reason = settings.task, say_given(settings.task)
    known = {**caught._asdict(), "task": task, "task_reason": reason}
    known |= {"epoch": epoch, "step": step, "weights": weights, "loader": loader, "training_loss": training_loss}
    return measure_samples(settings=settings, **known, ranks=ranks)


def measure_samples(
    samples: Mapping[str, Tensor],
    settings: MeasurementSettings,
    *,
    units: Mapping[str, Tensor] | None = None,
    widths: Mapping[str, int] | None = None,
    skipped: Mapping[str, str] | None = None,
    logits: Tensor | None = None,
    input_marks: Tensor | None = None,
    task: str = "unknown",
    task_reason: str = "",
    epoch: int | None = None,
    step: int | None = None,
    ranks: Ranks | None = None,
    weights: Tensor | None = None,
    places: Tensor | None = None,
    loader: int | None = None,
    training_loss: float | None = None,
) -> InformationReport:
    """Measure given activations.

    Rows of one input are measured once, because the estimators take a copy of a row for its nearest neighbour. The
    first row of each input is kept. The released program measures every row, and so does its convention.

    Args:
        samples: Layer name -> activations ``[samples, units]``, floating point, on any device.
        settings: Settings of the measurement.
        units: Layer name -> indices of the columns among the units of the layer, int64 ``[units]``; by default the
            columns are all units.
        widths: Layer name -> number of units in the layer; by default the number of columns.
        skipped: Layer name -> why it could not be sampled; passed on to the report.
        logits: Outputs ``[samples, classes]`` for the baselines; without columns if unknown. They are ignored if the
            task is "regression" or "none".
        input_marks: Marks that are equal for equal inputs, int64 ``[samples, 1]``; without columns if unknown.
        task: What the network does, one of `records.tasks.TASKS`; see `InformationReport`.
        task_reason: How the task is known, in words.
        epoch: Epoch of the run.
        step: Global step of the run.
        ranks: Processes that all call this with the same samples and share the pairs of units; each gets the report.
        weights: Digest of the weights of the network; see `weights_digest`.
        places: Place of each row's input in the batches, int64 ``[samples]``; None if unknown. See `Predictions`.
        loader: Index of the validation loader that brought the inputs; None if they came from elsewhere.
        training_loss: Mean training loss before this measurement; see `InformationReport`.

    Returns:
        The report, with all tensors on the CPU. A layer whose samples cannot be measured is skipped with a reason.

    Raises:
        ValueError: No layer can be measured; the message names each with its reason.
    """
    start = time.perf_counter()
    if check_choice(task, name="task", choices=TASKS) in ("regression", "none"):
        logits = None
    reasons = dict(skipped or {})
    ranks = ranks or Ranks()
    num_repeats = 0
    if places is not None and input_marks is not None and input_marks.numel():
        places = _first_places(places, input_marks)
    if input_marks is not None and input_marks.numel() and settings.convention != "released_code":
        distinct = _distinct_inputs(input_marks)
        num_repeats = len(input_marks) - len(distinct)
        if num_repeats:
            samples = {name: rows[distinct.to(rows.device)] for name, rows in samples.items()}
            logits = None if logits is None else logits[distinct.to(logits.device)]
            input_marks = input_marks[distinct]
            places = None if places is None else places[distinct]
    # A failure of one rank in these calls is reported to the others.
    finite = ranks.run_together(lambda: _finite(samples, settings, reasons, num_repeats))
    span = _span(finite.values())
    parts = ranks.on_all(lambda: {name: _measures(name, rows, settings, span, ranks) for name, rows in finite.items()})
    classes = None if logits is None else predicted_classes(logits)

    def layer(name: str, rows: Tensor) -> LayerInformation:
        fields, _ = parts[ranks.rank][name]
        shares = zip(*(part[name][1] for part in parts), strict=True)  # for each matrix, one share per rank
        information, *normal_information = (torch.stack(share).sum(0) for share in shares)
        for matrix in normal_information:
            fields["scores"]["normal_mutual_information"] = mean_over_pairs(matrix)
        if classes is not None:
            fields["scores"]["class_smoothness"] = class_smoothness(samples[name], classes)
            fields["scores"]["dispersion"] = class_dispersion(samples[name], classes)
        return LayerInformation(
            name=name,
            width=rows.shape[1] if widths is None else widths[name],
            units=torch.arange(rows.shape[1]) if units is None else units[name].cpu(),
            num_samples=len(rows),
            num_dropped=len(samples[name]) - len(rows),
            mutual_information=information,
            **fields,
        )

    layers = ranks.run_together(lambda: tuple(layer(name, rows) for name, rows in finite.items()))
    return InformationReport(
        layers=layers,
        settings=settings.to_state(),
        backend=_backend(settings, next(iter(finite.values())).device),
        skipped=reasons,
        epoch=epoch,
        step=step,
        seconds=max(ranks.on_all(lambda: time.perf_counter() - start)),
        version=_package_version(),
        scores={} if logits is None else prediction_baselines(logits),
        probe=None if input_marks is None else _probe_digest(input_marks),
        predictions=_predictions(logits, input_marks, places, loader),
        task=task,
        task_reason=task_reason,
        weights=weights,
        num_repeats=num_repeats,
        training_loss=training_loss,
    )


def _distinct_inputs(input_marks: Tensor) -> Tensor:
    """Return the first row of each input, increasing, so that samples without repeats stay as they are."""
    marks, order = input_marks[:, 0].sort(stable=True)
    is_first = torch.ones_like(marks, dtype=torch.bool)
    is_first[1:] = marks[1:] != marks[:-1]
    return order[is_first].sort().values


def _finite(
    samples: Mapping[str, Tensor], settings: MeasurementSettings, reasons: dict[str, str], num_repeats: int
) -> dict[str, Tensor]:
    """Return the finite rows of all layers that have enough of them, on the device of the measurement."""
    finite: dict[str, Tensor] = {}
    for name, rows in samples.items():
        _, finite_rows, _ = finite_samples(rows)
        try:
            dropped = int((~finite_rows).sum())
            check_enough_samples(int(finite_rows.sum()), settings.neighbors, dropped=dropped, repeated=num_repeats)
        except ValueError as fault:
            reasons[name] = str(fault)
        else:
            kept = rows[finite_rows]
            finite[name] = kept if settings.device == "auto" else kept.to(settings.device)
    if not finite:
        detail = "; ".join(f"{name}: {why}" for name, why in reasons.items()) or "no activation was captured"
        raise UsageValueError(f"layers: a layer that can be measured is required, got none ({detail}).")
    return finite


def _measures(
    name: str, rows: Tensor, settings: MeasurementSettings, span: tuple[float, float], ranks: Ranks
) -> tuple[dict[str, Any], list[Tensor]]:
    """Measure one layer whose rows are finite, except for units that are finite nowhere.

    Returns:
        Fields of the layer's record; and this rank's share of the mutual information of units and, if requested, of
        their normal scores.
    """
    value_range = span if settings.value_range == "network" else settings.value_range
    estimate_entropy, share_of_information = _estimators(settings)
    finite_units = finite_samples(rows)[0]
    try:
        entropy = estimate_entropy(rows, bins=settings.bins, value_range=value_range)
        shares = [share_of_information(rows, ranks).cpu()]
        if settings.normal_scores:
            shares.append(share_of_information(normal_scores(finite_units), ranks).cpu())
    except (TypeError, ValueError) as fault:
        raise type(fault)(f"layer {name!r}: {fault}") from fault
    tie_fraction, dead_fraction = _tie_and_dead_fraction(finite_units)
    if isinstance(value_range, str):
        value_range = _span([rows]) if value_range == "layer" else (math.nan, math.nan)
    fields = {
        "entropy": entropy.cpu(),
        "value_range": value_range,
        "dead_fraction": dead_fraction,
        "tie_fraction": tie_fraction,
        "scores": layer_baselines(finite_units, bins=settings.bins, network_range=span),
    }
    return fields, shares


def _estimators(settings: MeasurementSettings) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    """Choose the estimators of the entropies of a layer, and of one rank's share of its mutual information."""
    if settings.convention == "released_code":
        return released_code.entropy, partial(released_code.pairwise_information, neighbors=settings.neighbors)
    search = partial(
        share_of_pairwise,
        neighbors=settings.neighbors,
        backend=settings.backend,
        memory_limit=settings.memory_limit,
    )
    return binned_entropy, search


def _backend(settings: MeasurementSettings, device: torch.device) -> str:
    """Name the kernel that counts neighbours; the released program has its own."""
    if settings.convention == "released_code":
        return settings.convention
    return select_backend(settings.backend, device)[0]


def _tie_and_dead_fraction(samples: Tensor) -> tuple[float, float]:
    ordered = samples.T.contiguous().sort(dim=1).values
    same = ordered[:, 1:] == ordered[:, :-1]
    border = torch.zeros_like(same[:, :1])
    tied = torch.cat([border, same], dim=1) | torch.cat([same, border], dim=1)
    dead = same.all(1)
    tie_fraction = tied[~dead].double().mean().item() if not bool(dead.all()) else 0.0
    return tie_fraction, dead.double().mean().item()


def _span(samples: Iterable[Tensor]) -> tuple[float, float]:
    """Return the lowest and the highest finite value."""
    low, high = zip(*(finite_samples(layer)[0].aminmax() for layer in samples), strict=True)
    return min(edge.item() for edge in low), max(edge.item() for edge in high)


def _probe_digest(input_marks: Tensor) -> str | None:
    """Digest all inputs, whatever their order, because ranks catch them in another one."""
    if not input_marks.numel():
        return None
    return blake2b(input_marks[:, 0].sort().values.numpy().tobytes(), digest_size=8).hexdigest()


def _first_places(places: Tensor, input_marks: Tensor) -> Tensor:
    """Return for each row the first place of its input, because ranks bring equal inputs in different orders."""
    _, inputs = torch.unique(input_marks[:, 0], return_inverse=True)
    return places.new_zeros(len(places)).scatter_reduce(0, inputs, places, "amin", include_self=False)[inputs]


def _predictions(
    logits: Tensor | None, input_marks: Tensor | None, places: Tensor | None, loader: int | None
) -> Predictions | None:
    """Sort what was predicted by input, because ranks and loaders bring inputs in different orders."""
    classes = None if logits is None else predicted_classes(logits)
    if classes is None or logits is None or input_marks is None or not input_marks.numel():
        return None
    inputs, order = input_marks[:, 0].sort(stable=True)
    most = torch.finfo(torch.float16).max
    return Predictions(
        classes=classes[order],
        log_odds=log_odds(logits).clamp(-most, most).half().cpu()[order],
        inputs=inputs,
        num_classes=logits.shape[1],
        places=None if places is None else places[order],
        loader=loader,
    )


def _package_version() -> str:
    try:
        return version("lightning-infomem")
    except PackageNotFoundError:
        return "unknown"
