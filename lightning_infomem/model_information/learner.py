"""A network that is trained on a growing set of samples and codes the samples that come next."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lightning_infomem._checks import describe
from lightning_infomem._errors import UsageTypeError, UsageValueError
from lightning_infomem._lightning import (
    Callback,
    LightningModule,
    Trainer,
    is_lightning_module,
    isolate_rng,
    keyboard_interrupts,
    lightning_module_for,
    quiet_lightning,
    quiet_trainer,
)
from lightning_infomem.model_information.codelength_settings import CodelengthSettings
from lightning_infomem.model_information.labeled_data import LabeledData, labels_of
from lightning_infomem.sampling.forward import evaluating, forward_batch, to_device

__all__ = ["Learner", "Loss", "Model", "check_same_network", "label_nats", "log_probabilities", "logits_of", "trained"]

Loss: TypeAlias = Callable[[Any, Tensor], Tensor]
Model: TypeAlias = "nn.Module | tuple[nn.Module, Loss]"

State: TypeAlias = dict[str, Tensor]
Value = TypeVar("Value")


class Learner:
    """Train copies of a model on parts of the data; the model itself is never changed.

    Args:
        model: A LightningModule, trained with its ``training_step`` and optimisers; or a module, or a pair (module,
            loss), trained with Adam. The loss maps ``(output, labels)`` to a scalar; the default is cross-entropy.
            Called with the inputs of a batch, the model must return class scores or log-probabilities ``[samples,
            classes]``, or an object with such ``logits``. A model in evaluation mode is trained in training mode;
            submodules that alone are in evaluation mode stay in it.
        settings: Settings of the training.

    Attributes:
        network: The copy with the weights of the last training.
        loss: Loss of a model that is not a LightningModule.

    Raises:
        TypeError: ``model`` has another form.
    """

    def __init__(self, model: Model, settings: CodelengthSettings) -> None:
        network, loss = model if isinstance(model, tuple) and len(model) == 2 else (model, cross_entropy)
        if not isinstance(network, nn.Module) or not callable(loss):
            raise UsageTypeError(
                "model: a LightningModule, a torch module, or a pair (module, loss) is required, got "
                f"{describe(model)}; pass an instance, not a class."
            )
        self.settings = settings
        self.loss: Loss = loss
        self._given: nn.Module = _copy(network)
        if not network.training:  # evaluation mode is left over from a measurement, not a wish for the training
            self._given.train()
        self.network: nn.Module = _copy(self._given)
        self._trainer = settings.trainer or quiet_trainer(network, max_epochs=settings.max_epochs)

    def fit(self, data: LabeledData, end: int, *, seed: int) -> None:
        """Train on the samples before ``end``; the last of them are held out for early stopping.

        Args:
            data: Samples in coding order.
            end: Number of known samples. With a single sample, or if all parameters are frozen, the weights stay as
                they are.
            seed: Seed for the order of batches and the random draws of the training, such as dropout.

        Raises:
            ValueError: The cross-entropy became NaN.
        """
        if self.settings.start == "cold":
            self.network = _copy(self._given)
        held_out = max(1, round(self.settings.holdout * end))
        if held_out == end or not any(weight.requires_grad for weight in self.network.parameters()):
            return
        self._train(data.part(0, end - held_out, shuffle_seed=seed), data.part(end - held_out, end), seed=seed)

    def code(self, data: LabeledData, start: int, stop: int) -> float:
        """Return the code length in nats of the labels from ``start`` to ``stop``, using the current weights."""
        if start == stop:
            return 0.0
        return summed_nats(self.placed(), data.part(start, stop), self._trainer)

    def placed(self) -> nn.Module:
        """Return the network on the Trainer's device, in its precision."""
        trainer = self._trainer
        return trainer.precision_plugin.convert_module(self.network.to(trainer.strategy.root_device))

    def as_lightning(self, trainer: Trainer) -> LightningModule:
        """Return the LightningModule to train; a plain module is wrapped to minimise `training_loss` with Adam."""
        if is_lightning_module(self.network):
            return cast(LightningModule, self.network)
        learner, network = self, self.network

        class Classifier(lightning_module_for(trainer)):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.network = network

            def training_step(self, batch: Any, batch_idx: int) -> Tensor:
                return learner.training_loss(self.network, batch)

            def configure_optimizers(self) -> torch.optim.Optimizer:
                return torch.optim.Adam(self.network.parameters(), learner.settings.learning_rate)

        return cast(LightningModule, Classifier())

    def training_loss(self, network: nn.Module, batch: Any) -> Tensor:
        """Return the loss that a plain module minimises; a LightningModule has its own."""
        return self.loss(logits_of(forward_batch(network, batch)), labels_of(batch))

    def probabilities(self, data: LabeledData) -> Tensor:
        """Return the current class probabilities: float64 ``[samples, classes]`` on the CPU, in coding order."""
        batches = data.part(0, len(data))
        return torch.cat(_score(self.placed(), batches, self._trainer, lambda scores, _: scores.exp().cpu()))

    def count_classes(self, data: LabeledData) -> int:
        """Return the number of classes that the model predicts.

        Raises:
            TypeError, ValueError: The model returns no class scores, or a label is outside of its classes.
        """
        count = _score(self.placed(), data.part(0, 2), self._trainer, lambda scores, _: scores.shape[1])[0]
        label_nats(torch.zeros(1, count).expand(len(data), count), data.labels)
        return count

    def state(self) -> State:
        """Return the current weights if the next training starts from them (a warm start), else an empty dict."""
        if self.settings.start == "cold":
            return {}
        return {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}

    def load_state(self, state: State) -> None:
        """Load weights returned by `state`."""
        if state:
            self.network.load_state_dict(state)

    def _is_validated(self) -> bool:
        """Whether the LightningModule defines a validation, whose metrics its schedulers and callbacks may need."""
        classes = [kind for kind in type(self.network).__mro__ if kind.__name__ != "LightningModule"]
        return is_lightning_module(self.network) and any("validation_step" in vars(kind) for kind in classes)

    def _train(self, training: Iterable[Any], held_out: Iterable[Any], *, seed: int) -> None:
        trainer: Any = _copy_trainer(self._trainer)
        trainer.callbacks.insert(0, _EarlyStopping(self.network, held_out, self.settings.patience))
        with (
            isolate_rng(),
            quiet_lightning(),
            keyboard_interrupts(),
            torch.inference_mode(False),
            torch.enable_grad(),
        ):
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)
            random.seed(seed)
            trainer.fit(self.as_lightning(trainer), training, held_out if self._is_validated() else None)
        if trainer.interrupted:  # older versions of Lightning swallow the KeyboardInterrupt
            raise KeyboardInterrupt


