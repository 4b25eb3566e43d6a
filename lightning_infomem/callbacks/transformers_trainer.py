"""Measures memorization at every evaluation of the Trainer of Hugging Face transformers."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from lightning_infomem._checks import check_choice
from lightning_infomem.callbacks.evaluation_watch import EvaluationWatch
from lightning_infomem.checkpoints.huggingface_folder import REPORT_FILE
from lightning_infomem.measurement import measure_caught
from lightning_infomem.records.judgement import Judgement
from lightning_infomem.records.metric_names import DEFAULT_PREFIX, Metric, metric_name
from lightning_infomem.records.report import COURSE_KEY, REPORT_KEY, InformationReport
from lightning_infomem.reporting.pictures import picture
from lightning_infomem.reporting.run_figures import run_figures
from lightning_infomem.reporting.tensorboard_setup import Watched, introduce_to_tensorboard
from lightning_infomem.reporting.to_tensorboard import to_tensorboard
from lightning_infomem.runs.course import RunCourse, tell_skipped
from lightning_infomem.runs.run_file import RunFile
from lightning_infomem.sampling.layers import select_layers
from lightning_infomem.sampling.ranks import Ranks, bring_together
from lightning_infomem.sampling.taps import ActivationTap
from lightning_infomem.settings import MeasurementSettings

try:
    from transformers.trainer_callback import TrainerCallback, TrainerControl, TrainerState
except ModuleNotFoundError as fault:
    raise ModuleNotFoundError(
        "MemorizationTrainerCallback: the packages transformers and accelerate are required, one of them is not "
        "installed; pip install 'lightning-infomem[transformers]'."
    ) from fault

if TYPE_CHECKING:
    from transformers import Trainer, TrainingArguments

__all__ = ["MemorizationTrainerCallback"]

_log = logging.getLogger(__name__)


class MemorizationTrainerCallback(TrainerCallback):
    """`MemorizationMonitor` for ``transformers.Trainer``: the same measures of the same rows, without labels.

    The ordinary evaluation loop is watched by forward hooks, with no forward pass of its own. Hooks are on the model
    only between training steps, so that no training forward meets one, and training is bitwise the same with and
    without the callback. The last forward pass before the end of an evaluation step counts; those that generate
    tokens from a cache do not. An attention mask among the model's arguments is respected by pooling.

    Where the values go, with the names of `MemorizationMonitor`:

    - The ``metrics`` of the evaluation get those over all layers, as ``eval_infomem/mi_mean`` and so on:
      ``metric_for_best_model="infomem/mi_mean"`` works, and so does an EarlyStoppingCallback that comes after this
      callback in the list. Those of single layers would fill the tables of notebooks and model cards.
    - An entry of their own in ``state.log_history`` gets all values, and with it ``trainer_state.json``.
    - The Trainer's loggers get all values, and TensorBoard histograms and the figures, after `set_trainer`:
      a callback alone cannot reach them.
    - Each measurement is one JSON line in ``infomem.jsonl`` in ``args.output_dir``, beside the checkpoints;
      ``infomem watch`` and ``infomem report`` read it.
    - Each checkpoint folder gets the last report and the same history in ``infomem_report.pt``, which loads with
      ``weights_only=True``.

    Only evaluations during ``trainer.train`` are measured: of ``trainer.evaluate`` alone a callback learns too late.
    Use `measure` there. Of several evaluation datasets the first is measured. One process and one device are required.
    After an exception outside the model, of which transformers tells no callback, `close` removes the hooks, and so
    does the next training.

    Args:
        layers: "auto", or names, patterns or module types; see `sampling.layers.select_layers`.
        max_samples: rows kept of an evaluation.
        max_units: units kept of each layer.
        pooling: positions to one row: "mean", "max", "flatten", "center", "cls", "last"; see `MeasurementSettings`.
        seed: of the private generators that draw rows and units.
        bins: of the entropy.
        value_range: of the bins: "network", "layer", "unit" or (low, high).
        neighbors: k of the mutual information.
        backend: of the neighbour search: "auto", "reference", "cpu", "cuda".
        device: where to measure: "auto" (where the activations are), or a torch device.
        preset: "paper" or "released_code", for the paper's measures instead; see `settings.PRESETS`.
        prefix: first part of every name.
        on_error: what a failed measurement does: "warn" lets the training go on, "raise" stops it.

    Raises:
        ValueError: when training begins, for layers that the model has not, or more than one process or device.
        TypeError: when training begins, for layers that are neither names, patterns nor module types.

    >>> monitor = MemorizationTrainerCallback(max_samples=512, pooling="cls")
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
        self.prefix = prefix
        self.on_error = check_choice(on_error, name="on_error", choices=("warn", "raise"))
        self.report: InformationReport | None = None
        self._trainer: Trainer | None = None
        self._watch: EvaluationWatch | None = None
        self._course = RunCourse(prefix)
        self._run_file = RunFile(None, who="MemorizationTrainerCallback")
        self._age = -1  # evaluations since the last measurement
        self._dataset: str | None = None  # what the Trainer puts before the metrics of the dataset that is measured
        self._told: set[str] = set()  # layers whose omission was said

    @property
    def history(self) -> list[dict[str, float]]:
        """The values of every measurement of this run, with ``epoch`` and ``step``, oldest first."""
        return [dict(values) for values in self._course.history]

    @property
    def judgement(self) -> Judgement | None:
        """Whether this run has begun to memorize, at its last measurement; None before there is one."""
        return self._course.judgement

    def set_trainer(self, trainer: Trainer) -> None:
        """Also log by ``trainer.log``, which reaches every logger that the Trainer reports to."""
        self._trainer = trainer

    def close(self) -> None:
        """Take all hooks off."""
        if self._watch is not None:
            self._watch.close()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **kwargs: Any
    ) -> None:
        """Raise every mistake of configuration now, and continue the history of a resumed run."""
        devices = max(args.world_size, args.n_gpu)
        if devices > 1:
            raise ValueError(
                f"MemorizationTrainerCallback: one process and one device are required, got {devices}; "
                "train on one device, or measure afterwards with lightning_infomem.measure."
            )
        layers = select_layers(model, self.layers)
        _log.info("MemorizationTrainerCallback measures the layers %s.", ", ".join(layers))
        if args.eval_strategy == "no":
            warnings.warn(
                'MemorizationTrainerCallback: evaluations are required, got eval_strategy="no": nothing will be '
                'measured; set it to "epoch" or "steps".',
                stacklevel=2,
            )
        self.report, self._course, self._age, self._dataset = None, RunCourse(self.prefix), -1, None
        if state.global_step > 0:
            self._resume(args, state)
        self._run_file = RunFile(_output_folder(args), who="MemorizationTrainerCallback")
        self.close()
        self._watch = EvaluationWatch(model, layers, self.settings)
        self._watch.open()
        self._introduce(list(layers))

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """An evaluation may follow: nothing announces it."""
        if self._watch is not None:
            self._watch.open()

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """No hook in training."""
        self.close()

    def on_prediction_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The forward pass before this was one of the evaluation loop."""
        if self._watch is not None:
            self._watch.confirm()

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Measure: the Trainer looks at the metrics for the best model only after this."""
        if self._watch is None or metrics is None:
            return
        tap, dataset = self._watch.take(), _dataset_of(metrics)
        self._dataset = self._dataset or dataset
        if dataset != self._dataset:
            return
        self._age += 1
        values = self._measure(tap, state)
        if values:
            shown = {name: value for name, value in values.items() if name not in ("epoch", "step")}
            shown = {f"{dataset}_{name}": value for name, value in (shown | {self._age_name: float(self._age)}).items()}
            metrics |= {name: value for name, value in shown.items() if name.count("/") == 1}
            self._log(shown, state)

    def on_predict(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, metrics: Any, **kwargs: Any
    ) -> None:
        """Predictions are no evaluation."""
        if self._watch is not None:
            self._watch.take()

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Lay the last report and the course of the run into the folder of the checkpoint."""
        folder = _checkpoint_folder(args, state)
        if self.report is None or not state.is_world_process_zero:
            return
        try:
            saved = {REPORT_KEY: self.report.to_state(), COURSE_KEY: self._course.to_state(), "age": self._age}
            torch.save(saved, folder / REPORT_FILE)
        except (OSError, RuntimeError) as fault:
            self._fail(f"the checkpoint in '{folder}' carries no report", fault)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Leave no hook behind."""
        self.close()
        self._watch = None

    @property
    def _age_name(self) -> str:
        return metric_name(self.prefix, Metric.AGE)

    def _measure(self, tap: ActivationTap | None, state: TrainerState) -> dict[str, float]:
        """The values to log: measured now, or, failing that, the last ones."""
        try:
            if tap is None:
                raise ValueError("the evaluation did not call the model")
            caught = bring_together(tap, Ranks())
            report = measure_caught(caught, self.settings, epoch=int(state.epoch), step=state.global_step)
            tell_skipped(report, self._told, who="MemorizationTrainerCallback", strictly=self.on_error == "raise")
            values = self._course.add(report, epoch=state.epoch, step=state.global_step)
        except Exception as fault:  # whatever it is, memory included, it is not worth the user's run
            self._fail("nothing was measured at this evaluation", fault)
            return self._course.last
        self.report, self._age = report, 0
        message = self._course.warning()
        if message is not None:
            _log.warning("MemorizationTrainerCallback: %s", message)
        start = time.perf_counter()
        self._log_pictures(report, values, state.global_step)
        values[metric_name(self.prefix, Metric.DRAWING_SECONDS)] = time.perf_counter() - start
        self._run_file.append(self._course.last_measurement())
        return values

    def _log(self, values: Mapping[str, float], state: TrainerState) -> None:
        if self._trainer is not None:
            self._trainer.log(dict(values))  # which also makes the entry below
        else:
            state.log_history.append({**values, "epoch": state.epoch, "step": state.global_step})

    def _tensorboards(self) -> list[_TensorBoard]:
        callbacks = [] if self._trainer is None else self._trainer.callback_handler.callbacks
        return [_TensorBoard(callback.tb_writer) for callback in callbacks if getattr(callback, "tb_writer", None)]

    def _introduce(self, layers: list[str]) -> None:
        """The Trainer's own callbacks come first, so that its writer is there."""
        watched = Watched(self.prefix, layers, self.settings.to_state())
        try:
            for logger in self._tensorboards():
                introduce_to_tensorboard(logger, [watched], None)
        except Exception as fault:  # a closed writer is not worth a training run
            _log.warning("TensorBoard did not take the introduction to %s: %s", self.prefix, fault)

    def _log_pictures(self, report: InformationReport, values: Mapping[str, float], step: int) -> None:
        loggers = self._tensorboards()
        if not loggers:
            return
        try:
            pictures = picture(report, run_figures(self._course, report), values, step=step, prefix=self.prefix)
            for logger in loggers:
                to_tensorboard(logger, pictures)
        except Exception as fault:  # a full disk or a closed writer is not worth a training run
            _log.warning("TensorBoard did not take the histograms and figures of %s: %s", self.prefix, fault)

    def _fail(self, what: str, fault: Exception) -> None:
        if self.on_error == "raise":
            self.close()
            raise fault
        warnings.warn(f"MemorizationTrainerCallback: {what}: {fault}", stacklevel=3)

    def _resume(self, args: TrainingArguments, state: TrainerState) -> None:
        """Take up what the checkpoint carries. A callback is not told from which one training resumes."""
        folders = [args.resume_from_checkpoint, _checkpoint_folder(args, state)]
        path = next((path for folder in folders if folder and (path := Path(folder, REPORT_FILE)).exists()), None)
        if path is None:
            warnings.warn(
                f"MemorizationTrainerCallback: {REPORT_FILE} of step {state.global_step} is required to continue the "
                f"history of the run, got none in '{folders[-1]}': it starts anew; if the checkpoint lies elsewhere, "
                "also give its folder to TrainingArguments(resume_from_checkpoint=...).",
                stacklevel=2,
            )
            return
        try:
            saved = torch.load(path, weights_only=True)
            report, age = InformationReport.from_state(saved[REPORT_KEY]), int(saved["age"])
            self._course = RunCourse.from_state(saved[COURSE_KEY])
        except Exception as fault:  # bytes that are no pickle make the unpickler stumble over anything
            self._fail(f"the history in '{path}' cannot be read, it starts anew", fault)
            return
        self.report, self._age = report, age


class _TensorBoard:
    """The Trainer's writer as `to_tensorboard` wants it."""

    def __init__(self, writer: Any) -> None:
        self.experiment = writer


def _dataset_of(metrics: Mapping[str, float]) -> str:
    """What stands before every name, "eval" or of several datasets "eval_NAME"; the Trainer always adds a runtime."""
    runtimes = [name for name in metrics if name.endswith("_runtime")]
    return min(runtimes, key=len, default="eval_runtime").removesuffix("_runtime")


def _checkpoint_folder(args: TrainingArguments, state: TrainerState) -> Path:
    return _output_folder(args) / f"checkpoint-{state.global_step}"


def _output_folder(args: TrainingArguments) -> Path:
    return Path(args.output_dir or ".")
