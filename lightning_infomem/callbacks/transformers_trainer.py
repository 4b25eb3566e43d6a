"""Measures memorization at every evaluation of the Trainer of Hugging Face transformers."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from lightning_infomem._errors import UsageImportError, UsageValueError
from lightning_infomem.callbacks.evaluation_watch import EvaluationWatch
from lightning_infomem.callbacks.logged_training_loss import logged_training_loss
from lightning_infomem.callbacks.run_monitor import RunMonitor
from lightning_infomem.checkpoints.huggingface_folder import REPORT_FILE
from lightning_infomem.measurement import measure_caught
from lightning_infomem.records.metric_names import DEFAULT_PREFIX, Metric, MetricName, logged_name, metric_name
from lightning_infomem.reporting.loggers import introduce
from lightning_infomem.reporting.tensorboard_setup import Watched
from lightning_infomem.runs.run_file import RunFile
from lightning_infomem.sampling.layers import select_layers
from lightning_infomem.sampling.network_plan import NetworkPlan
from lightning_infomem.sampling.ranks import Ranks, bring_together
from lightning_infomem.sampling.taps import ActivationTap
from lightning_infomem.sampling.weights_digest import weights_digest
from lightning_infomem.settings import MeasurementSettings, check_setting_names

try:
    from transformers.trainer_callback import TrainerCallback, TrainerControl, TrainerState
except ModuleNotFoundError as fault:
    raise UsageImportError(
        "MemorizationTrainerCallback: the packages transformers and accelerate are required, one of them is not "
        "installed; pip install 'lightning-infomem[transformers]'."
    ) from fault

if TYPE_CHECKING:
    from transformers import Trainer, TrainingArguments

__all__ = ["MemorizationTrainerCallback"]

_log = logging.getLogger(__name__)


class MemorizationTrainerCallback(RunMonitor, TrainerCallback):
    """`MemorizationMonitor` for ``transformers.Trainer``: the same measures of the same rows, without labels.

    Forward hooks watch the ordinary evaluation loop, without an extra forward pass. The hooks are on the model only
    between training steps, so training is bitwise the same with and without the callback. The last forward pass of an
    evaluation step counts, except passes that generate tokens from a cache. Pooling respects an attention mask among
    the model's arguments.

    The values have the names of `MemorizationMonitor` and are found here:

    - The ``metrics`` of the evaluation get the values over all layers, as ``eval_infomem/mi_mean`` and so on:
      ``metric_for_best_model="infomem/mi_mean"`` works, and so does an EarlyStoppingCallback that comes after this
      callback in the list. Values of single layers would fill the tables of notebooks and model cards.
    - ``state.log_history``, and with it ``trainer_state.json``, gets a separate entry with all values.
    - After `set_trainer`, the Trainer's loggers get all values, and TensorBoard also histograms and figures. A
      callback alone cannot reach the loggers.
    - ``infomem.jsonl`` in ``args.output_dir`` gets one JSON line per measurement, which ``infomem watch`` and
      ``infomem report`` read.
    - Each checkpoint folder gets the last report and the same history in ``infomem_report.pt``, with any other prefix
      in ``infomem_report-PREFIX.pt``, which loads with ``weights_only=True``.

    Only evaluations during ``trainer.train`` are measured, because a callback learns of ``trainer.evaluate`` alone too
    late; use `measure` there. With several evaluation datasets, the first is measured. One process and one device are
    required. After an exception outside the model, which transformers reports to no callback, `close` or the next
    training removes the hooks.

    Args:
        layers: "auto", or names, patterns or module types; see `sampling.reading.NetworkReader`.
        prefix: First part of every name.
        figures: Whether to draw figures, as often as time allows; see `MemorizationMonitor`.
        per_layer: Whether to log the values and histograms of each layer; see `MemorizationMonitor`.
        on_error: What happens when a measurement fails: "warn" lets the training continue, "raise" stops it.
        **settings: Every field of `MeasurementSettings`, which explains them: ``max_samples``, ``pooling``, ``bins``,
            ``neighbors``, ``preset`` and so on.

    Raises:
        ValueError: An argument is out of its range; when training begins, the model lacks the layers, or there is more
            than one process or device.
        TypeError: An argument is unknown or of the wrong type; when training begins, ``layers`` holds anything but
            names, patterns and module types.

    >>> monitor = MemorizationTrainerCallback(max_samples=512, pooling="cls")
    """

    _name = "MemorizationTrainerCallback"

    def __init__(
        self,
        layers: str | list[str] = "auto",
        *,
        prefix: str = DEFAULT_PREFIX,
        figures: bool = True,
        per_layer: bool = True,
        on_error: Literal["warn", "raise"] = "warn",
        **settings: Any,
    ) -> None:
        check_setting_names(settings, MemorizationTrainerCallback)
        chosen = MeasurementSettings(**settings)
        super().__init__(layers, chosen, prefix, on_error, figures=figures, per_layer=per_layer)
        self._trainer: Trainer | None = None
        self._watch: EvaluationWatch | None = None
        self._is_introduced = False
        self._dataset: str | None = None  # prefix of the Trainer's metrics for the dataset that is measured

    @property
    def _report_file(self) -> str:
        """Name of the file in a checkpoint's folder: callbacks of two prefixes do not share one."""
        stem, suffix = REPORT_FILE.split(".")
        return REPORT_FILE if self.prefix == DEFAULT_PREFIX else f"{stem}-{logged_name(self.prefix)}.{suffix}"

    def set_trainer(self, trainer: Trainer) -> None:
        """Also log through ``trainer.log``, which reaches every logger that the Trainer reports to."""
        self._trainer = trainer

    def close(self) -> None:
        """Remove all hooks."""
        if self._watch is not None:
            self._watch.close()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **kwargs: Any
    ) -> None:
        """Check the configuration now, and continue the history of a resumed run."""
        devices = max(args.world_size, args.n_gpu)
        if devices > 1:
            raise UsageValueError(
                f"MemorizationTrainerCallback: one process and one device are required, got {devices}; "
                "train on one device, or measure afterwards with lightning_infomem.measure."
            )
        if self.layers != "auto":
            select_layers(model, self.layers)  # raises if one matches nothing
        if args.eval_strategy == "no":
            warnings.warn(
                'MemorizationTrainerCallback: evaluations are required, got eval_strategy="no": nothing will be '
                'measured; set it to "epoch" or "steps".',
                stacklevel=2,
            )
        self._start_run()
        self._dataset = None
        if state.global_step > 0:
            self._resume(args, state)
        self._run_file = RunFile(_output_folder(args), who="MemorizationTrainerCallback")
        self.close()
        self._watch = EvaluationWatch(model, self.layers, self.settings)
        self._watch.open()
        self._is_introduced = False

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        """Add the hooks, since an evaluation may follow and nothing announces it."""
        if self._watch is not None:
            self._watch.open()

    def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
        """Remove the hooks for the training step."""
        self.close()

    def on_prediction_step(self, *args: Any, **kwargs: Any) -> None:
        """Keep the last forward pass as a step of the evaluation."""
        if self._watch is not None:
            self._watch.confirm()

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        model: Any = None,
        **kwargs: Any,
    ) -> None:
        """Measure, and add to the metrics before the Trainer picks the best model by them."""
        if self._watch is None or metrics is None:
            return
        fault, tap, dataset = self._watch.fault, self._watch.take(), _dataset_of(metrics)
        self._dataset = self._dataset or dataset
        if dataset != self._dataset:
            return
        self._age += 1
        values = self._measure(fault or tap, state, model)
        if values:
            shown = self._shown(values)
            names = {name: MetricName.of(name, self.prefix) for name in shown}
            over_layers = [name for name, parts in names.items() if parts is None or parts.layer is None]
            metrics |= {f"{dataset}_{name}": shown[name] for name in over_layers}
            self._log({f"{dataset}_{name}": value for name, value in shown.items()}, state)

    def on_predict(self, *args: Any, **kwargs: Any) -> None:
        """Forget what was caught: predictions are no evaluation."""
        if self._watch is not None:
            self._watch.take()

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Save the last report and the course of the run in the folder of the checkpoint."""
        folder = _checkpoint_folder(args, state)
        if self.report is None or not state.is_world_process_zero:
            return
        try:
            torch.save(self.state_dict(), folder / self._report_file)
        except (OSError, RuntimeError) as fault:
            self._fail(f"the checkpoint in '{folder}' carries no report", fault)

    def on_train_end(self, *args: Any, **kwargs: Any) -> None:
        """Remove the hooks."""
        self.close()
        self._watch = None

    def on_log(self, *args: Any, logs: Mapping[str, float] | None = None, **kwargs: Any) -> None:
        """Draw the last measurement when the Trainer logs the time of the training, which is the last that it logs."""
        if logs is not None and "train_runtime" in logs:
            self._log_last_figures(self._loggers())  # when training ends, TensorBoard's writer is closed already

    def _measure(self, tap: ActivationTap | Exception | None, state: TrainerState, model: Any) -> dict[str, float]:
        """Return the values to log: new ones, or the last ones if the measurement fails."""
        step = state.global_step
        try:
            if isinstance(tap, Exception):
                raise tap
            if tap is None:
                raise UsageValueError("the evaluation did not call the model")
            caught, weights = bring_together(tap, Ranks()), weights_digest(model)
            self._introduce(tap.network)
            before = int(self._course.history[-1]["step"]) if self._course.history else 0
            known: dict[str, Any] = {"weights": weights, "loader": 0}
            known["training_loss"] = logged_training_loss(state.log_history, before)
            report = measure_caught(caught, self.settings, epoch=int(state.epoch), step=step, **known)
            self._report_skipped(report)
            values = self._course.add(report, epoch=state.epoch, step=step)
        except Exception as fault:  # whatever it is, memory included, it is not worth the user's run
            self._fail("nothing was measured at this evaluation", fault)
            return self._course.unmeasured(self.layer_names)
        self.report, self._age = report, 0
        self._report_alarm()
        values[metric_name(self.prefix, Metric.DRAWING_SECONDS)] = self._log_pictures(self._loggers(), step, values)
        self._run_file.append(self._course.last_measurement())
        return values

    def _introduce(self, network: NetworkPlan) -> None:
        """Say once how the model was read, and explain the measures to the loggers."""
        if not self._is_introduced:
            self._is_introduced, self.layer_names = True, list(network.layers)
            _log.info("MemorizationTrainerCallback %s.", network.in_one_line())
            introduce(self._loggers(), [Watched(self.prefix, list(network.layers), self.settings.to_state())])

    def _log(self, values: Mapping[str, float], state: TrainerState) -> None:
        if self._trainer is not None:
            self._trainer.log(dict(values))  # which also makes the entry below
        else:
            state.log_history.append({**values, "epoch": state.epoch, "step": state.global_step})

    def _loggers(self) -> list[TensorBoardLogger]:
        """Return the TensorBoard writers of the Trainer's callbacks, which it sets up before ours begins."""
        callbacks = [] if self._trainer is None else self._trainer.callback_handler.callbacks
        return [TensorBoardLogger(callback.tb_writer) for callback in callbacks if getattr(callback, "tb_writer", None)]

    def _fail(self, what: str, fault: Exception) -> None:
        if self.on_error == "raise":
            self.close()
            raise fault
        warnings.warn(f"MemorizationTrainerCallback: {what}: {fault}", stacklevel=3)

    def _resume(self, args: TrainingArguments, state: TrainerState) -> None:
        """Continue the history in the checkpoint; a callback has to guess from which one training resumes."""
        folders = [_checkpoint_folder(args, state), args.resume_from_checkpoint]
        paths = [Path(folder, self._report_file) for folder in folders if folder]
        path = next((path for path in paths if path.exists()), None)
        if path is None:
            warnings.warn(
                f"MemorizationTrainerCallback: {self._report_file} of step {state.global_step} is required to continue "
                f"the history of the run, got none in '{folders[0]}': it starts anew; if the checkpoint lies "
                "elsewhere, also give its folder to TrainingArguments(resume_from_checkpoint=...).",
                stacklevel=2,
            )
            return
        try:
            self._from_state(torch.load(path, weights_only=True))
        except Exception as fault:  # the unpickler raises anything on bytes that are no pickle
            self._fail(f"the history in '{path}' cannot be read, it starts anew", fault)


class TensorBoardLogger:
    """The Trainer's writer, as a logger that `log_pictures` knows by the name of its class."""

    def __init__(self, writer: Any) -> None:
        self.experiment = writer


def _dataset_of(metrics: Mapping[str, float]) -> str:
    """Return the prefix of the metrics: "eval", or "eval_NAME" with several datasets. A runtime is always there."""
    runtimes = [name for name in metrics if name.endswith("_runtime")]
    return min(runtimes, key=len, default="eval_runtime").removesuffix("_runtime")


def _checkpoint_folder(args: TrainingArguments, state: TrainerState) -> Path:
    return _output_folder(args) / f"checkpoint-{state.global_step}"


def _output_folder(args: TrainingArguments) -> Path:
    return Path(args.output_dir or ".")
