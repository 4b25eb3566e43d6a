"""Rank checkpoints by how well they generalise, with as few labels as there are, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lightning_infomem._checks import check_choice, describe
from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem.checkpoints.reading import UnusableCheckpoint, find_checkpoints
from lightning_infomem.offline.encoder import encoder_of
from lightning_infomem.offline.offline_measurement import OfflineMeasurement
from lightning_infomem.offline.training_neighbors import find_training_neighbors
from lightning_infomem.records.report import InformationReport
from lightning_infomem.records.tasks import GIVEN_TASKS
from lightning_infomem.selection.candidates import Candidate
from lightning_infomem.selection.compare_candidates import check_several_runs, compare_candidates
from lightning_infomem.selection.direction import KINDS
from lightning_infomem.selection.labels import read_labels
from lightning_infomem.selection.rank_candidates import rank_candidates
from lightning_infomem.selection.ranking import Ranking
from lightning_infomem.selection.read_candidates import (
    offline_measurement,
    read_candidate,
    read_candidates,
    reduce_report,
)
from lightning_infomem.selection.shared_units import on_shared_units

__all__ = ["rank_checkpoints"]

_RECIPES = "recipes"  # among the fields that may differ


def rank_checkpoints(
    checkpoints: object,
    *,
    memorization: str | None = None,
    reference: str | Path | InformationReport | None = None,
    training: Iterable[Any] | None = None,
    features: str | Callable[[Any], Tensor] | None = None,
    labels: Mapping[int, int] | Sequence[int] | Tensor | str | Path | None = None,
    groups: Mapping[Any, str] | Callable[[Path], str] | None = None,
    along_run: bool | None = None,
    allow_mismatch: Sequence[str] = (),
    weight_norms: bool = False,
    model: nn.Module | Callable[[dict[str, Any]], nn.Module] | None = None,
    data: Iterable[Any] | None = None,
    layers: str | type[nn.Module] | Sequence[str | type[nn.Module]] = "auto",
    forward: Callable[[nn.Module, Any], object] | None = None,
    trainer: Any = None,
    cache: str | Path | None = None,
    control: bool = False,
    task: Literal["auto", "classification", "regression", "none"] = "auto",
    **settings: Any,
) -> Ranking:
    """Rank checkpoints of different training recipes by the reports that they carry.

    What leads depends on what is given, and ``why`` of the ranking says it: a reference, labels, the kind of
    memorization, training examples, or nothing but the checkpoints' own consensus; see `leading.choose_leader`.

    Do not use it for the epochs of one run, where neither the lowest nor the highest value marks the best epoch.
    `judge_run` says whether that run memorizes and which of its checkpoints to keep.

    Args:
        checkpoints: A folder, a file, a pattern such as "runs/*/last.ckpt", several of these, or a ModelCheckpoint; see
            `find_checkpoints`.
        memorization: Suspected fault of bad checkpoints, among networks of one recipe. "heuristic" (shortcuts in the
            data): low mutual information and high entropy are better, and RankMe leads. "example" (storing single
            examples, such as wrong labels): high mutual information and low entropy are better; the consensus leads.
        reference: Checkpoint or report that is known to generalise, instead of ``memorization``. The more of its
            predictions a checkpoint shares the better, or, without classes, the nearer its mutual information. The kind
            of memorization is inferred from it; see `choose_direction`. A checkpoint better than the reference is not
            found this way.
        training: Batches of training examples with their labels as they come, wrong ones included, such as the training
            loader without augmentation. Checkpoints are then ranked by the labels of the training examples nearest to
            each input, as far as these can be trusted. It needs ``data`` too; see `find_training_neighbors`.
        features: In what space training examples are near: a function of a batch that returns ``[examples, units]``,
            such as an encoder that was not trained on these labels; or the name of a layer of ``model``, a module that
            was not either, with the weights that it has. By default the inputs themselves, or, of token ids, their
            weighted counts.
        labels: Known labels of inputs: place of the input in the data (the validation loader, unshuffled) -> class; one
            for each input in order, -1 where unknown; or the file that `Ranking.ask` writes, filled in. Labels as noisy
            as those of the training are better than none, but hide the shortcuts that they share with it.
        groups: Path or file name -> name of the recipe, or a function of the path. Recipes are then ranked too, by the
            means over their seeds, with intervals from the spread between seeds. With groups, checkpoints are never
            taken for epochs of one run.
        along_run: False to rank checkpoints that are, or look like, epochs of one run. By default, these are refused:
            the id that the monitor wrote into the checkpoints identifies a run, and without one, a folder that holds
            every epoch once is taken for one. True is refused, because `judge_run` judges the epochs of a run.
        allow_mismatch: Fields in which reports may differ; see `check_fingerprints`. With "recipes", measures of hidden
            layers may lead although the checkpoints were trained in different ways.
        weight_norms: Whether to add norms of the weights as baselines, at the cost of a singular value decomposition
            per layer.
        model: Network that measures checkpoints without a report: a module, of which a copy gets their weights, or a
            function from the loaded checkpoint to a module.
        data: Unlabelled batches for ``model``, the same and in the same order each time; with ``training``, those whose
            inputs the checkpoints were measured on.
        layers: Which layers of ``model`` to measure; see `measure`.
        forward: How to run ``model`` on a batch; see `measure`.
        trainer: Trainer of Lightning that runs ``model`` with its device, precision and strategy; several processes
            share the pairs. Its callbacks, loggers and limits are not used. Give a Trainer made for this, because its
            state, metrics and module are those of the measurement afterwards. Without one, the model runs on a GPU if
            there is one, else where it is.
        cache: Folder for reports that had to be measured; by default ``.infomem`` next to each checkpoint. Ranking the
            same files, data and settings again, also after a crash, measures nothing twice.
        control: Whether to measure ``model`` with fresh weights too; its row is in ``control`` of the ranking.
        task: What the networks do; see `MeasurementSettings`. "auto" takes what each report says. The criteria that
            need predicted classes are left out, with a note, for networks that do not classify or of which it is
            unknown. Those of a plain ``model`` with two or more outputs are assumed to be classes, with a flag.
        **settings: Fields of `MeasurementSettings`, for the measurement with ``model`` and ``data``.

    Returns:
        The ranking. By measures of hidden layers, checkpoints are ranked within each layer and by the median of these
        ranks. Ranks by all criteria of `selection.criteria` are reported too. Files that cannot be used
        are in ``skipped``. Reports that differ in ``max_units`` alone are compared on the units that all of them share;
        a note says so.

    Raises:
        TypeError: An argument is unknown or has the wrong type.
        ValueError: An argument is wrong, there are fewer than two usable checkpoints, they are epochs of one run, or
            the reports were not measured alike.

    Cost:
        A few milliseconds per checkpoint that carries a report, mostly for reading the file.

    Reference:
        Measures of Information Reflect Memorization Patterns (2022), which relates mutual information and entropy to
        generalisation among networks of one recipe. What leads, uncertainty and the refusals are ours.
    """
    if along_run is not None and not isinstance(along_run, bool):
        raise UsageTypeError(f"along_run: False or None is required, got {describe(along_run)}.")
    if along_run:
        raise UsageValueError(
            "along_run: False or None is required, got True; the epochs of one run are judged, not ranked: call "
            "judge_run."
        )
    if memorization is not None:
        check_choice(memorization, name="memorization", choices=KINDS)
        if reference is not None:
            raise UsageValueError(
                "reference: not together with memorization, which already says the kind; give one of them."
            )
    check_choice(task, name="task", choices=GIVEN_TASKS)
    how = {"layers": layers, "task": task, "forward": forward, "trainer": trainer, "cache": cache}
    given_labels = None if labels is None else read_labels(labels)
    if training is not None and data is None:
        raise UsageValueError(
            "data: the batches that the checkpoints were measured on are required with training, to find their nearest "
            "training examples; give both, or leave training out."
        )
    if features is not None and training is None:
        raise UsageValueError("features: only with training, because it says in what space its examples are near.")
    encoder = encoder_of(features, model, forward)
    only_for_neighbors = model is None and training is not None
    measurement = offline_measurement(
        rank_checkpoints, model, None if only_for_neighbors else data, settings=settings, **how
    )
    if control and measurement is None:
        raise UsageValueError(
            "control: model and data are required to measure fresh weights; give both, or leave it out."
        )
    paths = find_checkpoints(checkpoints)
    candidates, skipped = read_candidates(paths, measurement, weight_norms=weight_norms, task=task, at_least=2)
    if groups is None and along_run is None:
        check_several_runs(candidates)
    known_good = None if reference is None else _read_reference(reference, measurement, task)
    untrained = None
    if control and measurement is not None:
        untrained = reduce_report(Path("untrained control"), measurement.control(checkpoints=paths), task=task)
    others = [each for each in (known_good, untrained) if each is not None]
    is_one = isinstance(allow_mismatch, str)  # which is refused below
    allowed = allow_mismatch if is_one else [name for name in allow_mismatch if name != _RECIPES]
    everyone, notes = on_shared_units([*candidates, *others], allow_mismatch=allowed)
    candidates, others = everyone[: len(candidates)], everyone[len(candidates) :]
    known_good = None if known_good is None else others[0]
    untrained = None if untrained is None else others[-1]
    comparison = compare_candidates(candidates, others, allow_mismatch=allowed)
    if measurement is not None:
        notes += measurement.notes
        if all(each.carried for each in candidates):
            notes.append("every checkpoint carried its report; model, data, layers and settings were not used")
    neighbors = None
    if training is not None and data is not None:
        predictions = candidates[0].predictions
        if predictions is None:
            notes.append("training was not used: there are no predicted classes to compare its labels with")
        else:
            neighbors = find_training_neighbors(
                torch.unique(predictions.inputs),
                data,
                training,
                features=encoder,
                num_classes=predictions.num_classes,
            )
    return rank_candidates(
        candidates,
        comparison,
        memorization=memorization,
        reference=known_good,
        neighbors=neighbors,
        labels=given_labels,
        across_recipes=_RECIPES in allow_mismatch,
        control=untrained,
        groups=groups,
        skipped=skipped,
        notes=notes,
    )


def _read_reference(reference: object, measurement: OfflineMeasurement | None, task: str) -> Candidate:
    if not isinstance(reference, (str, Path, InformationReport)):
        raise UsageTypeError(
            f"reference: a checkpoint's path or an InformationReport is required, got {describe(reference)}."
        )
    try:
        if isinstance(reference, InformationReport):
            return reduce_report(Path("reference"), reference, task=task)
        return read_candidate(Path(reference), measurement, task=task)
    except UnusableCheckpoint as fault:
        name = "the report" if isinstance(reference, InformationReport) else f"'{reference}'"
        raise UsageValueError(f"reference: a usable checkpoint is required, got {name}: {fault}.") from fault
