"""The only file that names Lightning's two packages, which hold different classes of the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytorch_lightning

__all__ = [
    "Callback",
    "LightningModule",
    "MisconfigurationException",
    "ModelCheckpoint",
    "TensorBoardLogger",
    "Trainer",
    "hyperparameters_to_come",
    "isolate_rng",
    "lightning_module_for",
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


def lightning_module_for(trainer: object) -> type[LightningModule]:
    """The LightningModule that a Trainer accepts: that of its own package."""
    if any(kind.__module__.startswith("lightning.") for kind in type(trainer).__mro__):
        from lightning.pytorch import LightningModule as UnifiedModule

        return UnifiedModule  # type: ignore[return-value]
    return LightningModule


def hyperparameters_to_come(trainer: Trainer, logger: Any) -> dict[str, Any] | None:
    """What Lightning is about to write of a run's hyperparameters into TensorBoard, flat, as it writes them.

    Args:
        trainer: before its ``on_fit_start`` has ended.
        logger: a TensorBoardLogger.

    Returns:
        None where it will write nothing: no module or data module saved any, or ``default_hp_metric=False``.
    """
    from lightning_fabric.utilities.logger import _convert_params, _flatten_dict

    candidates: list[Any] = [trainer.lightning_module, getattr(trainer, "datamodule", None)]
    sources = [source for source in candidates if source is not None and source._log_hyperparams]
    if not sources or not logger._default_hp_metric or not getattr(trainer, "enable_autolog_hparams", True):
        return None
    merged = {name: value for source in sources for name, value in source.hparams_initial.items()}
    merged.pop("_class_path", None)  # of LightningCLI, which Lightning keeps to itself, too
    flat: dict[str, Any] = logger._sanitize_params(_flatten_dict(_convert_params(merged)))
    return flat


def scalar_step(trainer: Trainer) -> int:
    """Where on the x-axis Lightning puts the scalars of this moment."""
    step = getattr(trainer.fit_loop.epoch_loop, "_batches_that_stepped", None)
    return trainer.global_step if step is None else int(step)
