"""Measure a checkpoint that carries no report by running its weights on data of the user."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import RandomSampler

from lightning_infomem._checks import check_batches, check_count, describe
from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem.checkpoints.reading import UnusableCheckpoint, files_of_checkpoint, load_checkpoint
from lightning_infomem.checkpoints.weight_names import load_weights
from lightning_infomem.functional.complexity import path_norm
from lightning_infomem.measurement import measure
from lightning_infomem.offline.cache import ReportCache
from lightning_infomem.offline.content_digests import digest, digest_files, digest_function, digest_network
from lightning_infomem.offline.untrained import reset_parameters
from lightning_infomem.records.report import InformationReport
from lightning_infomem.sampling.ranks import Ranks
from lightning_infomem.settings import MeasurementSettings, check_setting_names

__all__ = ["OfflineMeasurement"]


class OfflineMeasurement:
    """Measures checkpoints, all with the same data, layers and settings; call it with the path of one.

    The cache returns a report that was measured before from the same bytes with the same data, settings and code. For
    that, a model given as a function is built, because only the network shows what it is, but it is not run. One copy
    of the model is in memory at a time; the given model is not changed.

    Args:
        model: A module, of which a copy gets the weights, or a function from the loaded checkpoint to a module.
        data: Unlabelled batches, in the same order each time they are iterated.
        layers: Layers to measure; see `measurement.measure`.
        forward: How to run the model on a batch; see `measurement.measure`.
        trainer: Trainer of Lightning that runs the model with its device, precision and strategy. Its callbacks,
            loggers and limits are not used. Give a Trainer made for this, because its state, metrics and module are
            those of the measurement afterwards. Without one, the model runs on a GPU if there is one, else where it is.
        cache: Folder for measured reports; by default ``.infomem`` next to each checkpoint.
        **settings: Fields of `MeasurementSettings`, which explains them.

    Attributes:
        notes: Remarks for the reader of the ranking.

    Raises:
        TypeError: ``model`` is no model, ``data`` can be iterated only once, or ``trainer`` is no Trainer.
        ValueError: The data are shuffled, or a setting is out of range.
        MisconfigurationException: The processes of the Trainer are spawned or forked.

    Cost:
        The bytes of each checkpoint are read for the cache, and a checkpoint that is not in it is measured; see
        `measure`. The data are iterated once more before the first checkpoint.
    """

    def __init__(
        self,
        model: nn.Module | Callable[[dict[str, Any]], nn.Module],
        data: Iterable[Any],
        *,
        layers: str | type[nn.Module] | Sequence[str | type[nn.Module]] = "auto",
        forward: Callable[[nn.Module, Any], object] | None = None,
        trainer: Any = None,
        cache: str | Path | None = None,
        **settings: Any,
    ) -> None:
        check_setting_names(settings, OfflineMeasurement)
        # A wrong value is reported before the first checkpoint is loaded.
        self._settings = MeasurementSettings(**settings)
        if isinstance(model, type) or not callable(model):
            raise UsageTypeError(
                "model: a torch module, or a function that takes the loaded checkpoint and returns one, is required, "
                f"got {describe(model)}; of a class pass an instance."
            )
        if not isinstance(data, Iterable) or isinstance(data, Iterator):
            raise UsageTypeError(
                "data: batches that can be gone through once for every checkpoint are required, got "
                f"{type(data).__name__}; pass a DataLoader or a list."
            )
        check_batches(data, name="data")
        if isinstance(getattr(data, "sampler", None), RandomSampler):
            raise UsageValueError(
                "data: the same batches for every checkpoint are required, got a DataLoader that shuffles; "
                "pass one with shuffle=False."
            )
        if cache is not None and not isinstance(cache, (str, Path)):
            raise UsageTypeError(f"cache: the path of a folder is required, got {describe(cache)}; or leave it out.")
        if trainer is not None:
            from lightning_infomem._lightning import check_trainer

            check_trainer(trainer)
        self._model, self._data, self._layers, self._forward, self._trainer = model, data, layers, forward, trainer
        self._cache = ReportCache(cache)
        self._conditions: list[object] | None = None  # what all reports depend on, once known
        self._is_cached = True
        self._seen: list[Path] = []
        self.notes: list[str] = []

    def __call__(self, path: Path) -> InformationReport:
        """Measure one checkpoint, or return its report from the cache.

        Raises:
            UnusableCheckpoint: The weights do not fit the model, or nothing can be measured.
        """
        path = Path(path)
        if path not in self._seen:
            self._seen.append(path)

        # Only the network shows what a function makes of a checkpoint.
        built = None if isinstance(self._model, nn.Module) else self._guarded(lambda: self._load(path))

        def content() -> list[object]:
            return [digest_files(files_of_checkpoint(path)), None if built is None else digest(built.state_dict())]

        return self._report(path, content, built, lambda: self._load(path))

    def control(self, seed: int = 0, *, checkpoints: Iterable[Path] = ()) -> InformationReport:
        """Measure the untrained network, to see which part of a measure comes from training.

        Every module with ``reset_parameters`` draws new weights from a private generator. Parameters of other modules
        keep their values, and a note says so.

        Args:
            seed: Seed of the weights.
            checkpoints: Paths for a ``model`` that is a function: it is called on the first checkpoint that can be
                loaded, among those measured before and then among these.

        Raises:
            UnusableCheckpoint: Nothing can be measured, or the function has no checkpoint.
        """
        check_count(seed, name="seed", minimum=0)
        places = [*self._seen, *map(Path, checkpoints)]

        def untrained() -> nn.Module:
            network = self._copy() if isinstance(self._model, nn.Module) else self._first_built(places)
            kept = reset_parameters(network, seed)
            if kept:
                self._note(f"untrained control: {kept}; these keep their values")
            return network

        network = self._guarded(untrained)

        def content() -> list[object]:
            return ["untrained", digest(network.state_dict())]

        near = next((path for path in places if path.exists()), None)
        return self._report(near, content, network, lambda: network)

    def path_norm(self, path: Path) -> float:
        """Return the path norm of one checkpoint; NaN if the network has none, as for inputs that are tokens."""
        first = next(iter(self._data), None)
        example = next((part for part in _parts(first) if isinstance(part, torch.Tensor)), None)
        try:
            return math.nan if example is None else path_norm(self._load(path).cpu(), example.cpu().double())
        except (RuntimeError, TypeError, ValueError):
            return math.nan

    def _report(
        self,
        path: Path | None,
        content: Callable[[], list[object]],
        network: nn.Module | None,
        load: Callable[[], nn.Module],
    ) -> InformationReport:
        """Return a report from the cache or measure it, all processes of the Trainer together.

        Args:
            path: Path of the checkpoint next to which the report is cached.
            content: Function that returns digests of the weights.
            network: Network with the weights, if it exists already.
            load: Function that makes this network.
        """
        ranks, moment = self._ranks(), _moment(path)
        structure = self._model if network is None else network
        found: tuple[Path | None, InformationReport | None]
        found = self._guarded(lambda: self._look_up(path, content, structure) if ranks.rank == 0 else (None, None))
        if ranks.size > 1:
            found = ranks.on_all(lambda: found)[0]  # only one process looks, so that all agree
        file, known = found
        if known is not None:
            return known
        ready: nn.Module = self._guarded(load) if network is None else network
        name = str(path) if file is None else file.name
        report: InformationReport = self._guarded(lambda: self._measure(ready, name), together=False)
        # A training may have overwritten the checkpoint in the meantime.
        if file is not None and self._ranks().rank == 0 and moment is not None and moment == _moment(path):
            self._cache.write(file, report)
            if self._cache.fault is not None:
                self._note(f"what was measured is not kept for the next time: no file in {self._cache.fault}")
        return report

    def _guarded(self, work: Callable[[], Any], *, together: bool = True) -> Any:
        """Raise every fault of a checkpoint as `UnusableCheckpoint`, on all processes."""
        try:
            return self._ranks().run_together(work) if together else work()
        except UnusableCheckpoint:
            raise
        except (KeyError, OSError, RuntimeError, ValueError) as fault:
            raise UnusableCheckpoint(f"cannot be measured ({_one_line(fault)})") from fault

    def _ranks(self) -> Ranks:
        """Return the processes of the Trainer; others do not take part in this measurement."""
        return Ranks.current() if getattr(self._trainer, "world_size", 1) > 1 else Ranks()

    def _look_up(
        self, path: Path | None, content: Callable[[], list[object]], structure: Any
    ) -> tuple[Path | None, InformationReport | None]:
        """Return the file of the cache for this report, and the report if it exists."""
        if path is None or not self._is_cached:
            return None, None
        try:
            if self._conditions is None:
                self._conditions = self._digest_conditions()
            file = self._cache.file_for(path, [*content(), digest_network(structure), *self._conditions])
        except TypeError as fault:
            self._is_cached = False
            self._note(f"what was measured is not kept for the next time: data or model hold {_one_line(fault)}")
            return None, None
        return file, self._cache.read(file)

    def _digest_conditions(self) -> list[object]:
        settings = self._settings
        functions = [each for each in (self._forward, settings.pooling, settings.examples) if callable(each)]
        layers = [self._layers] if isinstance(self._layers, (str, type)) else self._layers
        return [
            settings.to_state(),
            [digest_function(each) for each in functions],
            [each if isinstance(each, str) else f"{each.__module__}.{each.__qualname__}" for each in layers],
            str(getattr(self._trainer, "precision", "32-true")),
            digest(self._data),
        ]

    def _measure(self, network: nn.Module, content: str) -> InformationReport:
        if self._trainer is not None:
            from lightning_infomem.offline.with_trainer import measure_with_trainer

            return measure_with_trainer(
                self._trainer, network, self._data, self._layers, self._forward, self._settings, content
            )
        settings = {field.name: getattr(self._settings, field.name) for field in dataclasses.fields(self._settings)}
        devices = {parameter.device for parameter in network.parameters()}
        # A network on several devices was placed there on purpose.
        if torch.cuda.is_available() and len(devices) == 1:
            network = network.to("cuda")
        return measure(network, self._data, self._layers, forward=self._forward, **settings)

    def _copy(self) -> nn.Module:
        return copy.deepcopy(self._model)  # type: ignore[return-value]

    def _load(self, path: Path) -> nn.Module:
        checkpoint = load_checkpoint(path)
        if not isinstance(self._model, nn.Module):
            model = self._model(checkpoint)
            if not isinstance(model, nn.Module):
                raise UsageTypeError(
                    f"model: the function has to return a torch module, it returned {describe(model)}."
                )
            return model
        weights = checkpoint.get("state_dict")
        if not isinstance(weights, Mapping) or not all(isinstance(name, str) for name in weights):
            raise UnusableCheckpoint("has no 'state_dict'; pass as model= a function that reads this layout")
        model = self._copy()
        try:
            load_weights(model, weights)
        except RuntimeError as fault:
            raise UnusableCheckpoint(
                f"its weights do not fit the model given ({_one_line(fault)}); pass the module that was trained, or a "
                "function from the loaded checkpoint to a model"
            ) from fault
        return model

    def _first_built(self, places: Iterable[Path]) -> nn.Module:
        """Return a copy of a network of the user's function, which may return the same object each time."""
        for path in places:
            try:
                return copy.deepcopy(self._load(path))
            except UnusableCheckpoint:
                continue
        raise UnusableCheckpoint(
            "an untrained control of a model given as a function requires a checkpoint that can be loaded, got none; "
            "give the network itself as model="
        )

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def _parts(batch: object) -> Iterable[object]:
    """Return the parts of a batch, in the order in which `measure` gives them to a network."""
    if isinstance(batch, Mapping):
        return list(batch.values())
    return batch if isinstance(batch, (tuple, list)) else [batch]


def _moment(path: Path | None) -> list[tuple[int, int]] | None:
    """Return sizes and modification times of the files of a checkpoint; None if they are gone."""
    try:
        files = [] if path is None else files_of_checkpoint(path)
        return [(file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    except (OSError, UnusableCheckpoint):
        return None


def _one_line(fault: Exception) -> str:
    text = " ".join(str(fault).split())
    return text if len(text) <= 200 else f"{text[:196]} ..."
