"""Reports as matplotlib figures, one figure per file, drawn without pyplot or any other global state."""

from lightning_infomem.plots.comparison import plot_comparison
from lightning_infomem.plots.criteria import plot_criteria
from lightning_infomem.plots.embedding import embed_figure
from lightning_infomem.plots.epochs_map import plot_epochs_map
from lightning_infomem.plots.information_map import plot_information_map
from lightning_infomem.plots.layers import plot_layers
from lightning_infomem.plots.plane import plot_plane
from lightning_infomem.plots.ranking import plot_ranking
from lightning_infomem.plots.run import plot_run
from lightning_infomem.plots.run_verdict import plot_run_verdict
from lightning_infomem.plots.runs import plot_runs
from lightning_infomem.plots.saving import save_figure
from lightning_infomem.plots.zoo import plot_zoo

__all__ = [
    "embed_figure",
    "plot_comparison",
    "plot_criteria",
    "plot_epochs_map",
    "plot_information_map",
    "plot_layers",
    "plot_plane",
    "plot_ranking",
    "plot_run",
    "plot_run_verdict",
    "plot_runs",
    "plot_zoo",
    "save_figure",
]
