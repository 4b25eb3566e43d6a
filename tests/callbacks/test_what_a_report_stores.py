"""What a ranking by predictions needs, and how well the training fits, from a run with a monitor."""

import copy

import pytest
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from lightning_infomem import MemorizationMonitor, measure
from lightning_infomem.checkpoints.reading import read_checkpoint
from lightning_infomem.selection.read_candidates import read_candidates
from tests.networks import Classifier, dense, loader, mlp, trainer


class Telling(Classifier):
    """Remembers the losses of its training steps."""

    def __init__(self, **hyperparameters):
        super().__init__(mlp())
        self.save_hyperparameters()
        self.losses = []

    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        self.losses.append(loss.item())
        return loss


class Mapped(Telling):
    def training_step(self, batch, batch_idx):
        return {"loss": super().training_step(batch, batch_idx), "other": torch.tensor(7.0)}


class ByHand(Telling):
    def __init__(self):
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        self.manual_backward(loss)
        self.optimizers().step()
        return loss


class Skipping(Telling):
    def training_step(self, batch, batch_idx):
        return None


class Poisoned(Telling):
    """Its loss is no number, but its gradients are."""

    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        return loss + loss.detach() * torch.nan


class Losses:
    """A monitor that remembers the training loss of each of its reports."""

    def __init__(self, **settings):
        self.seen = seen = []

        class Monitor(MemorizationMonitor):
            def on_validation_end(self, trainer, pl_module):
                if not trainer.sanity_checking:
                    seen.append(self.report.training_loss)

        self.monitor = Monitor(**settings)


def fit(tmp_path, monitor, model=None, *, val=None, **options):
    torch.manual_seed(0)
    model = Telling() if model is None else model
    runner = trainer(tmp_path, callbacks=[monitor, *options.pop("callbacks", [])], **options)
    runner.fit(model, loader(dense(96)), loader(dense(50)) if val is None else val)
    return model, runner


def mean(values):
    return pytest.approx(sum(values) / len(values), rel=1e-5)


# The training loss


@pytest.mark.parametrize("kind", [Telling, Mapped])
def test_it_is_the_mean_of_the_epoch(tmp_path, kind):
    losses = Losses()
    model, _ = fit(tmp_path, losses.monitor, kind(), max_epochs=3)
    assert len(model.losses) == 18
    assert losses.seen == [mean(model.losses[:6]), mean(model.losses[6:12]), mean(model.losses[12:])]


@pytest.mark.parametrize("count", [2, 3])
def test_it_is_what_the_training_step_returned_though_gradients_accumulate(tmp_path, count):
    losses = Losses()
    model, _ = fit(tmp_path, losses.monitor, max_epochs=1, accumulate_grad_batches=count)
    assert losses.seen == [mean(model.losses)]


def test_it_is_of_the_steps_since_the_measurement_before_and_of_one_epoch(tmp_path):
    losses = Losses()
    model, _ = fit(tmp_path, losses.monitor, max_epochs=2, val_check_interval=2)
    assert losses.seen == [mean(model.losses[start : start + 2]) for start in range(0, 12, 2)]
    rare = Losses(every_n_validations=2)
    model, _ = fit(tmp_path, rare.monitor, max_epochs=3)
    assert rare.seen == [mean(model.losses[:6]), mean(model.losses[:6]), mean(model.losses[12:])]


def test_a_measurement_without_a_step_since_the_last_one_repeats_it(tmp_path):
    losses = Losses(dataloader=loader(dense(40)), every_n_train_steps=3)
    model, _ = fit(tmp_path, losses.monitor, max_epochs=1)
    assert losses.seen == [mean(model.losses[3:])]  # at the validation; step 6 was measured just before


@pytest.mark.parametrize("make", [ByHand, Skipping, Poisoned])
@pytest.mark.filterwarnings("ignore:.*training_step.*returned.*None")
def test_without_a_finite_loss_of_lightnings_own_there_is_none(tmp_path, make):
    losses = Losses()
    fit(tmp_path, losses.monitor, make(), max_epochs=1)
    assert losses.seen == [None]


def test_outside_a_training_there_is_none(tmp_path):
    losses = Losses()
    model, runner = fit(tmp_path, losses.monitor, max_epochs=1)
    runner.validate(model, loader(dense(50)), verbose=False)
    assert losses.monitor.report.training_loss is None
    assert measure(mlp(), [dense()]).training_loss is None


