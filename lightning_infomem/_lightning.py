"""The only file that names Lightning's two packages, which hold different classes of the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytorch_lightning

__all__ = [
    "Callback",
    "LightningModule",
    "MisconfigurationException",
    "ModelCheckpoint",
    "TensorBoardLogger",
    "Trainer",
    "isolate_rng",
    "lightning_module_for",
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
