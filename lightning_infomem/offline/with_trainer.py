"""Measure a network with the user's Trainer, which provides device, precision and processes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from torch import Tensor, nn
from torch.utils.data import DataLoader

from lightning_infomem._errors import UsageValueError
from lightning_infomem._lightning import is_lightning_module, lightning_module_for
from lightning_infomem.measurement import measure_caught
from lightning_infomem.records.report import InformationReport
from lightning_infomem.sampling.forward import forward_batch
from lightning_infomem.sampling.ranks import Ranks, bring_together
from lightning_infomem.sampling.watching import Watch, loader_of, share_of_rank
from lightning_infomem.sampling.weights_digest import weights_digest
from lightning_infomem.settings import MeasurementSettings

__all__ = ["measure_with_trainer", "silenced"]


def measure_with_trainer(
    trainer: Any,
    network: nn.Module,
    data: Iterable[Any],
    layers: Any,
    forward: Callable[[nn.Module, Any], object] | None,
    settings: MeasurementSettings,
    content: str = "",
) -> InformationReport:
    """Measure with ``trainer.validate`` on all data, without the Trainer's callbacks and loggers.

    The Trainer's callbacks, loggers and ``limit_val_batches`` are restored afterwards, but its state, metrics, module
    and data remain those of this validation.

    Args:
        trainer: Trainer of Lightning that runs the network.
        network: The network to measure. The hooks and the logging of a LightningModule do not run.
        data: Batches; see `measurement.measure`. A DataLoader is divided among the Trainer's processes.
        layers: Names, patterns or module types of the layers, as the network names them.
        forward: How to run the network on a batch; see `measurement.measure`.
        settings: Settings for the measurement.
        content: Name of the measured checkpoint. Processes that do not agree on it stop.

    Returns:
        The report, the same on all processes.

    Raises:
        Exception: Raised by the user's network or by the measurement; a `RuntimeError` on the other processes.
    """
    kind = type("WatchedNetwork", (_WatchedNetwork, lightning_module_for(trainer)), {})
    watched = kind(network, layers, forward, settings, content)
    batches = data if isinstance(data, DataLoader) else _Batches(data)
    with _undisturbed(trainer), silenced(network), warnings.catch_warnings():
        # The warning says that samples are repeated to make equal shares; the sample plan leaves repetitions out.
        warnings.filterwarnings("ignore", message=".*DistributedSampler.*")
        try:
            trainer.validate(watched, dataloaders=batches, verbose=False)
        finally:
            watched.release()
    if watched.fault is not None:
        raise watched.fault
    if watched.report is None:
        raise UsageValueError("data: at least one batch is required, got none; give batches.")
    return _without_inference_mode(watched.report)


def _without_inference_mode(report: InformationReport) -> InformationReport:
    """Copy the tensors, because those made in inference mode cannot be changed in place."""
    return InformationReport.from_state(report.to_state())


class _WatchedNetwork:
    """A network as a LightningModule that is watched in validation; the Trainer's package provides the base class."""

    def __init__(self, network: nn.Module, layers: Any, forward: Any, settings: Any, content: str) -> None:
        super().__init__()
        self.network = network
        self.layers, self.run_network, self.settings, self.content = layers, forward or forward_batch, settings, content
        self.report: InformationReport | None = None
        self.fault: Exception | None = None
        self.watch: Watch | None = None
        self.weights: Tensor | None = None

    def on_validation_start(self) -> None:
        """Register the hooks, now that the strategy has set up the network."""
        try:
            self.weights = weights_digest(self.network)
            loader = loader_of(self.trainer.val_dataloaders, 0)  # type: ignore[attr-defined]
            if isinstance(loader, _Batches):
                # Batches are not divided: each process sees all, and the rows of the first one count. That is how a
                # DataLoader is treated whose sampler does not divide either, such as this one.
                loader = DataLoader(cast(Any, [0]))
            self.watch = Watch(self.network, self.layers, self.settings, share_of_rank(loader, self._ranks()))
        except Exception as fault:  # raised later, on all processes
            self.fault = fault

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Run the network on one batch."""
        if self.fault is not None or self.watch is None:
            return
        try:
            self.watch.open_batch(batch)
            self.run_network(self.network, batch)
            self.watch.close_batch()
        except Exception as fault:  # raised later, on all processes
            self.fault = fault

    def on_validation_epoch_end(self) -> None:
        """Measure on all processes together. A fault is kept, because an error would leave the Trainer interrupted."""
        ranks, watch = self._ranks(), self.watch
        try:
            contents = ranks.on_all(self._content)
            if len(set(contents)) > 1:
                raise RuntimeError(
                    "the processes measure different checkpoints; let all of them see the same files and the same "
                    "cache folder"
                )
            if watch is not None:
                caught = bring_together(watch.tap, ranks)
                self.report = measure_caught(caught, self.settings, ranks=ranks, weights=self.weights)
        except Exception as fault:  # raised when the Trainer has finished
            self.fault = fault
        finally:
            self.release_hooks()

    def _ranks(self) -> Ranks:
        """Return the processes of this Trainer, not of an earlier one."""
        return Ranks.current() if self.trainer.world_size > 1 else Ranks()  # type: ignore[attr-defined]

    def _content(self) -> str:
        if self.fault is not None:
            raise self.fault
        return self.content

    def release_hooks(self) -> None:
        """Remove all hooks."""
        if self.watch is not None:
            self.watch.close()
            self.watch = None

    def release(self) -> None:
        """Release the network, even if something still holds this module."""
        self.release_hooks()
        self.network = nn.Identity()


class _Batches:
    """Batches that are no DataLoader; the Trainer would take each entry of a plain list for a loader."""

    def __init__(self, batches: Iterable[Any]) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[Any]:
        return iter(self._batches)


@contextmanager
def _undisturbed(trainer: Any) -> Iterator[None]:
    """Run the Trainer without callbacks, loggers, data module and limits."""
    aside = {name: getattr(trainer, name) for name in ("callbacks", "loggers", "limit_val_batches")}
    trainer.callbacks, trainer.loggers, trainer.limit_val_batches = [], [], 1.0
    trainer.datamodule = None  # otherwise it would be set up again
    try:
        yield
    finally:
        for name, value in aside.items():
            setattr(trainer, name, value)


@contextmanager
def silenced(network: nn.Module) -> Iterator[None]:
    """Turn off logging of LightningModules in the network, which would log to the Trainer."""
    modules = [module for module in network.modules() if is_lightning_module(module)]
    for module in modules:
        vars(module).update(log=_log_nothing, log_dict=_log_nothing)
    try:
        yield
    finally:
        for module in modules:
            del module.log, module.log_dict


def _log_nothing(*args: Any, **kwargs: Any) -> None:
    """Replace the log of a LightningModule."""
