"""Lightning callback that follows the layers of a network through the information plane during training."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import fields
from functools import partial
from typing import Any, Literal

from lightning_infomem._checks import check_choice, check_count
from lightning_infomem._errors import UsageValueError
from lightning_infomem._lightning import Callback, LightningModule, MisconfigurationException, Trainer, scalar_step
from lightning_infomem.callbacks.probing import catch_probe
from lightning_infomem.information_plane.plane import (
    LabelOf,
    Plane,
    Probe,
    classes_of,
    measure_plane_samples,
    name_estimators,
)
from lightning_infomem.information_plane.plane_point import PlaneEstimator
from lightning_infomem.information_plane.plots.plot_information_plane import plot_information_plane
from lightning_infomem.records.metric_names import check_prefix, logged_name
from lightning_infomem.reporting.loggers import log_pictures
from lightning_infomem.reporting.pictures import Pictures
from lightning_infomem.sampling.layers import select_layers
from lightning_infomem.sampling.ranks import Ranks
from lightning_infomem.settings import MeasurementSettings

__all__ = ["InformationPlane"]

_PLANES_KEY = "infomem_planes"
_ALL_UNITS = 2**31 - 1
_PER_DECADE = 10  # measurements per decade of epochs early on, while the network learns fast

_log = logging.getLogger(__name__)


class InformationPlane(Callback):
    """Place every layer in the information plane during training, by several estimators on the same samples.

    The callback sends the probe through the network in evaluation mode before the first step, after early epochs on a
    logarithmic schedule (ten per decade), and every ``every_n_epochs`` epochs. Training is bitwise identical with and
    without it. For each point it logs ``plane/LAYER/ESTIMATOR/input_information`` and ``.../label_information`` in
    nats, at those epochs only. Loggers that take figures get ``plane/ESTIMATOR``; see `plot_information_plane`. Every
    checkpoint contains all planes.

    Args:
        probe: Labelled batches, the same at each pass; all of their samples count.
        estimators: Estimators such as `information_plane.Binning`. One that fails on a layer is reported once and the
            others continue.
        labels: Where a batch holds its classes: an index, a key, or a function of the batch.
        layers: Layers to measure; see `sampling.reading.NetworkReader`.
        pooling: How positions become one row per sample; by default all values of a layer, see `MeasurementSettings`.
        max_samples: Largest number of samples in the probe; more raise an error.
        split: Name of the data split of the probe, such as "validation". It is stored with every plane and printed
            below the figure.
        every_n_epochs: Number of epochs between measurements once training is slow.
        prefix: First part of every logged name and of this callback's state key.
        on_error: What to do if a measurement fails: "warn" continues training, "raise" stops it.

    Attributes:
        planes: Planes of this run, oldest first. Their ``epoch`` counts finished epochs; 0 is before training.

    Raises:
        MisconfigurationException: In ``setup``, if the model does not have the requested layers.
    """

    def __init__(
        self,
        probe: Iterable[Any],
        estimators: Sequence[PlaneEstimator],
        *,
        labels: LabelOf = 1,
        layers: str | list[str] = "auto",
        pooling: str = "flatten",
        max_samples: int = 10_000,
        split: str | None = None,
        every_n_epochs: int = 10,
        prefix: str = "plane",
        on_error: Literal["warn", "raise"] = "warn",
    ) -> None:
        super().__init__()
        self.probe = Probe(probe, labels, max_samples=check_count(max_samples, name="max_samples"))
        self.estimators = tuple(estimators)
        name_estimators(self.estimators)
        self.layers = layers
        self.settings = MeasurementSettings(max_samples=max_samples, max_units=_ALL_UNITS, pooling=pooling)
        self.split = split
        self.every_n_epochs = check_count(every_n_epochs, name="every_n_epochs")
        self.prefix = check_prefix(prefix)
        self.on_error = check_choice(on_error, name="on_error", choices=("warn", "raise"))
        self.planes: list[Plane] = []
        self._reported: set[tuple[str, str]] = set()

    @property
    def state_key(self) -> str:
        """Only the prefix identifies the state, so a run can resume with other settings."""
        return f"{type(self).__qualname__}[{self.prefix}]"

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check the configuration before training starts, now that the network is complete."""
        if self.layers != "auto":
            try:
                select_layers(pl_module, self.layers)
            except (TypeError, ValueError) as fault:
                raise MisconfigurationException(f"InformationPlane: {fault}") from fault

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure the untrained network, where every curve begins."""
        if trainer.global_step == 0:
            self.planes = []
            self._measure(trainer, pl_module, epoch=0)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure if the schedule says so."""
        if self.is_due(trainer.current_epoch + 1):
            values = self._measure(trainer, pl_module, epoch=trainer.current_epoch + 1)
            pl_module.log_dict(values, on_step=False, on_epoch=True, batch_size=1, sync_dist=Ranks.current().size > 1)

    def is_due(self, epoch: int) -> bool:
        """Whether to measure after this many epochs: at multiples of `every_n_epochs` and ten times per decade."""
        nearest = round(_PER_DECADE * math.log10(epoch)) / _PER_DECADE
        return epoch % self.every_n_epochs == 0 or epoch == round(10**nearest)

    def state_dict(self) -> dict[str, Any]:
        """All planes, as numbers and strings only."""
        return {_PLANES_KEY: [plane.to_state() for plane in self.planes]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue the planes of a resumed run."""
        try:
            self.planes = [Plane.from_state(state) for state in state_dict[_PLANES_KEY]]
        except (KeyError, TypeError, ValueError) as fault:
            warnings.warn(f"InformationPlane: the planes in this checkpoint cannot be read ({fault}).", stacklevel=2)

    def _measure(self, trainer: Trainer, model: LightningModule, *, epoch: int) -> dict[str, float]:
        """Values to log; empty if nothing was measured."""
        if trainer.barebones:
            return {}
        ranks = Ranks.current()
        try:
            watch = ranks.run_together(lambda: catch_probe(trainer, model, self.layers, self.settings, self.probe))
            tap = watch.tap
            plane = ranks.on_all(
                lambda: (
                    None
                    if ranks.rank
                    else measure_plane_samples(
                        tap.samples(),
                        self.probe.labels,
                        self.estimators,
                        inputs=self.probe.inputs,
                        skipped=tap.skipped,
                        epoch=epoch,
                        step=trainer.global_step,
                        modules=classes_of(tap.layers),
                        pooling=self.settings.to_state()["pooling"],
                        split=self.split,
                    )
                )
            )[0]
            assert plane is not None  # rank 0 measured it
            self._report_failures(plane)
        except Exception as fault:  # no failure here, not even out of memory, may stop the user's run
            if self.on_error == "raise":
                raise
            warnings.warn(f"InformationPlane: nothing was measured after epoch {epoch}: {fault}", stacklevel=2)
            return {}
        self.planes.append(plane)
        if trainer.is_global_zero and len(self.planes) > 1:
            figures = {
                name: partial(plot_information_plane, tuple(self.planes), name, allow_mismatch=self._data_chosen(name))
                for name in plane.estimators
            }
            log_pictures(trainer.loggers, Pictures(figures, scalar_step(trainer), self.prefix))
        return self._values(plane)

    def _data_chosen(self, name: str) -> list[str]:
        """Parameters of an estimator that the data determine anew for each layer and epoch."""
        given = {each.name for each in fields(name_estimators(self.estimators)[name])}  # type: ignore[arg-type]
        points = [points[name] for plane in self.planes for points in plane.points.values() if name in points]
        found = dict.fromkeys(parameter for point in points for parameter in point.parameters)
        return [f"parameters.{parameter}" for parameter in found if parameter not in given]

    def _values(self, plane: Plane) -> dict[str, float]:
        values = {
            "/".join([self.prefix, *map(logged_name, (layer, name, measure))]): getattr(point, measure)
            for layer, points in plane.points.items()
            for name, point in points.items()
            for measure in ("input_information", "label_information")
        }
        return {name: value for name, value in values.items() if math.isfinite(value)}

    def _report_failures(self, plane: Plane) -> None:
        """Warn about failures, once per estimator and layer, or raise."""
        failed = [(layer, name, why) for layer, whys in plane.failures.items() for name, why in whys.items()]
        failed += [(layer, "", why) for layer, why in plane.skipped.items()]
        new = [(layer, name, why) for layer, name, why in failed if (layer, name) not in self._reported]
        if not new:
            return
        self._reported.update((layer, name) for layer, name, _ in new)
        message = "; ".join(f"layer {layer!r}{f' by {name}' if name else ''}: {why}" for layer, name, why in new)
        if self.on_error == "raise":
            raise UsageValueError(message)
        warnings.warn(f"InformationPlane leaves out {message}", stacklevel=3)