def test_training_is_bitwise_the_same_when_its_loss_is_gathered(tmp_path):
    class Dropping(Telling):
        def __init__(self):
            super().__init__()
            self.network.insert(2, nn.Dropout())

    options = {"max_epochs": 2, "accumulate_grad_batches": 2, "val_check_interval": 3}
    torch.manual_seed(1)
    plain = Dropping()
    watched = copy.deepcopy(plain)
    fit(tmp_path, MemorizationMonitor(), watched, **options)
    torch.manual_seed(0)
    trainer(tmp_path, **options).fit(plain, loader(dense(96)), loader(dense(50)))
    assert plain.losses == watched.losses
    for name, value in plain.state_dict().items():
        assert torch.equal(value, watched.state_dict()[name])


# Predictions


def of(report, model, inputs):
    """The predictions of a report are those of the network for the inputs in their places."""
    found = report.predictions
    with torch.no_grad():
        logits = model.eval()(inputs[found.places])
    assert torch.equal(found.classes, logits.argmax(1).int())
    probability = logits.double().softmax(1).amax(1)
    torch.testing.assert_close(found.log_odds.double(), (probability / (1 - probability)).log(), rtol=2e-3, atol=2e-3)
    return found


def test_predictions_lie_in_the_places_of_their_inputs(tmp_path):
    inputs = dense(200)
    monitor = MemorizationMonitor(max_samples=60)
    model, _ = fit(tmp_path, monitor, val=loader(inputs))
    found = of(monitor.report, model, inputs)
    assert (len(found.classes), found.num_classes, found.loader) == (60, 3, 0)
    assert bool((found.inputs.diff() > 0).all())
    own = MemorizationMonitor(max_samples=60, dataloader=loader(inputs, batch_size=7))
    fit(tmp_path, own, model, max_epochs=0)
    fit(tmp_path, own)
    offline = measure(mlp(), inputs.split(33), max_samples=60).predictions
    for other in (own.report.predictions, offline):
        assert other.has_inputs_of(found)
        assert torch.equal(other.places, found.places)
        assert other.loader is None


def test_of_several_loaders_the_one_that_was_watched_is_named(tmp_path):
    class Silent(Telling):
        def validation_step(self, batch, batch_idx, dataloader_idx):
            self(batch[0])

    inputs = dense(50, seed=3)
    monitor = MemorizationMonitor(dataloader_idx=1)
    model, _ = fit(tmp_path, monitor, Silent(), val=[loader(dense(30)), loader(inputs)])
    assert of(monitor.report, model, inputs).loader == 1


@pytest.mark.filterwarnings("ignore:.*shuffling enabled")
def test_a_loader_that_shuffles_brings_the_same_inputs_to_other_places(tmp_path):
    data = TensorDataset(dense(50), torch.zeros(50, dtype=torch.long))
    found = []
    for seed in (1, 2):
        batches = DataLoader(data, batch_size=16, shuffle=True, generator=torch.Generator().manual_seed(seed))
        monitor = MemorizationMonitor()
        fit(tmp_path, monitor, val=batches, max_epochs=1, num_sanity_val_steps=0)
        found.append(monitor.report.predictions)
    assert found[0].has_inputs_of(found[1])
    assert torch.equal(found[0].classes, found[1].classes)
    assert not torch.equal(found[0].places, found[1].places)


def test_all_of_it_reaches_a_ranking_from_the_checkpoint_alone(tmp_path):
    monitor = MemorizationMonitor()
    saving = ModelCheckpoint(tmp_path / "kept", save_last=True, save_top_k=0)
    model, _ = fit(tmp_path, monitor, Telling(width=64), callbacks=[saving])
    (candidate,), _ = read_candidates([tmp_path / "kept" / "last.ckpt"])
    assert candidate.training_loss == mean(model.losses[6:])
    assert torch.equal(candidate.predictions.places, of(monitor.report, model, dense(50)).places)
    assert candidate.predictions.has_inputs_of(monitor.report.predictions)
    assert candidate.recipe == read_checkpoint(candidate.path).recipe
    assert (candidate.recipe["width"], candidate.recipe["optimizer/lr"]) == (64, 0.1)


def test_of_a_network_without_classes_a_ranking_gets_no_predictions(tmp_path):
    saving = ModelCheckpoint(tmp_path / "kept", save_last=True, save_top_k=0)
    fit(tmp_path, MemorizationMonitor(), callbacks=[saving])
    path = tmp_path / "kept" / "last.ckpt"
    for task, is_known in (("classification", True), ("regression", False), ("none", False)):
        (candidate,), _ = read_candidates([path], task=task)
        assert (candidate.predictions is not None) == is_known
