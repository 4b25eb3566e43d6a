"""Measure one network with the conventions of the paper, the released code and the package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor, nn

from examples.paper.classifier import run_network
from examples.paper.data import PaperData
from examples.paper.experiment import Experiment
from lightning_infomem.functional import binned_entropy
from lightning_infomem.measurement import catch, measure_samples
from lightning_infomem.sampling.ranks import Ranks, bring_together
from lightning_infomem.settings import MeasurementSettings

__all__ = ["NETWORK", "PRESETS", "measure_network", "sample_network"]

NETWORK = "network"  # in place of a layer name, for the units of all layers together, as in the paper
PRESETS = ("default", "paper", "released_code")
_QUANTILES = 128  # number of quantiles kept of a distribution, for the figures

Values = dict[str, Any]


def measure_network(
    network: nn.Module, experiment: Experiment, data: PaperData, max_samples: int, max_units: int
) -> Values:
    """Measure a network on the probe of its data.

    Args:
        network: A network, trained or not.
        experiment: Its experiment; with a ``nonlinearity``, activations are measured too.
        data: Its data, after ``setup``.
        max_samples: Number of inputs of the probe to use.
        max_units: Number of units to use per layer.

    Returns:
        "measures": a list of entries for each "preset" ("default", "paper", "released_code"; after the nonlinearity
        only "default" and "paper"), "values" ("before" or "after" the nonlinearity) and "layer" (or `NETWORK`), with
        the mean "entropy" and mean "mutual_information" in nats. "distributions": preset -> layer -> quantiles of both,
        in nats, before the nonlinearity. "probe": the digest of the inputs. "samples" and "units".

    Over the network, "paper" and "released_code" average the entropies of all units and the mutual information of all
    pairs of units, also from different layers. "default" averages the means of the layers, as the package logs it.
    """
    samples, probe = sample_network(network, experiment, data, max_samples, max_units)
    before = _by_every_preset(samples)
    measures = [{**each, "values": "before"} for each in before["measures"]]
    if experiment.nonlinearity is not None:
        after = {name: experiment.nonlinearity(rows) for name, rows in samples.items()}
        measures += [{**each, "values": "after"} for each in _by_layer(after)]
    return {
        "measures": measures,
        "distributions": before["distributions"],
        "probe": probe,
        "samples": len(next(iter(samples.values()))),
        "units": {name: rows.shape[1] for name, rows in samples.items()},
    }


def sample_network(
    network: nn.Module, experiment: Experiment, data: PaperData, max_samples: int, max_units: int
) -> tuple[dict[str, Tensor], str]:
    """Return the values of each layer, ``[samples, units]``, and a digest of the inputs."""
    settings = MeasurementSettings(max_samples=max_samples, max_units=max_units, pooling=experiment.pooling)
    watch = catch(
        network,
        data.probe_dataloader(),
        experiment.layers,
        settings,
        lambda model, batch: run_network(model, batch[0]),
    )
    caught = bring_together(watch.tap, Ranks())
    marks = caught.input_marks[:, 0].sort().values.numpy().tobytes()
    return dict(caught.samples), blake2b(marks, digest_size=8).hexdigest()


def _by_every_preset(samples: Mapping[str, Tensor]) -> Values:
    together = {NETWORK: torch.cat(list(samples.values()), dim=1)}
    layers: dict[str, slice] = {NETWORK: slice(None)}
    start = 0
    for name, rows in samples.items():
        layers[name] = slice(start, start + rows.shape[1])
        start += rows.shape[1]
    measures: list[Values] = []
    distributions: Values = {}
    # Mutual information is defined by pair, so the matrix of a layer is a block of that of the network.
    ours = measure_samples(together, MeasurementSettings())[NETWORK]
    own_range = binned_entropy(together[NETWORK])
    released = measure_samples(together, MeasurementSettings(preset="released_code"))[NETWORK]
    for preset, entropies, matrix in (
        ("default", ours.entropy, ours.mutual_information),
        ("paper", own_range, ours.mutual_information),
        ("released_code", released.entropy, released.mutual_information),
    ):
        entries = []
        distributions[preset] = {}
        for name, units in layers.items():
            block = matrix[units, units]
            pairs = block.flatten() if preset == "released_code" else _pairs(block)
            entries.append(_entry(preset, name, entropies[units], pairs))
            distributions[preset][name] = {
                "entropy": _quantiles(entropies[units]),
                "mutual_information": _quantiles(pairs),
            }
        if preset == "default":
            entries[0] = _mean_over_layers(preset, entries[1:])
        measures += entries
    return {"measures": measures, "distributions": distributions}


def _by_layer(samples: Mapping[str, Tensor]) -> list[Values]:
    report = measure_samples(samples, MeasurementSettings())
    default = [_entry("default", layer.name, layer.entropy, layer.pairs()) for layer in report.layers]
    paper = [_entry("paper", layer.name, binned_entropy(samples[layer.name]), layer.pairs()) for layer in report.layers]
    return [_mean_over_layers("default", default), *default, _mean_over_layers("paper", paper), *paper]


def _entry(preset: str, layer: str, entropies: Tensor, pairs: Tensor) -> Values:
    return {
        "preset": preset,
        "layer": layer,
        "entropy": entropies.mean().item(),
        "mutual_information": pairs.mean().item(),
    }


def _mean_over_layers(preset: str, entries: Iterable[Values]) -> Values:
    columns = torch.tensor([[each["entropy"], each["mutual_information"]] for each in entries], dtype=torch.float64)
    entropy, information = columns.mean(0).tolist()
    return {"preset": preset, "layer": NETWORK, "entropy": entropy, "mutual_information": information}


def _pairs(matrix: Tensor) -> Tensor:
    first, second = torch.triu_indices(len(matrix), len(matrix), offset=1)
    return matrix[first, second]


def _quantiles(values: Tensor) -> list[float]:
    places = torch.linspace(0, 1, _QUANTILES, dtype=torch.float64)
    return [round(value, 4) for value in values.double().quantile(places).tolist()]
