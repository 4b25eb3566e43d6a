"""Measure, in bits, how much a model knows about its data: the less it knows, the longer the code of the labels."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lightning_infomem.model_information.codelength_monitor import CodelengthMonitor
    from lightning_infomem.model_information.codelength_report import CodelengthReport
    from lightning_infomem.model_information.codelength_settings import CodelengthSettings
    from lightning_infomem.model_information.domain_similarity import DomainSimilarity, domain_similarity
    from lightning_infomem.model_information.information_ablation import InformationAblation, information_ablation
    from lightning_infomem.model_information.information_capacity import InformationCapacity, information_capacity
    from lightning_infomem.model_information.information_transfer import InformationTransfer, information_transfer
    from lightning_infomem.model_information.noise import massart_labels, missing_objects, missing_pixels
    from lightning_infomem.model_information.online_code import (
        SCHEDULES,
        OnlineCode,
        block_sizes,
        online_code,
        uniform_code_length,
    )
    from lightning_infomem.model_information.prequential import model_information, prequential_codelength
    from lightning_infomem.model_information.probing import MDLProbe
    from lightning_infomem.model_information.synced_distillation import SyncedDistillation, synced_distillation
    from lightning_infomem.model_information.task_difficulty import TaskDifficulty, TaskRun, task_difficulty

__all__ = [
    "SCHEDULES",
    "CodelengthMonitor",
    "CodelengthReport",
    "CodelengthSettings",
    "DomainSimilarity",
    "InformationAblation",
    "InformationCapacity",
    "InformationTransfer",
    "MDLProbe",
    "OnlineCode",
    "SyncedDistillation",
    "TaskDifficulty",
    "TaskRun",
    "block_sizes",
    "domain_similarity",
    "information_ablation",
    "information_capacity",
    "information_transfer",
    "massart_labels",
    "missing_objects",
    "missing_pixels",
    "model_information",
    "online_code",
    "prequential_codelength",
    "synced_distillation",
    "task_difficulty",
    "uniform_code_length",
]

# Imported on first use: `infomem --help` imports this package, and importing torch and Lightning takes ten seconds.
_HOMES = {
    "SCHEDULES": "online_code",
    "CodelengthMonitor": "codelength_monitor",
    "CodelengthReport": "codelength_report",
    "CodelengthSettings": "codelength_settings",
    "DomainSimilarity": "domain_similarity",
    "InformationAblation": "information_ablation",
    "InformationCapacity": "information_capacity",
    "InformationTransfer": "information_transfer",
    "MDLProbe": "probing",
    "OnlineCode": "online_code",
    "SyncedDistillation": "synced_distillation",
    "TaskDifficulty": "task_difficulty",
    "TaskRun": "task_difficulty",
    "block_sizes": "online_code",
    "domain_similarity": "domain_similarity",
    "information_ablation": "information_ablation",
    "information_capacity": "information_capacity",
    "information_transfer": "information_transfer",
    "massart_labels": "noise",
    "missing_objects": "noise",
    "missing_pixels": "noise",
    "model_information": "prequential",
    "online_code": "online_code",
    "prequential_codelength": "prequential",
    "synced_distillation": "synced_distillation",
    "task_difficulty": "task_difficulty",
    "uniform_code_length": "online_code",
}


class _Package(ModuleType):
    """Ignores the submodules that the import system assigns here, since they would hide the functions they define."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found