def trained(model: Model, data: LabeledData, settings: CodelengthSettings) -> Model:
    """Return a trained copy of a model, in the form in which the model was given.

    Args:
        model: Model to train; see `Learner`.
        data: Training samples; a share of them is held out for early stopping.
        settings: Settings of the training; the seed sets the order of batches.
    """
    learner = Learner(model, settings)
    learner.count_classes(data)
    learner.fit(data, len(data), seed=settings.seed)
    return (learner.network, model[1]) if isinstance(model, tuple) else learner.network


class _EarlyStopping(Callback):
    """Stop early, and keep the weights with the lowest held-out cross-entropy; the initial weights count too."""

    def __init__(self, network: nn.Module, held_out: Iterable[Any], patience: int) -> None:
        super().__init__()
        self._network, self._held_out, self._patience = network, held_out, patience
        self._lowest, self._best, self._num_worse = math.inf, State(), 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._lowest = summed_nats(self._network, self._held_out, trainer)
        self._keep()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        nats = summed_nats(self._network, self._held_out, trainer)
        if nats < self._lowest:
            self._lowest, self._num_worse = nats, 0
            self._keep()
        else:
            self._num_worse += 1
            trainer.should_stop = trainer.should_stop or self._num_worse > self._patience

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._network.load_state_dict(self._best)

    def _keep(self) -> None:
        self._best = {name: value.detach().clone() for name, value in self._network.state_dict().items()}


def summed_nats(network: nn.Module, batches: Iterable[Any], trainer: Trainer) -> float:
    """Return the summed cross-entropy in evaluation mode, in float64; random generators are left unchanged."""
    return math.fsum(_score(network, batches, trainer, lambda scores, labels: float(label_nats(scores, labels).sum())))


def _score(
    network: nn.Module, batches: Iterable[Any], trainer: Trainer, measure: Callable[[Tensor, Tensor], Value]
) -> list[Value]:
    """Measure the log-probabilities and labels of every batch, in evaluation mode and in the Trainer's precision."""
    device, precision = trainer.strategy.root_device, trainer.precision_plugin
    found = []
    with isolate_rng(), torch.no_grad(), evaluating(network), precision.forward_context():
        for batch in batches:
            batch = precision.convert_input(to_device(batch, device))
            found.append(measure(log_probabilities(network, batch), labels_of(batch)))
    return found


