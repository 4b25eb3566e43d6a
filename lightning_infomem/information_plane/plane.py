"""Information plane of a whole network: every layer by several estimators on the same samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

import torch
from torch import Tensor, nn

from lightning_infomem._checks import describe
from lightning_infomem._errors import UsageValueError
from lightning_infomem.information_plane.between_layers import flag_between_layers
from lightning_infomem.information_plane.plane_point import PlaneEstimator, PlanePoint
from lightning_infomem.measurement import catch
from lightning_infomem.records.table import Column, Table
from lightning_infomem.records.tabular import Tabular
from lightning_infomem.sampling.batches import leaf_tensors
from lightning_infomem.settings import MeasurementSettings

__all__ = ["LabelOf", "Plane", "Probe", "classes_of", "measure_plane", "measure_plane_samples", "name_estimators"]

_STATE_VERSION = 1
_ALL_UNITS = 2**31 - 1
_COLUMNS = (
    Column("layer"),
    Column("estimator"),
    Column("input_information", "I(X;T)", ".4f"),
    Column("input_kind", "kind", shown="wide"),
    Column("label_information", "I(T;Y)", ".4f"),
    Column("label_kind", "kind", shown="wide"),
    Column("samples", shown="wide"),
    Column("units", shown="wide"),
    Column("flags"),
)

# Where a batch holds its labels: an index, a key, or a function of the batch.
LabelOf = int | str | Callable[[Any], Tensor]


@dataclass(frozen=True, eq=False)
class Plane(Tabular):
    """Points of all layers of one network at one time in training.

    Attributes:
        points: Layer name -> estimator name -> point, in network order.
        failures: Layer name -> estimator name -> reason why that estimator gave no point; the others continued.
        skipped: Layer name -> reason why its activations were not captured.
        epoch: Epoch of the run; None outside a Trainer.
        step: Global step; None outside a Trainer.
        modules: Layer name -> class of the module whose outputs are T. The outputs of a "Linear" come before the
            nonlinearity, those of a "Tanh" after it. Empty for samples captured elsewhere.
        pooling: How positions became one row per sample, see `MeasurementSettings`; None if unknown.
        split: Data split of the samples, as named by the user.
    """

    points: Mapping[str, Mapping[str, PlanePoint]]
    failures: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    epoch: int | None = None
    step: int | None = None
    modules: Mapping[str, str] = field(default_factory=dict)
    pooling: str | None = None
    split: str | None = None

    @property
    def estimators(self) -> tuple[str, ...]:
        """Names of the estimators that have a point, in order of appearance."""
        return tuple(dict.fromkeys(name for points in self.points.values() for name in points))

    def of(self, estimator: str) -> dict[str, PlanePoint]:
        """Layer name -> point by one estimator; layers without such a point are left out.

        Raises:
            ValueError: If no layer has a point by this estimator.
        """
        found = {layer: points[estimator] for layer, points in self.points.items() if estimator in points}
        if not found:
            known = ", ".join(self.estimators) or "none"
            raise UsageValueError(f"estimator: one of {known} is required, got {estimator!r}; measure with it.")
        return found

    def to_table(self) -> Table:
        """One row per layer and estimator, in nats, with its flags; below them what was not measured and why."""
        points = [(layer, name, point) for layer, own in self.points.items() for name, point in own.items()]
        rows = [
            {
                "layer": layer,
                "estimator": name,
                "input_information": point.input_information,
                "input_kind": point.input_kind,
                "label_information": point.label_information,
                "label_kind": point.label_kind,
                "samples": point.num_samples,
                "units": point.num_units,
                "flags": ", ".join(point.flags),
            }
            for layer, name, point in points
        ]
        moment = [
            f"{name} {value}" for name, value in (("epoch", self.epoch), ("step", self.step)) if value is not None
        ]
        flags = dict.fromkeys(flag for _, _, point in points for flag in point.flags.items())
        notes = [
            *(f"{name}: {meaning}" for name, meaning in flags),
            *(f"{layer}, {name}: {why}" for layer, own in self.failures.items() for name, why in own.items()),
            *(f"skipped {layer}: {why}" for layer, why in self.skipped.items()),
        ]
        return Table(_COLUMNS, rows, title=", ".join([*moment, "nats"]), notes=notes)

    def to_state(self) -> dict[str, Any]:
        """State of numbers, strings and mappings only."""
        return {"state_version": _STATE_VERSION, **asdict(self)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Plane:
        """Rebuild a plane from `to_state`.

        Raises:
            ValueError: If the state is damaged or has another version.
        """
        if not isinstance(state, Mapping) or state.get("state_version") != _STATE_VERSION:
            raise UsageValueError(
                f"state: a plane of version {_STATE_VERSION} is required; this one is damaged or was written by "
                "another version of lightning_infomem: read it with that version."
            )
        try:
            points = {
                layer: {name: PlanePoint(**point) for name, point in each.items()}
                for layer, each in state["points"].items()
            }
            return cls(**{each.name: state[each.name] for each in fields(cls)} | {"points": points})
        except (AttributeError, KeyError, TypeError) as fault:
            raise UsageValueError(
                f"state: a complete plane is required, this one is damaged ({fault}); measure again."
            ) from fault


class Probe:
    """Iterable of batches that records inputs and labels as the batches are consumed.

    Args:
        batches: Batches, each a tuple, list, mapping, or anything that ``labels`` can read.
        labels: Where a batch holds its classes: an index, a key, or a function of the batch.
        max_samples: Largest number of samples; more raise an error, since nothing is dropped silently.
    """

    def __init__(self, batches: Iterable[Any], labels: LabelOf = 1, *, max_samples: int = 10_000) -> None:
        self._batches, self._labels_of, self._max_samples = batches, labels, max_samples
        self._inputs: list[Tensor] = []
        self._labels: list[Tensor] = []

    def __iter__(self) -> Iterator[Any]:
        self._inputs, self._labels = [], []
        for batch in self._batches:
            labels = self._read_labels(batch)
            self._labels.append(labels.detach().cpu())
            inputs = next((part for part in leaf_tensors(batch) if part.shape[:1] == labels.shape), labels)
            self._inputs.append(inputs.detach().cpu())
            if (count := sum(map(len, self._labels))) > self._max_samples:
                raise UsageValueError(
                    f"batches: at most {self._max_samples} samples are required, got {count} or more; pass a smaller "
                    "probe or raise max_samples: some estimators take quadratic time."
                )
            yield batch

    @property
    def labels(self) -> Tensor:
        """Labels of the recorded samples, integer ``[samples]``."""
        return torch.cat(self._labels) if self._labels else torch.empty(0, dtype=torch.int64)

    @property
    def inputs(self) -> Tensor:
        """First tensor of every batch that has one row per sample, ``[samples, ...]``."""
        return torch.cat(self._inputs) if self._inputs else torch.empty(0, 0)

    def _read_labels(self, batch: Any) -> Tensor:
        try:
            labels = self._labels_of(batch) if callable(self._labels_of) else batch[self._labels_of]
        except (IndexError, KeyError, TypeError) as fault:
            raise UsageValueError(
                f"labels: the place of the classes in a batch is required, got {self._labels_of!r}, which finds none "
                f"in a {type(batch).__name__} ({fault}); pass an index, a key, or a function of the batch."
            ) from fault
        if not isinstance(labels, Tensor) or labels.ndim != 1 or labels.is_floating_point():
            raise UsageValueError(
                f"labels: a tensor of integer classes, one per sample, is required, got {describe(labels)}; pass an "
                "index, a key, or a function of the batch that finds it."
            )
        return labels


def name_estimators(estimators: Sequence[PlaneEstimator]) -> dict[str, PlaneEstimator]:
    """Name estimators by their class and their non-default parameters.

    Raises:
        ValueError: If there are no estimators, or two are identical.

    >>> from lightning_infomem.information_plane.binning import Binning
    >>> list(name_estimators([Binning(), Binning(bins=100)]))
    ['Binning', 'Binning(bins=100)']
    """
    named: dict[str, PlaneEstimator] = {}
    for estimator in estimators:
        changed = [
            f"{each.name}={getattr(estimator, each.name)}"
            for each in fields(estimator)  # type: ignore[arg-type]
            if each.default is MISSING or getattr(estimator, each.name) != each.default
        ]
        name = type(estimator).__name__ + (f"({', '.join(changed)})" if changed else "")
        if name in named:
            raise UsageValueError(f"estimators: different ones are required, got {name} twice; remove one.")
        named[name] = estimator
    if not named:
        raise UsageValueError("estimators: at least one is required, got none; Binning() is the simplest.")
    return named


def measure_plane_samples(
    samples: Mapping[str, Tensor],
    labels: Tensor,
    estimators: Sequence[PlaneEstimator],
    *,
    inputs: Tensor | None = None,
    skipped: Mapping[str, str] | None = None,
    epoch: int | None = None,
    step: int | None = None,
    modules: Mapping[str, str] | None = None,
    pooling: str | None = None,
    split: str | None = None,
) -> Plane:
    """Estimate I(X;T) and I(T;Y) of every layer from captured activations.

    Args:
        samples: Layer name -> activations, float ``[samples, ...]``, where row i belongs to the same input in every
            layer. Layers come in network order, since a layer with more information than an earlier one is flagged.
        labels: Class of each sample, integer ``[samples]``.
        estimators: Estimators to apply to every layer. One that fails on a layer is recorded and the others continue.
        inputs: Inputs of the network, float ``[samples, ...]``; only some estimators use them.
        skipped: Layer name -> reason why its activations were not captured.
        epoch: Epoch of the run.
        step: Global step of the run.
        modules: Layer name -> class of its module; see `Plane`.
        pooling: How positions became one row per sample; see `Plane`.
        split: Data split of the samples; see `Plane`.

    Returns:
        The plane, with failures and flags.

    Raises:
        ValueError: If there are no estimators, or two are identical.
    """
    named = name_estimators(estimators)
    points: dict[str, dict[str, PlanePoint]] = {}
    failures: dict[str, dict[str, str]] = {}
    for layer, hidden in samples.items():
        points[layer] = {}
        for name, estimator in named.items():
            try:
                points[layer][name] = estimator.estimate(hidden, labels, inputs)
            except (RuntimeError, TypeError, ValueError) as fault:  # out of memory is a RuntimeError
                failures.setdefault(layer, {})[name] = str(fault)
    points = flag_between_layers(points)
    return Plane(points, failures, dict(skipped or {}), epoch, step, dict(modules or {}), pooling, split)


def measure_plane(
    model: nn.Module,
    batches: Iterable[Any],
    estimators: Sequence[PlaneEstimator],
    *,
    labels: LabelOf = 1,
    layers: str | list[str] = "auto",
    pooling: str = "flatten",
    max_samples: int = 10_000,
    split: str | None = None,
    forward: Callable[[nn.Module, Any], object] | None = None,
) -> Plane:
    """Place every layer of a network in the information plane, by several estimators on the same samples.

    The network runs once over the batches, in evaluation mode and without gradients. Do not compare points of different
    estimators, sample sizes or networks: most estimates depend on the estimator as much as on the layer.

    Args:
        model: Any module.
        batches: Batches of the probe; all of their samples count.
        estimators: Estimators, such as `Binning`.
        labels: Where a batch holds its classes: an index, a key, or a function of the batch.
        layers: Layers to measure; see `sampling.reading.NetworkReader`.
        pooling: How positions become one row per sample; by default all values of a layer, see `MeasurementSettings`.
        max_samples: Largest number of samples; more raise an error.
        split: Name of the data split of the batches, such as "validation". It is stored with the plane, and planes of
            different splits are not drawn together.
        forward: Function that runs the network on a batch; see `measure`.

    Returns:
        The plane. It records an estimator that fails on a layer with the reason, and the others continue. Points with
        more information than an earlier layer are flagged.

    Raises:
        ValueError: If there are no estimators, labels are not found, there are too many samples, or layers do not
            match.

    Cost:
        The cost of the estimators. Memory: the activations of all layers at once.

    >>> from lightning_infomem.information_plane.binning import Binning
    >>> inputs = torch.linspace(-1, 1, 8)[:, None]
    >>> network = nn.Sequential(nn.Linear(1, 1), nn.Tanh())
    >>> plane = measure_plane(network, [(inputs, (inputs[:, 0] > 0).long())], [Binning(2)], layers=["1"])
    >>> round(plane.points["1"]["Binning(bins=2)"].input_bits, 1)
    1.0
    """
    name_estimators(estimators)  # fail before the network runs
    probe = Probe(batches, labels, max_samples=max_samples)
    # The settings require more samples than neighbours, of which this measurement has none.
    settings = MeasurementSettings(max_samples=max(max_samples, 4), max_units=_ALL_UNITS, pooling=pooling)
    tap = catch(model, probe, layers, settings, forward).tap
    return measure_plane_samples(
        tap.samples(),
        probe.labels,
        estimators,
        inputs=probe.inputs,
        skipped=tap.skipped,
        modules=classes_of(tap.layers),
        pooling=pooling,
        split=split,
    )


def classes_of(layers: Mapping[str, nn.Module]) -> dict[str, str]:
    """Layer name -> class name of its module."""
    return {layer: type(module).__name__ for layer, module in layers.items()}
