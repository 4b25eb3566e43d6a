"""Measure, in bits, how much a model knows about its data: the less it knows, the longer the code of the labels."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from lightning_infomem.model_information.codelength_monitor import CodelengthMonitor

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


def __getattr__(name: str) -> Any:
    """Import the callback when it is asked for: Lightning takes seconds, which the figures do not need."""
    if name == "CodelengthMonitor":
        return import_module(f"{__name__}.codelength_monitor").CodelengthMonitor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
