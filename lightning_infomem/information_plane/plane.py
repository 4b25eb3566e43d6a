"""All layers of a network in the information plane, by several estimators on the same samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

import torch
from torch import Tensor, nn

from lightning_infomem._checks import describe
from lightning_infomem.information_plane.between_layers import flag_between_layers
from lightning_infomem.information_plane.plane_point import PlaneEstimator, PlanePoint
from lightning_infomem.measurement import catch
from lightning_infomem.records.table import Column, Table
from lightning_infomem.sampling.layers import select_layers
from lightning_infomem.sampling.samples import SamplePlan

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

# Where the labels of a batch are: an index, a key, or a function of the batch.
LabelOf = int | str | Callable[[Any], Tensor]


@dataclass(frozen=True, eq=False)
class Plane:
    """Where the layers of one network stand at one moment.

    Attributes:
        points: layer -> name of an estimator -> its point; in the order of the network.
        failures: layer -> name of an estimator -> why it gave no point; the others went on.
        skipped: layer -> why it was not caught.
        epoch: of the run; None outside a Trainer.
        step: the global step; None outside a Trainer.
        modules: layer -> class of the module whose outputs are T: those of a "Linear" are before a nonlinearity, those
            of a "Tanh" behind it. Empty for samples that were caught elsewhere.
        pooling: how positions became one row, see `MeasurementSettings`; None where it is not known.
        split: of which set the samples are, as the user named it.
    """

    points: Mapping[str, Mapping[str, PlanePoint]]
    failures: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    epoch: int | None = None
    step: int | None = None
    modules: Mapping[str, str] = field(default_factory=dict)
    pooling: str | None = None
    split: str | None = None

    def of(self, estimator: str) -> dict[str, PlanePoint]:
        """Layer -> point by one estimator; layers without one are left out.

        Raises:
            ValueError: no layer has a point by it.
        """
        found = {layer: points[estimator] for layer, points in self.points.items() if estimator in points}
        if not found:
            known = ", ".join(dict.fromkeys(name for points in self.points.values() for name in points)) or "none"
            raise ValueError(f"estimator: one of {known} is required, got {estimator!r}; measure with it.")
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
        """Numbers, strings and mappings only."""
        points = {layer: {name: asdict(point) for name, point in own.items()} for layer, own in self.points.items()}
        failures = {layer: dict(own) for layer, own in self.failures.items()}
        return {
            "state_version": _STATE_VERSION,
            "points": points,
            "failures": failures,
            "skipped": dict(self.skipped),
            "epoch": self.epoch,
            "step": self.step,
            "modules": dict(self.modules),
            "pooling": self.pooling,
            "split": self.split,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Plane:
        """The inverse of `to_state`.

        Raises:
            ValueError: a damaged state, or one of another version.
        """
        if not isinstance(state, Mapping) or state.get("state_version") != _STATE_VERSION:
            raise ValueError(
                f"the state of a plane of version {_STATE_VERSION} is required; this one is damaged, or was written "
                "by another version of lightning_infomem: read it with that version."
            )
        try:
            points = {
                layer: {name: PlanePoint(**point) for name, point in own.items()}
                for layer, own in state["points"].items()
            }
            # Earlier versions did not keep how the samples were caught.
            origin = {name: state[name] for name in ("modules", "pooling", "split") if name in state}
            return cls(points, state["failures"], state["skipped"], state["epoch"], state["step"], **origin)
        except (AttributeError, KeyError, TypeError) as fault:
            raise ValueError(f"the state of a plane is damaged ({fault}); measure again.") from fault


class Probe:
    """Batches that leave their inputs and labels behind while they pass by.

    Args:
        batches: each a tuple or list, a mapping, or what ``labels`` can read.
        labels: where the classes of a batch are: an index, a key, or a function of the batch.
        max_samples: more of them are an error: nothing is left out silently.
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
            inputs = next((part for part in _leaves(batch) if len(part) == len(labels)), labels)
            self._inputs.append(inputs.detach().cpu())
            if (count := sum(map(len, self._labels))) > self._max_samples:
                raise ValueError(
                    f"batches: at most {self._max_samples} samples are required, got {count} or more; give a smaller "
                    "probe, or raise max_samples: the cost of some estimators grows with the square of their number."
                )
            yield batch

    @property
    def labels(self) -> Tensor:
        """Integers ``[samples]``."""
        return torch.cat(self._labels) if self._labels else torch.empty(0, dtype=torch.int64)

    @property
    def inputs(self) -> Tensor:
        """The first tensor of every batch with a row a sample, ``[samples, ...]``."""
        return torch.cat(self._inputs) if self._inputs else torch.empty(0, 0)

    def _read_labels(self, batch: Any) -> Tensor:
        try:
            labels = self._labels_of(batch) if callable(self._labels_of) else batch[self._labels_of]
        except (IndexError, KeyError, TypeError) as fault:
            raise ValueError(
                f"labels: where a batch holds its classes is required, got {self._labels_of!r}, which finds none in a "
                f"{type(batch).__name__} ({fault}); give an index, a key, or a function of the batch."
            ) from fault
        if not isinstance(labels, Tensor) or labels.ndim != 1 or labels.is_floating_point():
            raise ValueError(
                f"labels: a tensor of integer classes, one a sample, is required, got {describe(labels)}; give an "
                "index, a key, or a function of the batch that finds it."
            )
        return labels


