"""Reports as matplotlib figures: one figure a file, drawn without pyplot and without touching any global state."""

from lightning_infomem.plots.layers import plot_layers
from lightning_infomem.plots.saving import save_figure
from lightning_infomem.plots.zoo import plot_zoo

__all__ = ["plot_layers", "plot_zoo", "save_figure"]
