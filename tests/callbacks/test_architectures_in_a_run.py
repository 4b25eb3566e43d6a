"""Every architecture of the table is watched in a run as it was read from one batch, and trains as without us."""

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from lightning_infomem.callbacks import MemorizationMonitor
from lightning_infomem.sampling.batches import leaf_tensors
from lightning_infomem.sampling.forward import forward_batch
from tests.networks import num_hooks, trainer
from tests.sampling.test_architectures import ARCHITECTURES, REMARKS


class Run(pl.LightningModule):
    """Makes the outputs of any network small."""

    def __init__(self, network, forward):
        super().__init__()
        self.network, self.run = network, forward

    def training_step(self, batch, batch_idx):
        outputs = [each for each in leaf_tensors(self.run(self.network, batch)) if each.requires_grad]
        return sum(each.square().mean() for each in outputs)

    def validation_step(self, batch, batch_idx):
        self.run(self.network, batch)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1e-3)


def fit(folder, architecture, *callbacks):
    torch.manual_seed(0)
    network, forward = architecture.build(), architecture.options.get("forward", forward_batch)
    with torch.no_grad():
        forward(network.eval(), architecture.batch())  # lazy layers need it before there is an optimizer
    if not any(parameter.requires_grad for parameter in network.parameters()):
        return None
    module, batches = Run(network.train(), forward), DataLoader([architecture.batch()], batch_size=None)
    trainer(folder, callbacks=callbacks, max_epochs=1).fit(module, batches, batches)
    return module


@pytest.mark.filterwarnings(*REMARKS)
@pytest.mark.parametrize("name", [name for name, each in ARCHITECTURES.items() if each.layers])
def test_a_run_is_watched_as_its_network_was_read(tmp_path, name):
    expected = ARCHITECTURES[name]
    monitor = MemorizationMonitor(examples=expected.options.get("examples"), on_error="raise")
    module = fit(tmp_path, expected, monitor)
    if module is None:
        pytest.skip("nothing of it is trained")
    found = {
        layer.name: (layer.num_samples, layer.width) for layer in (monitor.report.layers if monitor.report else ())
    }
    assert found == {
        f"network.{layer}": units if isinstance(units, tuple) else (expected.examples, units)
        for layer, units in expected.layers.items()
    }
    assert num_hooks(module) == 0
    alone = fit(tmp_path, expected).state_dict()
    for key, value in module.state_dict().items():
        assert torch.equal(value, alone[key]), key
