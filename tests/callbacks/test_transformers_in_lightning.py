import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from lightning_infomem.callbacks import MemorizationMonitor
from lightning_infomem.measurement import measure, measure_samples
from lightning_infomem.settings import MeasurementSettings
from tests.callbacks.distilbert import LAYERS, distilbert
from tests.networks import trainer

NUM_SENTENCES, NUM_POSITIONS = 40, 8


class Sentences(pl.LightningModule):
    """A classifier of sentences as people write it: the batch goes to the model by name."""

    def __init__(self):
        super().__init__()
        self.model = distilbert()

    def training_step(self, batch, batch_idx):
        return self.model(**batch).loss

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.model(**batch).loss)

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-2)


def sentences():
    """Random tokens, also where the mask admits none, so that a mean over padding is another number."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(2, NUM_POSITIONS + 1, (NUM_SENTENCES, 1), generator=generator)
    return {
        "input_ids": torch.randint(1, 100, (NUM_SENTENCES, NUM_POSITIONS), generator=generator),
        "attention_mask": (torch.arange(NUM_POSITIONS) < lengths).long(),
        "labels": torch.randint(0, 3, (NUM_SENTENCES,), generator=generator),
    }


def monitored(folder, **options):
    """The trained model in evaluation mode, and the report of its last validation."""
    data = sentences()
    rows = [{name: column[row] for name, column in data.items()} for row in range(NUM_SENTENCES)]
    module, monitor = Sentences(), MemorizationMonitor(**options)
    runner = trainer(folder, callbacks=[monitor], max_epochs=1)
    runner.fit(module, DataLoader(rows, 10), DataLoader(rows, 10))
    return module.model.eval(), monitor.report


def assert_same_measures(report, expected):
    for layer, other in zip(report.layers, expected.layers, strict=True):
        # Batches of another size may change the last bits of a float32 activation.
        torch.testing.assert_close(layer.entropy, other.entropy, rtol=0, atol=1e-6)
        torch.testing.assert_close(layer.mutual_information, other.mutual_information, rtol=0, atol=1e-6)


def test_the_transformer_blocks_are_measured_over_the_positions_that_the_mask_admits(tmp_path):
    model, report = monitored(tmp_path)
    assert [layer.name for layer in report.layers] == [f"model.{name}" for name in LAYERS]
    assert [layer.width for layer in report.layers] == [32, 32]
    assert report.skipped == {}
    data = sentences()
    offline = measure(model, [data])
    assert [layer.name for layer in offline.layers] == LAYERS
    assert_same_measures(report, offline)
    with torch.no_grad():
        hidden = model(**data, output_hidden_states=True).hidden_states[1:]
    mask = data["attention_mask"][:, :, None]
    settings = MeasurementSettings()
    pooled = {name: (states * mask).sum(1) / mask.sum(1) for name, states in zip(LAYERS, hidden, strict=True)}
    assert_same_measures(report, measure_samples(pooled, settings))
    # The comparison can tell: with the padding the numbers are others.
    padded = measure_samples({name: states.mean(1) for name, states in zip(LAYERS, hidden, strict=True)}, settings)
    assert (padded.layers[1].mutual_information - report.layers[1].mutual_information).abs().max() > 0.01


def test_pooling_cls_takes_the_first_token(tmp_path):
    model, report = monitored(tmp_path, pooling="cls")
    with torch.no_grad():
        hidden = model(**sentences(), output_hidden_states=True).hidden_states[1:]
    first = {name: states[:, 0] for name, states in zip(LAYERS, hidden, strict=True)}
    assert_same_measures(report, measure_samples(first, MeasurementSettings()))