def name_estimators(estimators: Sequence[PlaneEstimator]) -> dict[str, PlaneEstimator]:
    """Name estimators by their class and by what differs from its defaults.

    Raises:
        ValueError: none, or two that are the same.

    >>> from lightning_infomem.information_plane.binning import Binning
    >>> list(name_estimators([Binning(), Binning(bins=100)]))
    ['Binning', 'Binning(bins=100)']
    """
    named: dict[str, PlaneEstimator] = {}
    for estimator in estimators:
        own = [
            f"{each.name}={getattr(estimator, each.name)}"
            for each in fields(estimator)  # type: ignore[arg-type]
            if each.default is MISSING or getattr(estimator, each.name) != each.default
        ]
        name = type(estimator).__name__ + (f"({', '.join(own)})" if own else "")
        if name in named:
            raise ValueError(f"estimators: different ones are required, got {name} twice; leave one out.")
        named[name] = estimator
    if not named:
        raise ValueError("estimators: at least one is required, got none; Binning() is the plain one.")
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
    """Estimate I(X;T) and I(T;Y) of every layer from activations that were caught.

    Args:
        samples: layer -> float ``[samples, ...]``, row i of each of the same input; in the order of the network, since
            what tells more than an earlier layer is flagged.
        labels: integers ``[samples]``.
        estimators: each is given every layer; one that fails on a layer is named, and the others go on.
        inputs: float ``[samples, ...]``; some estimators look at them.
        skipped: layer -> why it was not caught.
        epoch: of the run.
        step: of the run.
        modules: see `Plane`, as the rest.
        pooling: see there.
        split: see there.

    Raises:
        ValueError: no estimator, or two that are the same.
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
    """Put every layer of a network into the information plane, by several estimators on the same samples.

    The network runs once over the batches, in evaluation mode and without gradients. Do not compare points of
    different estimators, numbers of samples or networks: most estimators tell as much of themselves as of the layer.

    Args:
        model: any module.
        batches: the probe; all of its samples count.
        estimators: such as `Binning`.
        labels: where the classes of a batch are: an index, a key, or a function of the batch.
        layers: see `sampling.layers.select_layers`.
        pooling: positions to one row; here all values of a layer are taken by default, see `MeasurementSettings`.
        max_samples: more are an error.
        split: of which set the batches are, such as "validation"; kept with the plane, and planes of different sets
            are not drawn together.
        forward: runs the network on a batch; see `measure`.

    Returns:
        The plane. An estimator that cannot treat a layer is named with its reason, and the others go on. Points that
        tell more than an earlier layer are flagged.

    Raises:
        ValueError: no estimator, labels that are not found, more samples than allowed, or layers that do not match.

    Cost:
        That of the estimators, see there; and all activations of the layers are held at once.

    >>> from lightning_infomem.information_plane.binning import Binning
    >>> inputs = torch.linspace(-1, 1, 8)[:, None]
    >>> network = nn.Sequential(nn.Linear(1, 1), nn.Tanh())
    >>> plane = measure_plane(network, [(inputs, (inputs[:, 0] > 0).long())], [Binning(2)], layers=["1"])
    >>> round(plane.points["1"]["Binning(bins=2)"].input_bits, 1)
    1.0
    """
    name_estimators(estimators)  # a mistake is said before the network runs
    probe = Probe(batches, labels, max_samples=max_samples)
    plan = SamplePlan(max_samples, _ALL_UNITS, 0)
    chosen = select_layers(model, layers)
    tap = catch(model, probe, chosen, plan, pooling, forward)
    return measure_plane_samples(
        tap.samples(),
        probe.labels,
        estimators,
        inputs=probe.inputs,
        skipped=tap.skipped,
        modules=classes_of(chosen),
        pooling=pooling,
        split=split,
    )


def classes_of(layers: Mapping[str, nn.Module]) -> dict[str, str]:
    """Layer -> name of the class of its module."""
    return {layer: type(module).__name__ for layer, module in layers.items()}


def _leaves(batch: Any) -> Iterator[Tensor]:
    if isinstance(batch, Tensor):
        if batch.ndim > 0:
            yield batch
    elif isinstance(batch, Mapping):
        for part in batch.values():
            yield from _leaves(part)
    elif isinstance(batch, (tuple, list)):
        for part in batch:
            yield from _leaves(part)
