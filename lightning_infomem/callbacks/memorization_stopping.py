"""Stops a training when it begins to memorize."""

from __future__ import annotations

import logging
import warnings
from typing import Any

from lightning_infomem._lightning import Callback, LightningModule, MisconfigurationException, Trainer
from lightning_infomem.callbacks.memorization_monitor import MemorizationMonitor, monitors_of

__all__ = ["MemorizationStopping"]

_log = logging.getLogger(__name__)


class MemorizationStopping(Callback):
    """Stops the training when the Trainer's `MemorizationMonitor` finds that the network memorizes single examples.

    It decides at the end of every validation of ``trainer.fit``, and never stops while the monitor abstains, as it does
    when validation inputs change. The checkpoint to keep is then an earlier one: let ``ModelCheckpoint`` keep them
    all, and ``judge_run(folder)`` finds it. ``min_epochs`` and ``min_steps`` of the Trainer are respected.

    Do not use it if the last epochs may still repair the network, as at the end of a schedule that lowers the learning
    rate: it does not wait for them.

    Args:
        prefix: Prefix of the monitor, if the Trainer has several.

    Attributes:
        stopped_epoch: Epoch in which it stopped the training; 0 if it did not, as in ``EarlyStopping``.

    Raises:
        MisconfigurationException: In ``setup``, if the Trainer has no such monitor, or several and no ``prefix`` to
            select one.

    >>> callbacks = [MemorizationMonitor(), MemorizationStopping()]
    """

    def __init__(self, prefix: str | None = None) -> None:
        super().__init__()
        self.prefix = prefix
        self.stopped_epoch = 0
        self._stage = "fit"

    @property
    def state_key(self) -> str:
        """One key per monitor."""
        return f"{type(self).__qualname__}[{self.prefix}]"

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Check the configuration, and warn if the checkpoint to keep may be deleted."""
        self._stage = stage
        if stage != "fit":
            return
        self._monitor(trainer)
        if trainer.global_step == 0:  # a new run; a resumed one loads its state after this hook
            self.stopped_epoch = 0
        kept = [getattr(callback, "save_top_k", -1) for callback in trainer.checkpoint_callbacks]
        is_real = not trainer.fast_dev_run  # type: ignore[attr-defined]  # which saves nothing
        if is_real and kept and -1 not in kept and trainer.is_global_zero:
            warnings.warn(
                f"MemorizationStopping: a ModelCheckpoint that keeps all checkpoints is required to go back to the "
                f"one before memorization, this Trainer's has save_top_k={max(kept)}: that one may be gone; use "
                "ModelCheckpoint(save_top_k=-1).",
                stacklevel=2,
            )

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop the training; this hook comes after the monitor's measurement and before ModelCheckpoint."""
        # A decision to stop stays, even while min_epochs lets the training go on.
        if trainer.state.fn != "fit" or trainer.sanity_checking or trainer.should_stop:
            return
        monitor = self._monitor(trainer)
        judgement = monitor.judgement
        is_memorizing = judgement is not None and judgement.is_memorizing
        if not trainer.strategy.reduce_boolean_decision(is_memorizing, all=False):  # all processes, or none
            return
        trainer.should_stop = True
        self.stopped_epoch = trainer.current_epoch
        if trainer.is_global_zero and judgement is not None:
            # Counted from the end, because the history may begin before the moments that are judged.
            kept = monitor.history[judgement.kept - len(judgement.agreement)]
            _log.warning(
                "MemorizationStopping: stops the training in epoch %d, at step %d; the checkpoint of epoch %d, step "
                "%d, is the one to keep, judge_run(folder) finds it.",
                trainer.current_epoch,
                trainer.global_step,
                kept["epoch"],
                kept["step"],
            )

    def state_dict(self) -> dict[str, Any]:
        """Return the epoch in which it stopped."""
        return {"stopped_epoch": self.stopped_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the epoch of a resumed run; validating a checkpoint leaves the current one alone."""
        if self._stage == "fit":
            self.stopped_epoch = state_dict["stopped_epoch"]

    def _monitor(self, trainer: Trainer) -> MemorizationMonitor:
        monitors = monitors_of(trainer)
        chosen = [monitor for monitor in monitors if self.prefix in (None, monitor.prefix)]
        if len(chosen) == 1:
            return chosen[0]
        wanted = "one MemorizationMonitor" if self.prefix is None else f"one of prefix {self.prefix!r}"
        prefixes = ", ".join(repr(monitor.prefix) for monitor in monitors)
        came = f"those of the prefixes {prefixes}" if monitors else "none"
        remedy = "say which by prefix=" if monitors else "add one to its callbacks"
        raise MisconfigurationException(
            f"MemorizationStopping: {wanted} is required in the same Trainer, got {came}; {remedy}."
        )
