"""The real TensorBoard in a real browser, on the folder of a real run."""

import re
import subprocess
import sys
import time
import urllib.request
from collections import namedtuple

import pytest
import torch
from pytorch_lightning.loggers import TensorBoardLogger

from lightning_infomem.callbacks import MemorizationMonitor
from tests.networks import Classifier, dense, loader, mlp, trainer

PATIENCE = 20  # seconds until a page shows what it should

# What a reader sees, piece by piece: the parts of TensorBoard hide theirs in shadow trees.
SEEN = """
const texts = [], images = [];
const walk = node => {
  if (node.nodeType === Node.TEXT_NODE) {
    const text = node.textContent.trim().replace(/\\s+/g, " ");
    if (text) texts.push(text);
  } else if (node.nodeType === Node.ELEMENT_NODE) {
    if (["STYLE", "SCRIPT", "TEMPLATE"].includes(node.tagName)) return;
    const style = getComputedStyle(node);
    if (style.display === "none" || style.visibility === "hidden") return;
    if (node.tagName === "IMG" && node.naturalWidth > 0) images.push(node.naturalWidth);
    const inside = node.tagName === "SLOT" ? node.assignedNodes() : (node.shadowRoot || node).childNodes;
    Array.from(inside).forEach(walk);
  }
};
walk(document.body);
return [texts, images];
"""


class Tuned(Classifier):
    def __init__(self, width=10, rate=0.1):
        super().__init__(mlp())
        self.save_hyperparameters()

    def training_step(self, batch, batch_idx):
        loss = super().training_step(batch, batch_idx)
        self.log("train_loss", loss)
        return loss


Run = namedtuple("Run", ["folder", "history"])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two epochs with all that Lightning logs by itself."""
    folder = tmp_path_factory.mktemp("logs")
    torch.manual_seed(0)
    monitor = MemorizationMonitor()
    logger = TensorBoardLogger(folder, name="", version="run", default_hp_metric=False)
    runner = trainer(folder, callbacks=[monitor], logger=logger, max_epochs=2, log_every_n_steps=2)
    runner.fit(Tuned(), loader(dense()), loader(dense(seed=1)))
    return Run(folder, monitor.history)


@pytest.fixture(scope="module")
def address(run):
    """Of a TensorBoard that has read the run."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(run.folder), "--host", "127.0.0.1"]
    with subprocess.Popen(
        [*command, "--port", "0", "--reload_interval", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            found = next(filter(None, (re.search(r"http://127\.0\.0\.1:\d+", line) for line in server.stderr))).group()
            until = time.monotonic() + PATIENCE
            while b"run" not in urllib.request.urlopen(f"{found}/data/runs").read():
                assert time.monotonic() < until, "TensorBoard has read no run"
                time.sleep(0.1)
            yield found
        finally:
            server.terminate()


@pytest.fixture
def page(browser, address, screenshots):
    """Opens a tab, waits until it shows some words and enough pictures, and keeps what it looks like."""

    def opened(tab, *, until=(), images=0):
        if browser.current_url.startswith(address):
            browser.execute_script("location.hash = arguments[0]", tab)
        else:
            browser.get(f"{address}/#{tab}")
        patience = time.monotonic() + PATIENCE
        while True:
            texts, found = browser.execute_script(SEEN)
            if all(any(word in text for text in texts) for word in until) and len(found) >= images:
                break
            assert time.monotonic() < patience, f"{tab} shows {len(found)} images and {texts}, and no {until}"
            time.sleep(0.1)
        time.sleep(0.7)  # charts come in gently
        browser.save_screenshot(str(screenshots / f"tensorboard_{tab}.png"))
        return browser.execute_script(SEEN)

    return opened


@pytest.mark.parametrize("tab", ["timeseries", "scalars"])
def test_scalars_open_on_the_two_means(page, tab):
    texts, _ = page(tab, until=("Memorization", "mutual information in nats", "epoch"))
    assert texts.index("Memorization") < texts.index("epoch")
    before = texts[: texts.index("epoch")]
    assert sum("entropy in nats" in text for text in before) >= 1
    assert sum("mutual information in nats" in text for text in before) >= 1


def test_the_figures_are_under_images(page):
    names = ("epochs_map", "information_map", "layers", "run")
    texts, images = page("images", until=[f"infomem/{name}" for name in names], images=4)
    assert [text for text in texts if text in {f"infomem/{name}" for name in names}]
    assert min(images[:4]) > 500


@pytest.mark.parametrize("tab", ["histograms", "distributions"])
def test_units_and_pairs_of_each_layer_have_histograms_and_distributions(page, tab):
    names = [f"infomem/network.{layer}/{what}" for layer in (0, 2) for what in ("entropy", "mi")]
    page(tab, until=names)


def test_the_text_says_what_the_numbers_mean(page):
    texts, _ = page("text", until=("What the numbers mean", "What they do not mean", "How this run is measured"))
    assert any(text.startswith("There is no threshold") for text in texts)
    assert "network.0" in texts
    assert "1024" in texts


def test_the_last_measures_are_shown_with_the_hyperparameters(page, run):
    measures = ("mi_mean", "entropy_mean", "memorizing")
    texts, _ = page("hparams", until=("rate", *(f"infomem/{name}" for name in measures)))
    assert {"width", "rate"} <= set(texts)
    for name in measures[:2]:
        assert f"{run.history[-1][f'infomem/{name}']:#.5g}" in texts


def test_all_layers_are_in_one_chart(page):
    charts = ("mutual information of each layer (nats)", "entropy of each layer (nats)", "smoothness of each layer")
    texts, _ = page("custom_scalars", until=("Memorization, layer by layer", *charts, "Matches"))
    assert texts.count("Matches (2)") >= 2  # of two layers
