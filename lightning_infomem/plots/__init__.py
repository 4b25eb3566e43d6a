"""Reports as matplotlib figures: one figure a file, drawn without pyplot and without touching any global state."""

from lightning_infomem.plots.codelengths import plot_codelengths
from lightning_infomem.plots.comparison import plot_comparison
from lightning_infomem.plots.course import plot_course
from lightning_infomem.plots.criteria import plot_criteria
from lightning_infomem.plots.domain_similarity import plot_domain_similarity
from lightning_infomem.plots.embedding import embed_figure
from lightning_infomem.plots.epochs_map import plot_epochs_map
from lightning_infomem.plots.estimators import plot_estimators
from lightning_infomem.plots.information_ablation import plot_information_ablation
from lightning_infomem.plots.information_capacity import plot_information_capacity
from lightning_infomem.plots.information_map import plot_information_map
from lightning_infomem.plots.information_plane import plot_information_plane
from lightning_infomem.plots.layers import plot_layers
from lightning_infomem.plots.plane import plot_plane
from lightning_infomem.plots.ranking import plot_ranking
from lightning_infomem.plots.run import plot_run
from lightning_infomem.plots.runs import plot_runs
from lightning_infomem.plots.saving import save_figure
from lightning_infomem.plots.synced_distillation import plot_synced_distillation
from lightning_infomem.plots.task_difficulty import plot_task_difficulty
from lightning_infomem.plots.zoo import plot_zoo

__all__ = [
    "embed_figure",
    "plot_codelengths",
    "plot_comparison",
    "plot_course",
    "plot_criteria",
    "plot_domain_similarity",
    "plot_epochs_map",
    "plot_estimators",
    "plot_information_ablation",
    "plot_information_capacity",
    "plot_information_map",
    "plot_information_plane",
    "plot_layers",
    "plot_plane",
    "plot_ranking",
    "plot_run",
    "plot_runs",
    "plot_synced_distillation",
    "plot_task_difficulty",
    "plot_zoo",
    "save_figure",
]
