"""Measures memorization at every validation."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable
from typing import Any, Literal

from torch import nn

from lightning_infomem._checks import check_count
from lightning_infomem._errors import UsageValueError
from lightning_infomem._lightning import Callback, LightningModule, Trainer, scalar_step
from lightning_infomem.callbacks.first_look import FirstLook
from lightning_infomem.callbacks.probing import draw_training_probe
from lightning_infomem.callbacks.run_monitor import RunMonitor
from lightning_infomem.callbacks.trainer_checks import check_loader, check_prefixes, why_no_loader
from lightning_infomem.callbacks.watched_network import WatchedNetwork
from lightning_infomem.measurement import measure_caught
from lightning_infomem.records.metric_names import DEFAULT_PREFIX, Metric, metric_name
from lightning_infomem.reporting.loggers import conclude, introduce
from lightning_infomem.reporting.tensorboard_setup import Watched
from lightning_infomem.runs.run_file import RunFile
from lightning_infomem.runs.scalars import scalars
from lightning_infomem.sampling.network_plan import NetworkPlan
from lightning_infomem.sampling.ranks import Ranks, bring_together
from lightning_infomem.sampling.watching import loader_of, share_of_rank
from lightning_infomem.settings import MeasurementSettings, check_setting_names

__all__ = ["MemorizationMonitor", "monitors_of"]

_log = logging.getLogger(__name__)


class MemorizationMonitor(RunMonitor, Callback):
    """Measures entropy and mutual information of hidden units on validation batches, without labels.

    Forward hooks watch the ordinary validation loop: no extra forward pass, the user's own ``validation_step``, device
    and precision. ``trainer.validate`` and ``trainer.test`` are watched in the same way. Training is bitwise the same
    with and without the callback. Every checkpoint carries the last report, where `rank_checkpoints` finds it. Several
    processes (DDP, FSDP) measure the rows that one process would have drawn, without repetitions, share the pairs of
    units, and log the same numbers.

    These values are logged at every validation (not at the sanity check), as ``infomem/NAME`` over all layers and as
    ``infomem/LAYER/NAME`` for each layer:

    ==================  ==================================================================================
    name                value
    ==================  ==================================================================================
    ``entropy_mean``    mean over units of the entropy, nats; also ``entropy_median``
    ``mi_mean``         mean over pairs of units of the mutual information, nats; also ``mi_median``, ``mi_p95``
    ``mi_drop``         share by which ``mi_mean`` has fallen from its highest value in this run (over all layers the
                        median); also ``mi_drop_error``, its standard error over units
    ``smoothness``      how alike neighbours in the layer are predicted, if the network classifies; see
                        `prediction_smoothness`
    ``dead_fraction``   share of units that are constant
    ``tie_fraction``    share of samples whose value another sample has too
    ``confidence``      mean highest probability over validation inputs, if the network classifies (over all layers
                        only); with ``training_probe`` also ``training_confidence`` on training inputs, and
                        ``confidence_gap``, the difference
    ``memorizing``      1 while the run memorizes single examples, else 0; see `judge`. It rests on ``smoothness_drop``,
                        the drop of ``smoothness``, and ``consensus_drop``, the share of inputs whose predictions left
                        those of most measurements, with ``consensus_drop_error``. All are 0 while no verdict is
                        possible; ``judgement`` has the reason (over all layers only)
    ``samples``         rows measured (over all layers only)
    ``layers_measured`` layers over which the means are taken (over all layers only)
    ``seconds``         time of the measurement (over all layers only)
    ``drawing_seconds`` time of logging the histograms below, and of drawing the figures if there was time (over all
                        layers only)
    ``age``             validations since the measurement (over all layers only)
    ==================  ==================================================================================

    What could not be measured is NaN, and never an old value. A layer that fails leaves the means, which a warning
    says and ``layers_measured`` shows. If a whole measurement fails, the values over all layers are repeated with a
    raised ``age``; before the first one they are NaN, and a warning names the callbacks that monitor them.

    Loggers that support them also get histograms, and figures as often as there is time for them (see ``figures``):

    ==========================  ==========================================================================
    ``infomem/LAYER/entropy``   histogram of the units
    ``infomem/LAYER/mi``        histogram of the pairs of units
    ``infomem/layers``          figure of both, layer by layer; see `plot_layers`
    ``infomem/information_map`` figure of all pairs of units of each layer; see `plot_information_map`
    ``infomem/run``             figure of the run so far, with the alarm and the moment to keep, from the second
                                measurement on; see `plot_run`
    ``infomem/epochs_map``      figure of both means, one row per layer and one column per measurement, from the second
                                measurement on; see `plot_epochs_map`
    ==========================  ==========================================================================

    TensorBoard shows the two means over all layers first. Its tab Text explains the numbers, and Custom Scalars has all
    layers in one chart. At the end of a fit, HParams gets the last measures next to the hyperparameters that the module
    or the data module saved, if the logger was made with ``default_hp_metric=False``: TensorBoard keeps the first
    declaration of a run, your own or that of Lightning's placeholder ``hp_metric``.

    Each measurement of a run adds one JSON line to ``infomem.jsonl`` in ``trainer.log_dir``, which ``infomem watch``
    and ``infomem report`` read; without a logger there is no file. Checkpoints carry the same history.

    ``ModelCheckpoint`` and ``EarlyStopping`` can monitor these names, and see the value of the same validation.

    Args:
        layers: "auto", or names, patterns or module types; see `sampling.reading.NetworkReader`.
        dataloader_idx: Index of the validation loader to sample, where there are several.
        dataloader: Your own batches, for example a probe without labels. They run through the network in evaluation
            mode at the start of each validation, instead of watching the validation batches, and so with the weights
            that are validated where these are averages. The network gets them as in `measure`: the first entry of a
            tuple, or a mapping by name.
        every_n_validations: How often to measure. Between measurements the last values are logged again.
        every_n_train_steps: Number of optimizer steps after which to measure ``dataloader`` too, for long epochs.
        training_probe: Whether to also run ``max_samples`` training inputs through the network at each measurement,
            always the same ones with the same augmentation, and to log how much more confident it is about them than
            about validation inputs.
        prefix: First part of every logged name and of the name of this monitor's state: letters, digits, "_", ".", "-",
            spaces, and "/" between parts. Two monitors need two prefixes.
        figures: Whether to draw figures. They are drawn as often as time allows: measuring and drawing together take at
            most 5 % of the time of a run, or 0.3 s a measurement where these are less than 20 s apart. The figures of
            the last measurement are always drawn, at the end of the fit or when it breaks off.
        per_layer: Whether to log the values and histograms of each layer. Without them, only the values over all layers
            and the figures are logged; the run file and checkpoints still hold those of each layer.
        on_error: What happens when a measurement fails: "warn" lets the training continue, "raise" stops it.
        **settings: Every field of `MeasurementSettings`, which explains them: ``max_samples``, ``pooling``, ``bins``,
            ``neighbors``, ``preset`` and so on.

    Raises:
        TypeError: An argument is unknown or of the wrong type.
        ValueError: An argument is out of its range.
        MisconfigurationException: Before the training, if the settings do not fit the model or the Trainer.

    >>> monitor = MemorizationMonitor(max_samples=512, neighbors=5)
    """

    _name = "MemorizationMonitor"

    def __init__(
        self,
        layers: str | list[str] = "auto",
        *,
        dataloader_idx: int = 0,
        dataloader: Iterable[Any] | None = None,
        every_n_validations: int = 1,
        every_n_train_steps: int | None = None,
        training_probe: bool = False,
        prefix: str = DEFAULT_PREFIX,
        figures: bool = True,
        per_layer: bool = True,
        on_error: Literal["warn", "raise"] = "warn",
        **settings: Any,
    ) -> None:
        check_setting_names(settings, MemorizationMonitor)
        chosen = MeasurementSettings(**settings)
        super().__init__(layers, chosen, prefix, on_error, figures=figures, per_layer=per_layer)
        self.dataloader_idx = check_count(dataloader_idx, name="dataloader_idx", minimum=0)
        self.dataloader = dataloader
        self.every_n_validations = check_count(every_n_validations, name="every_n_validations")
        if every_n_train_steps is not None:
            check_count(every_n_train_steps, name="every_n_train_steps")
            if dataloader is None:
                raise UsageValueError(
                    f"dataloader: batches to measure are required for every_n_train_steps={every_n_train_steps}, got "
                    "none; give a small loader of unlabelled data."
                )
        self.every_n_train_steps = every_n_train_steps
        self.training_probe = training_probe
        self._network = WatchedNetwork(layers, self.settings)
        self._first_look: FirstLook | Exception | None = None  # of this validation; a fault waits for its end
        self._training_batches: Iterable[Any] | None = None
        self._is_due = False  # whether to measure this validation
        self._last_step = -1  # optimizer step of the last measurement between validations
        self._stage = "fit"

    @property
    def state_key(self) -> str:
        """The key without settings, so that a run can resume with other settings."""
        return f"{type(self).__qualname__}[{self.prefix}]"

    def plan(self, model: nn.Module, batch: Any) -> NetworkPlan:
        """Tell what would be measured of a network, without a run.

        The network runs once on a batch of the validation data, in evaluation mode and without gradients, as in
        `measure`. Print the result to see the layers with their rows and units, the head, and the task.
        """
        return self._network.read(model, batch)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Begin a new run; the network is looked at later, because it may not be complete yet."""
        self._stage = stage
        self._network = WatchedNetwork(self.layers, self.settings)
        self.layer_names = []
        check_prefixes(monitors_of(trainer))
        if stage == "fit" and trainer.global_step == 0:  # a new run; a resumed one loads its state after this hook
            self._start_run()
            self._last_step = -1

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check the configuration now, not after an epoch, and warn if nothing will be measured."""
        self._network.check_layers(pl_module)
        if not trainer.enable_validation and self.every_n_train_steps is None:
            warnings.warn(
                "MemorizationMonitor: a validation loop is required (validation_step, validation data, "
                "limit_val_batches > 0), this run has none: nothing will be measured.",
                stacklevel=2,
            )

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the last measurement, and log the last measures of the run next to its hyperparameters."""
        self._log_last_figures(trainer.loggers)
        monitors = monitors_of(trainer)
        if trainer.is_global_zero and monitors[0] is self:
            prefixes = [each.prefix for each in monitors]
            conclude(trainer.loggers, prefixes, trainer.callback_metrics, step=scalar_step(trainer))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open the run file, whose folder all ranks must ask for, and draw the training inputs to measure."""
        if self.dataloader is None:
            check_loader(self.dataloader_idx, trainer.val_dataloaders)
        self._begin_figures()
        self._run_file = RunFile(trainer.log_dir if trainer.loggers else None, who="MemorizationMonitor")
        monitors = monitors_of(trainer)
        named = next((each for each in monitors if each.history), monitors[0])  # a resumed run keeps its name
        self._course.run_id = Ranks.current().on_all(lambda: named.run_id)[0]
        self._training_batches = None
        if self.training_probe and not trainer.barebones:
            self._training_batches = draw_training_probe(loader_of(trainer.train_dataloader, 0), self.settings)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Look which loss the first training step computes."""
        if not trainer.barebones:
            self._network.open_training_step(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Measure ``dataloader`` between validations."""
        self._network.close_training_step(trainer, pl_module, outputs)
        every, step = self.every_n_train_steps, trainer.global_step
        if every is None or trainer.barebones or not step or step % every or step == self._last_step:
            return
        self._last_step = step
        self._log(trainer, pl_module, self._measure(trainer, pl_module), on_step=True)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to watch, if this validation is to be measured; the sanity check shows what the network is."""
        if trainer.sanity_checking and self.dataloader is None:
            check_loader(self.dataloader_idx, trainer.val_dataloaders)
        self._begin(trainer, pl_module, trainer.val_dataloaders)

    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Begin to catch the activations of a batch."""
        if self._is_due and self._first_look is None:
            self._first_look = self._look(trainer, pl_module)
        if dataloader_idx == self.dataloader_idx:
            self._network.open_batch(batch)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Close the batch for all layers together."""
        if dataloader_idx == self.dataloader_idx and self._network.close_batch():
            self._introduce(trainer)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure and log: `ModelCheckpoint` and `EarlyStopping` look only after this hook."""
        if trainer.sanity_checking or trainer.barebones:
            self._network.close()
            return
        values = self._measure(trainer, pl_module) if self._is_due else self._course.repeated(self.layer_names)
        self._log(trainer, pl_module, values, on_step=False)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add the hooks, as for a validation."""
        self._begin(trainer, pl_module, trainer.test_dataloaders)

    on_test_batch_start = on_validation_batch_start
    on_test_batch_end = on_validation_batch_end
    on_test_epoch_end = on_validation_epoch_end

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Remove the hooks, and draw the last measurement."""
        self._network.close()
        self._first_look, self._is_due = None, False
        self._log_last_figures(trainer.loggers)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Remove the hooks."""
        self._network.close()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue the history of a resumed run; validating a checkpoint leaves the current history alone."""
        if self._stage != "fit":
            return
        try:
            self._from_state(state_dict)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as fault:
            self._start_run()
            warnings.warn(
                f"MemorizationMonitor: the history in this checkpoint cannot be read ({fault}); it starts anew.",
                stacklevel=2,
            )

    def __getstate__(self) -> dict[str, Any]:
        """Leave the hooks out of a copy for a spawned process."""
        network = WatchedNetwork(self.layers, self.settings)
        return self.__dict__ | {"_network": network, "_first_look": None, "_training_batches": None}

    def _begin(self, trainer: Trainer, model: LightningModule, loaders: object) -> None:
        if trainer.barebones or (trainer.sanity_checking and self.dataloader is not None):
            return
        if not trainer.sanity_checking:
            in_run = self._stage == "fit"
            self._age += in_run
            self._first_look = None  # left over from an interrupted validation
            is_due = not in_run or not self._course.history or self._age >= self.every_n_validations
            self._is_due = is_due and not self._network.is_empty
            if not in_run:
                self._network.check_layers(model)
        if self.dataloader is None and (trainer.sanity_checking or self._is_due):
            why = why_no_loader(self.dataloader_idx, loaders)
            self._first_look = None if why is None else UsageValueError(why)
            share = share_of_rank(loader_of(loaders, self.dataloader_idx), Ranks.current())
            self._network.begin(trainer, model, share, only_read=trainer.sanity_checking)

    def _introduce(self, trainer: Trainer) -> None:
        """Explain the measures of all monitors to the loggers, once the last monitor knows its layers."""
        assert self._network.plan is not None
        self.layer_names = list(self._network.plan.layers)
        monitors = monitors_of(trainer)
        if trainer.sanity_checking:  # before anything is trained
            check_prefixes(monitors)
        is_new = self._stage == "fit" and not any(each.history for each in monitors)
        if trainer.is_global_zero and is_new and all(each.layer_names for each in monitors):
            watched = [Watched(each.prefix, each.layer_names, each.settings.to_state()) for each in monitors]
            introduce(trainer.loggers, watched)

    def _measure(self, trainer: Trainer, model: LightningModule) -> dict[str, float]:
        """Return the values to log: new ones, or the last ones over all layers if the measurement fails."""
        self._is_due = False
        in_run = self._stage == "fit"
        try:
            ranks = Ranks.current()
            look, self._first_look = self._first_look or self._look(trainer, model), None
            if isinstance(look, Exception):
                raise look
            caught = bring_together(look.probe or self._network.caught(), ranks)
            moment: dict[str, Any] = {"epoch": trainer.current_epoch, "step": trainer.global_step}
            loader = None if look.probe else self.dataloader_idx
            report = measure_caught(caught, self.settings, **moment, **look.known, ranks=ranks, loader=loader)
            self._report_skipped(report)
            if in_run:
                values = self._course.add(report, **moment, training_confidence=look.training_confidence)
            else:
                values = scalars(report, prefix=self.prefix)
        except Exception as fault:  # whatever it is, memory included, it is not worth the user's run
            if self.on_error == "raise":
                raise
            warnings.warn(f"MemorizationMonitor: nothing was measured at this validation: {fault}", stacklevel=2)
            return self._course.unmeasured(self.layer_names) if in_run else {}
        self.report, self._age = report, 0
        if in_run:
            folder = getattr(trainer.checkpoint_callback, "dirpath", None)
            self._report_alarm(folder, is_first_rank=trainer.is_global_zero)
        seconds = 0.0
        if trainer.is_global_zero:
            seconds = self._log_pictures(trainer.loggers, scalar_step(trainer), values, along_run=in_run)
        values[metric_name(self.prefix, Metric.DRAWING_SECONDS)] = ranks.on_all(lambda: seconds)[0]
        if in_run and trainer.is_global_zero:
            self._run_file.append(self._course.last_measurement())
        return values

    def _look(self, trainer: Trainer, model: LightningModule) -> FirstLook | Exception:
        """Look at the network now, and return a fault instead of raising it in the midst of a validation."""
        training = self._training_batches if self._stage == "fit" else None
        is_first = self._network.plan is None
        try:
            look = FirstLook.take(trainer, model, self._network, probe=self.dataloader, training=training)
        except Exception as fault:
            return fault
        if is_first and self._network.plan is not None:
            self._introduce(trainer)
        return look

    def _log(self, trainer: Trainer, model: LightningModule, values: dict[str, float], *, on_step: bool) -> None:
        if values:
            self._report_listeners(trainer.callbacks, values)  # type: ignore[attr-defined]
            # The numbers are the same on all ranks, but without sync_dist Lightning warns that they might not be.
            many = Ranks.current().size > 1
            model.log_dict(self._shown(values), on_step=on_step, on_epoch=not on_step, batch_size=1, sync_dist=many)


def monitors_of(trainer: Trainer) -> list[MemorizationMonitor]:
    """Return the monitors among the callbacks of a Trainer."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return [each for each in callbacks if isinstance(each, MemorizationMonitor)]