def label_nats(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the code length of each label in nats.

    Args:
        scores: Log-probabilities, float64 ``[samples, classes]``.
        labels: Class indices, int64 ``[samples]``.

    Returns:
        float64 ``[samples]``; infinite for a label of probability 0.

    Raises:
        ValueError: A log-probability is NaN, or a label is outside of the classes.
    """
    low, high = map(int, labels.aminmax())
    if low < 0 or high >= scores.shape[1]:
        raise UsageValueError(
            f"data: labels from 0 to {scores.shape[1] - 1} are required for a model of {scores.shape[1]} classes, got "
            f"{low if low < 0 else high}; give the model more outputs, or number the classes from 0."
        )
    nats = -scores.gather(1, labels.to(scores.device)[:, None])[:, 0]
    if bool(nats.isnan().any()):
        raise UsageValueError(
            "model: a cross-entropy that is not NaN is required, got NaN; training may have diverged: lower the "
            "learning rate, or check the inputs for non-finite values."
        )
    return nats


def log_probabilities(network: nn.Module, batch: Any) -> Tensor:
    """Return the class log-probabilities of each sample.

    Returns:
        float64 ``[samples, classes]``, in nats. The network may return scores or log-probabilities: the latter are
        scores that are already normalised.

    Raises:
        TypeError, ValueError: The network returns something else, such as probabilities.
    """
    output = logits_of(forward_batch(network, batch))
    if not isinstance(output, Tensor) or not output.is_floating_point():
        raise UsageTypeError(
            "model: class scores or log-probabilities [samples, classes] are required from forward, got "
            f"{describe(output)}; give a classifier: only class probabilities can code labels."
        )
    count = len(labels_of(batch))
    if output.ndim != 2 or output.shape[0] != count or output.shape[1] < 2:
        raise UsageValueError(
            f"model: class scores or log-probabilities [{count}, classes] of two or more classes are required from "
            f"forward, got {describe(output)}; return one score per class."
        )
    scores = (output.cpu() if output.device.type == "mps" else output).double()  # MPS has no float64
    if _are_probabilities(scores, 10 * torch.finfo(output.dtype).eps * math.sqrt(output.shape[1])):
        raise UsageValueError(
            "model: class scores or log-probabilities are required from forward, got numbers from 0 to 1 that sum to "
            "1; return the scores before the softmax, or the logarithms."
        )
    return scores.log_softmax(1)


def _are_probabilities(scores: Tensor, tolerance: float) -> bool:
    """Whether all rows look like probabilities and are too many, or too precise, to do so by chance."""
    looks_so = bool((scores >= 0).all()) and bool(((scores.sum(1) - 1).abs() < tolerance).all())
    return looks_so and tolerance ** len(scores) < 1e-4


def logits_of(output: Any) -> Any:
    """Return the class scores contained in the output of a network."""
    if isinstance(output, Mapping):
        return output.get("logits", output)
    return getattr(output, "logits", output)


def check_same_network(one: nn.Module, other: nn.Module, *, names: tuple[str, str]) -> None:
    """Require that two networks differ in nothing but the values of their weights."""
    shapes = [{name: tuple(value.shape) for name, value in each.state_dict().items()} for each in (one, other)]
    if shapes[0] != shapes[1]:
        unlike = sorted(set(shapes[0].items()) ^ set(shapes[1].items()))[0][0]
        raise UsageValueError(
            f"{names[1]}: the same parameters as {names[0]} are required, got others, such as {unlike!r}; give the "
            "same network with other weights."
        )


def _copy(network: nn.Module) -> nn.Module:
    """Copy a network without the Trainer it may be attached to."""
    trainers = [getattr(network, name, None) for name in ("_trainer", "_fabric")]
    with torch.inference_mode(False):  # copies made in the caller's inference mode could not be trained
        return copy.deepcopy(network, {id(trainer): None for trainer in trainers if trainer is not None})


def _copy_trainer(trainer: Trainer) -> Trainer:
    try:
        return copy.deepcopy(trainer)
    except Exception as fault:  # loggers and callbacks can raise anything
        raise UsageTypeError(
            f"trainer: a Trainer that can be copied is required, since each block has its own, got one that cannot "
            f"({fault}); remove the logger or callback that prevents it."
        ) from fault
