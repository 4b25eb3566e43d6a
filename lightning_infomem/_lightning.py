"""The only file that names Lightning's two packages, which hold different classes of the same name."""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytorch_lightning

from lightning_infomem._checks import describe
from lightning_infomem._errors import UsageTypeError

__all__ = [
    "Callback",
    "LightningModule",
    "MisconfigurationException",
    "ModelCheckpoint",
    "TensorBoardLogger",
    "Trainer",
    "check_trainer",
    "is_compiled_module",
    "is_lightning_module",
    "isolate_rng",
    "keyboard_interrupts",
    "lightning_module_for",
    "quiet_lightning",
    "quiet_trainer",
    "say",
    "scalar_step",
]

if TYPE_CHECKING:
    from pytorch_lightning import Callback, LightningModule, Trainer
    from pytorch_lightning.callbacks import ModelCheckpoint
    from pytorch_lightning.loggers import TensorBoardLogger
    from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]
    from pytorch_lightning.utilities.seed import isolate_rng
else:
    from pytorch_lightning import LightningModule, Trainer
    from pytorch_lightning.callbacks import ModelCheckpoint
    from pytorch_lightning.loggers import TensorBoardLogger
    from pytorch_lightning.utilities.exceptions import MisconfigurationException
    from pytorch_lightning.utilities.seed import isolate_rng

    try:
        from lightning.pytorch import Callback as _UnifiedCallback
        from lightning.pytorch.utilities.exceptions import MisconfigurationException as _UnifiedMisconfiguration
    except ModuleNotFoundError:
        Callback = pytorch_lightning.Callback
    else:

        class Callback(pytorch_lightning.Callback, _UnifiedCallback):
            """A callback for the Trainer, `isinstance` checks and command line of either package."""

        class MisconfigurationException(MisconfigurationException, _UnifiedMisconfiguration):
            """Caught by the name that either package gives it."""


def say(message: str) -> None:
    """Show a message as Lightning shows its own: on the first rank, visible without any set-up of logging."""
    from pytorch_lightning.utilities import rank_zero_info

    rank_zero_info(message)


def check_trainer(trainer: Any) -> None:
    """Require a Trainer whose processes can return results.

    Raises:
        TypeError: It is no Trainer.
        MisconfigurationException: Its strategy starts processes that end with their task.
    """
    if isinstance(trainer, type) or not all(hasattr(trainer, name) for name in ("validate", "strategy", "callbacks")):
        raise UsageTypeError(f"trainer: Lightning's Trainer is required, got {describe(trainer)}; give Trainer(...).")
    launcher = type(getattr(trainer.strategy, "launcher", None))
    if any("MultiProcessing" in kind.__name__ for kind in launcher.__mro__):
        raise MisconfigurationException(
            "trainer: a strategy whose processes outlive their task is required, got "
            f"{type(trainer.strategy).__name__} with spawned or forked processes that end with their task and lose "
            "what they find; give strategy='ddp', or devices=1."
        )


def lightning_module_for(trainer: object) -> type[LightningModule]:
    """Return the LightningModule class that a Trainer accepts: that of its package."""
    if _is_unified(trainer):
        from lightning.pytorch import LightningModule as UnifiedModule

        return UnifiedModule  # type: ignore[return-value]
    return LightningModule


def _is_unified(value: object) -> bool:
    """Whether a Trainer or module comes from ``lightning``, not from ``pytorch_lightning``."""
    return any(kind.__module__.startswith("lightning.") for kind in type(value).__mro__)


def is_lightning_module(module: object) -> bool:
    """Whether a module is a LightningModule of either package."""
    # By name, to import no package for it.
    return any(kind.__name__ == "LightningModule" for kind in type(module).__mro__)


def quiet_trainer(model: object, **settings: Any) -> Trainer:
    """Make a Trainer of the package that a module belongs to, which shows and writes nothing.

    Args:
        model: LightningModule of either package; for any other module the Trainer is pytorch_lightning's.
        **settings: Arguments of the Trainer, such as ``max_epochs``.
    """
    kind = Trainer
    if _is_unified(model):
        from lightning.pytorch import Trainer as UnifiedTrainer

        kind = UnifiedTrainer  # type: ignore[assignment]
    silent = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    with quiet_lightning():
        return kind(**(silent | settings))


@contextmanager
def keyboard_interrupts() -> Iterator[None]:
    """Let Ctrl-C in a Trainer raise KeyboardInterrupt, and keep working after that.

    Newer Trainers exit the process instead, and ignore the signal from then on.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as stop:
        if not isinstance(stop.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from None


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Silence Lightning's messages about devices, workers and other products."""
    # If both packages are installed, the one imported last logs for both.
    logs = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning.pytorch", "lightning.fabric")]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*does not have many workers.*")
            warnings.filterwarnings("ignore", ".*is smaller than the logging interval.*")
            warnings.filterwarnings("ignore", ".*but have no `val_dataloader`.*")
            warnings.filterwarnings("ignore", ".*Checkpoint directory .* exists and is not empty.*")
            warnings.filterwarnings("ignore", ".*LeafSpec.*is deprecated.*")
            yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)


def is_compiled_module(model: object) -> bool:
    """Whether a LightningModule was compiled as a whole before it was given to a Trainer."""
    # The Trainer unwraps it, and there is no other trace.
    return getattr(model, "_compiler_ctx", None) is not None


def scalar_step(trainer: Trainer) -> int:
    """Return where on the x-axis Lightning puts scalars now."""
    # Not `global_step`, which counts the steps of every optimizer; the counter of the x-axis has no public name.
    step = getattr(trainer.fit_loop.epoch_loop, "_batches_that_stepped", None)
    return trainer.global_step if step is None else int(step)
