"""Figures of code lengths."""

from lightning_infomem.model_information.plots.plot_codelengths import plot_codelengths
from lightning_infomem.model_information.plots.plot_domain_similarity import plot_domain_similarity
from lightning_infomem.model_information.plots.plot_information_ablation import plot_information_ablation
from lightning_infomem.model_information.plots.plot_information_capacity import plot_information_capacity
from lightning_infomem.model_information.plots.plot_synced_distillation import plot_synced_distillation
from lightning_infomem.model_information.plots.plot_task_difficulty import plot_task_difficulty

__all__ = [
    "plot_codelengths",
    "plot_domain_similarity",
    "plot_information_ablation",
    "plot_information_capacity",
    "plot_synced_distillation",
    "plot_task_difficulty",
]
