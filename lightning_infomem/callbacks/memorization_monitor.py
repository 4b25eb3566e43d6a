"""Measures memorization at every validation, from the activations that pass by."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

from lightning_infomem._checks import check_choice, check_count
from lightning_infomem._lightning import Callback, LightningModule, MisconfigurationException, Trainer
from lightning_infomem.callbacks.presenting import introduce_run, present
from lightning_infomem.callbacks.probing import catch_probe, draw_training_probe
from lightning_infomem.functional.baselines import prediction_baselines
from lightning_infomem.measurement import measure_caught
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.metric_names import DEFAULT_PREFIX, Metric, metric_name
from lightning_infomem.records.report import COURSE_KEY, REPORT_KEY, InformationReport
from lightning_infomem.reporting.run_figures import run_figures
from lightning_infomem.reporting.tensorboard_setup import Watched
from lightning_infomem.runs.course import RunCourse, tell_skipped
from lightning_infomem.runs.run_file import RunFile
from lightning_infomem.runs.scalars import scalars
from lightning_infomem.sampling.layers import select_layers
from lightning_infomem.sampling.ranks import Ranks, bring_together
from lightning_infomem.sampling.taps import ActivationTap
from lightning_infomem.sampling.watching import Watch, loader_of
from lightning_infomem.settings import MeasurementSettings

__all__ = ["MemorizationMonitor"]

_log = logging.getLogger(__name__)


class MemorizationMonitor(Callback):
    """Measures entropy and mutual information of hidden units on validation batches, without labels.

    The ordinary validation loop is watched by forward hooks: no extra forward pass, the user's own
    ``validation_step``, device and precision. ``trainer.validate`` and ``trainer.test`` are watched in the same way.
    Training is bitwise the same with and without the callback. The last report travels in every checkpoint, where
    `rank_checkpoints` finds it. Many processes (DDP, FSDP) measure the rows that one would have drawn, repetitions
    left out, share the pairs of units, and log the same numbers.

    What is logged at every validation (not at the sanity check), as ``infomem/NAME`` over all layers and as
    ``infomem/LAYER/NAME`` for each:

    ==================  ==================================================================================
    name                value
    ==================  ==================================================================================
    ``entropy_mean``    mean over units of the entropy, nats; also ``entropy_median``
    ``mi_mean``         mean over pairs of units of the mutual information, nats; also ``mi_median``, ``mi_p95``
    ``mi_drop``         share by which ``mi_mean`` has fallen from its highest value in this run; over all
                        layers the median; also ``mi_drop_error``, its standard error over units
    ``smoothness``      how alike neighbours in the layer are predicted; see `prediction_smoothness`
    ``dead_fraction``   share of units that are constant
    ``tie_fraction``    share of samples whose value another sample has too
    ``confidence``      mean of the highest probability of each validation input, where the network has a head (over
                        all layers only); with ``training_probe`` also ``training_confidence``, of training inputs, and
                        ``confidence_gap``, how much higher that is
    ``memorizing``      1 while the run stores single examples, else 0; see `judge`. It rests on ``smoothness_drop``,
                        by how much ``smoothness`` has fallen, and ``consensus_drop``, on what share of the inputs the
                        predictions left those of most measurements, with ``consensus_drop_error``. All are 0 where
                        nothing can be told: ``judgement`` says why (over all layers only)
    ``samples``         rows measured (over all layers only)
    ``seconds``         time of the measurement (over all layers only)
    ``drawing_seconds`` time of drawing the figures below and of giving them to the loggers (over all layers only)
    ``age``             validations since the measurement (over all layers only)
    ==================  ==================================================================================

    Loggers that take them also get histograms and figures:

    ==========================  ==========================================================================
    ``infomem/LAYER/entropy``   histogram of the units
    ``infomem/LAYER/mi``        histogram of the pairs of units
    ``infomem/layers``          figure of both, layer by layer; see `plot_layers`
    ``infomem/information_map`` figure of all pairs of units of each layer; see `plot_information_map`
    ``infomem/run``             figure of the run so far, with the alarm and the moment to keep, from the second
                                measurement on; see `plot_run`
    ``infomem/epochs_map``      figure of both means, a row a layer, a column a measurement; see `plot_epochs_map`
    ==========================  ==========================================================================

    TensorBoard opens on a group of the two means over all layers. Its tab Text says what the numbers mean, Custom
    Scalars has all layers in one chart, and HParams the last measures beside the hyperparameters, where the module
    saved any and the logger has its ``default_hp_metric``.

    Each measurement of a run is one JSON line in ``infomem.jsonl`` in ``trainer.log_dir``, which ``infomem watch`` and
    ``infomem report`` read; without a logger there is no file. Checkpoints carry the same history.

    ``ModelCheckpoint`` and ``EarlyStopping`` can monitor these names, and see the value of the same validation.

    Args:
        layers: "auto", or names, patterns or module types; see `sampling.layers.select_layers`.
        max_samples: rows kept of a validation.
        max_units: units kept of each layer.
        pooling: positions to one row: "mean", "max", "flatten", "center", "cls", "last"; see `MeasurementSettings`.
        seed: of the private generators that draw rows and units.
        bins: of the entropy.
        value_range: of the bins: "network", "layer", "unit" or (low, high).
        neighbors: k of the mutual information.
        backend: of the neighbour search: "auto", "reference", "cpu", "cuda".
        device: where to measure: "auto" (where the activations are), or a torch device.
        preset: "paper" or "released_code", for the paper's measures instead; see `settings.PRESETS`.
        dataloader_idx: which validation loader is sampled, where there are several.
        dataloader: batches of the user's own, for example a probe without labels. They are sent through the network
            in evaluation mode at the end of each validation, and the validation batches are not watched. Given to the
            network like to `measure`: the first entry of a tuple, or a mapping by name.
        every_n_validations: how often to measure; between measurements the last values are logged again.
        every_n_train_steps: measure ``dataloader`` also after every so many optimizer steps, for long epochs.
        training_probe: also send ``max_samples`` training inputs through the network at each measurement, always the
            same and with the same augmentation, and log how much surer it is of them than of validation inputs.
        prefix: first part of every logged name, and of the name of this monitor's state; two monitors need two.
        on_error: what a failed measurement does: "warn" lets the training go on, "raise" stops it.

    Raises:
        MisconfigurationException: in ``setup``, for settings that do not fit the model or the Trainer.

    >>> monitor = MemorizationMonitor(max_samples=512, neighbors=5)
    """

    def __init__(
        self,
        layers: str | list[str] = "auto",
        *,
        max_samples: int = 1024,
        max_units: int = 256,
        pooling: str = "mean",
        seed: int = 0,
        bins: int = 100,
        value_range: str | tuple[float, float] = "network",
        neighbors: int = 3,
        backend: str = "auto",
        device: str = "auto",
        preset: str | None = None,
        dataloader_idx: int = 0,
        dataloader: Iterable[Any] | None = None,
        every_n_validations: int = 1,
        every_n_train_steps: int | None = None,
        training_probe: bool = False,
        prefix: str = DEFAULT_PREFIX,
        on_error: Literal["warn", "raise"] = "warn",
    ) -> None:
        super().__init__()
        self.layers = layers
        self.settings = MeasurementSettings(
            max_samples=max_samples,
            max_units=max_units,
            pooling=pooling,
            seed=seed,
            bins=bins,
            value_range=value_range,
            neighbors=neighbors,
            backend=backend,
            device=device,
            preset=preset,
        )
        self.dataloader_idx = check_count(dataloader_idx, name="dataloader_idx", minimum=0)
        self.dataloader = dataloader
        self.every_n_validations = check_count(every_n_validations, name="every_n_validations")
        if every_n_train_steps is not None:
            check_count(every_n_train_steps, name="every_n_train_steps")
            if dataloader is None:
                raise ValueError(
                    f"dataloader: batches to measure are required for every_n_train_steps={every_n_train_steps}, got "
                    "none; give a small loader of unlabelled data."
                )
        self.every_n_train_steps = every_n_train_steps
        self.training_probe = training_probe
        self.prefix = prefix
        self.on_error = check_choice(on_error, name="on_error", choices=("warn", "raise"))
        self.report: InformationReport | None = None
        self._watched = Watched(prefix, (), self.settings.to_state())
        self._watch: Watch | None = None
        self._training_batches: Iterable[Any] | None = None
        self._is_due = False  # whether this validation is to be measured
        self._course = RunCourse(prefix)
        self._run_file = RunFile(None, who="MemorizationMonitor")
        self._age = -1  # validations since the last measurement
        self._last_step = -1  # optimizer step of the last measurement between validations
        self._stage = "fit"
        self._announced = False
        self._told: set[str] = set()  # layers whose omission was said

    @property
    def state_key(self) -> str:
        """The name alone, so that a run resumes after its settings were changed."""
        return f"{type(self).__qualname__}[{self.prefix}]"

    @property
    def history(self) -> list[dict[str, float]]:
        """The logged values of every measurement of this run, with ``epoch`` and ``step``, oldest first."""
        return [dict(values) for values in self._course.history]

    @property
    def judgement(self) -> Judgement | None:
        """Whether this run has begun to memorize, at its last measurement; None before there is one."""
        return self._course.judgement

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Raise every mistake of configuration now, not after an epoch."""
        self._stage = stage
        try:
            layers = list(select_layers(pl_module, self.layers))
        except (TypeError, ValueError) as fault:
            raise MisconfigurationException(f"MemorizationMonitor: {fault}") from fault
        self._watched = replace(self._watched, layers=layers)
        if not self._announced:
            self._announced = True
            _log.info("MemorizationMonitor measures the layers %s.", ", ".join(layers))
        if stage == "fit" and trainer.global_step == 0:  # a new run; a resumed one loads its state after this hook
            self.report, self._course, self._age = None, RunCourse(self.prefix), -1

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tell TensorBoard what will come, or say it when there will be nothing to see."""
        callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
        watched = [each._watched for each in callbacks if isinstance(each, MemorizationMonitor)]
        if watched[:1] == [self._watched]:  # the first monitor speaks for all
            introduce_run(trainer, watched)
        if not trainer.enable_validation and self.every_n_train_steps is None:
            warnings.warn(
                "MemorizationMonitor: a validation loop is required (validation_step, validation data, "
                "limit_val_batches > 0), this run has none: nothing will be measured.",
                stacklevel=2,
            )

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open the run file, whose folder all ranks must ask for, and draw the training inputs that are looked at."""
        self._run_file = RunFile(trainer.log_dir if trainer.loggers else None, who="MemorizationMonitor")
        self._course.run_id = Ranks.current().on_all(lambda: self._course.run_id)[0]
        self._training_batches = None
        if self.training_probe and not trainer.barebones:
            try:
                self._training_batches = draw_training_probe(loader_of(trainer.train_dataloader, 0), self.settings)
            except TypeError as fault:
                raise MisconfigurationException(f"MemorizationMonitor: {fault}") from fault

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Measure the user's own loader between validations."""
        every, step = self.every_n_train_steps, trainer.global_step
        if every is None or trainer.barebones or not step or step % every or step == self._last_step:
            return
        self._last_step = step
        self._log(pl_module, self._measure(trainer, pl_module), on_step=True)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the hooks on, if this validation is to be measured."""
        if not trainer.sanity_checking:
            self._begin(trainer, pl_module, trainer.val_dataloaders)

    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Begin to catch activations."""
        if self._watch is not None and dataloader_idx == self.dataloader_idx:
            self._watch.tap.open_batch(batch)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Close the rows of all layers together."""
        if self._watch is not None and dataloader_idx == self.dataloader_idx:
            self._watch.tap.close_batch()

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure and log: `ModelCheckpoint` and `EarlyStopping` look only after this hook."""
        if trainer.sanity_checking or trainer.barebones:
            return
        self._log(pl_module, self._measure(trainer, pl_module) if self._is_due else self._course.last, on_step=False)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """As for a validation."""
        self._begin(trainer, pl_module, trainer.test_dataloaders)

    on_test_batch_start = on_validation_batch_start
    on_test_batch_end = on_validation_batch_end
    on_test_epoch_end = on_validation_epoch_end

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Leave no hook behind."""
        self._close_watch()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave no hook behind."""
        self._close_watch()

    def state_dict(self) -> dict[str, Any]:
        """The last report and the course of the run: tensors, numbers and strings only."""
        report = None if self.report is None else self.report.to_state()
        return {REPORT_KEY: report, COURSE_KEY: self._course.to_state(), "age": self._age}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue the history of a resumed run; a checkpoint that is only validated leaves the live one alone."""
        if self._stage != "fit":
            return
        try:
            state, age = state_dict[REPORT_KEY], int(state_dict["age"])
            course = RunCourse.from_state(state_dict[COURSE_KEY])
            report = None if state is None else InformationReport.from_state(state)
        except (AttributeError, KeyError, TypeError, ValueError) as fault:
            warnings.warn(
                f"MemorizationMonitor: the history in this checkpoint cannot be read ({fault}); it starts anew.",
                stacklevel=2,
            )
            return
        self.report, self._age, self._course = report, age, course

    def __getstate__(self) -> dict[str, Any]:
        """A copy for a spawned process takes no hooks along."""
        return {**self.__dict__, "_watch": None, "_training_batches": None}

    def _begin(self, trainer: Trainer, model: LightningModule, loaders: object) -> None:
        if trainer.barebones:
            return
        in_run = self._stage == "fit"
        self._age += in_run
        self._is_due = not in_run or not self._course.history or self._age >= self.every_n_validations
        if self._is_due and self.dataloader is None:
            self._close_watch()  # of a validation that was broken off
            loader = loader_of(loaders, self.dataloader_idx)
            self._watch = Watch(model, self.layers, self.settings, loader, Ranks.current())

    def _measure(self, trainer: Trainer, model: LightningModule) -> dict[str, float]:
        """The values to log: measured now, or, failing that, the last ones."""
        self._is_due = False
        try:
            report = self._report(self._caught(trainer, model), trainer)
            training_confidence = self._training_confidence(trainer, model)
            tell_skipped(report, self._told, who="MemorizationMonitor", strictly=self.on_error == "raise")
            values = self._values(report, trainer, training_confidence)
        except Exception as fault:  # whatever it is, memory included, it is not worth the user's run
            if self.on_error == "raise":
                raise
            warnings.warn(f"MemorizationMonitor: nothing was measured at this validation: {fault}", stacklevel=2)
            return self._course.last
        self.report, self._age = report, 0
        figures = run_figures(self._course, report, along_run=self._stage == "fit")
        values |= present(trainer, report, figures, values, prefix=self.prefix)
        if self._stage == "fit" and trainer.is_global_zero:
            self._run_file.append(self._course.last_measurement())
        return values

    def _values(
        self, report: InformationReport, trainer: Trainer, training_confidence: float | None
    ) -> dict[str, float]:
        if self._stage != "fit":
            return scalars(report, prefix=self.prefix)
        values = self._course.add(
            report, epoch=trainer.current_epoch, step=trainer.global_step, training_confidence=training_confidence
        )
        message = self._course.warning(getattr(trainer.checkpoint_callback, "dirpath", None))
        if message is not None and trainer.is_global_zero:
            _log.warning("MemorizationMonitor: %s", message)
        return values

    def _caught(self, trainer: Trainer, model: LightningModule) -> ActivationTap:
        """What this rank caught of the validation, or catches now of the user's own loader."""
        if self._watch is not None:
            tap = self._watch.tap
            self._close_watch()
            return tap
        probe = () if self.dataloader is None else self.dataloader
        return Ranks.current().run_together(
            lambda: catch_probe(trainer, model, select_layers(model, self.layers), self.settings, probe)
        )

    def _training_confidence(self, trainer: Trainer, model: LightningModule) -> float | None:
        """How sure the network is of training inputs, on all ranks together; None where that is not known."""
        if self._training_batches is None or self._stage != "fit":
            return None
        batches, ranks = self._training_batches, Ranks.current()
        tap = ranks.run_together(lambda: catch_probe(trainer, model, {}, self.settings, batches, seeded=True))
        return prediction_baselines(bring_together(tap, ranks).logits).get("mean_confidence")

    def _report(self, tap: ActivationTap, trainer: Trainer) -> InformationReport:
        ranks = Ranks.current()
        caught = bring_together(tap, ranks)
        return measure_caught(caught, self.settings, epoch=trainer.current_epoch, step=trainer.global_step, ranks=ranks)

    def _log(self, model: LightningModule, values: dict[str, float], *, on_step: bool) -> None:
        if values:
            # The same names at every validation: ModelCheckpoint fails on a missing one.
            shown = {name: value for name, value in values.items() if name not in ("epoch", "step")}
            shown[metric_name(self.prefix, Metric.AGE)] = float(self._age)
            # The numbers are the same on all ranks; without the word, Lightning warns that they might not be.
            model.log_dict(
                shown, on_step=on_step, on_epoch=not on_step, batch_size=1, sync_dist=Ranks.current().size > 1
            )

    def _close_watch(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None
