"""Folders of transformers count as one checkpoint each, with the files next to the weights."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from torch import nn

from lightning_infomem.checkpoints.huggingface_folder import REPORT_FILE
from lightning_infomem.checkpoints.reading import (
    UnusableCheckpoint,
    files_of_checkpoint,
    find_checkpoints,
    load_checkpoint,
    read_checkpoint,
)
from lightning_infomem.measurement import measure
from lightning_infomem.offline.offline_measurement import OfflineMeasurement
from lightning_infomem.records.report import REPORT_KEY
from lightning_infomem.selection.read_candidates import read_candidates
from tests.checkpoints.checkpoint_files import make_report

transformers = pytest.importorskip("transformers")

TOKENS = torch.randint(0, 30, (24, 5), generator=torch.Generator().manual_seed(0)).split(12)


def _model(seed=0):
    torch.manual_seed(seed)
    # Input and output embeddings are tied, and the file holds but one of them.
    config = transformers.GPT2Config(
        vocab_size=30, n_positions=8, n_embd=8, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0
    )
    return transformers.GPT2LMHeadModel(config)


def _say(folder, **state):
    (folder / "trainer_state.json").write_text(json.dumps(state))


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """What a Trainer leaves: two checkpoints, one of them in several files, and the last model beside them."""
    output = tmp_path_factory.mktemp("output")
    _model(1).save_pretrained(output / "checkpoint-500")
    _model(2).save_pretrained(output / "checkpoint-1000", max_shard_size="2KB")
    history = [
        {"step": 500, "eval_loss": 0.75, "eval_runtime": 2.0, "eval_infomem/mi_mean": 0.1},
        {"step": 1000, "loss": 0.5},
        {"step": 1000, "eval_loss": 0.25, "eval_accuracy": 0.5, "eval_samples_per_second": 3.0},
    ]
    _say(output / "checkpoint-500", epoch=1.0, global_step=500, log_history=history[:1])
    _say(output / "checkpoint-1000", epoch=2.5, global_step=1000, log_history=history)
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth", "training_args.bin"):
        torch.save({"state": 1}, output / "checkpoint-500" / name)
    return output


def test_a_folder_is_one_checkpoint_and_the_files_in_it_are_none(output):
    assert len(list((output / "checkpoint-1000").glob("*.safetensors"))) > 1
    folders = [output / "checkpoint-1000", output / "checkpoint-500"]
    assert find_checkpoints(output) == folders
    assert find_checkpoints(folders[1]) == [folders[1]]


def test_a_model_next_to_its_checkpoints_is_one_too(output, tmp_path):
    shutil.copytree(output, tmp_path / "run")
    _model(3).save_pretrained(tmp_path / "run")
    torch.save({}, tmp_path / "run" / "training_args.bin")
    names = [path.relative_to(tmp_path).as_posix() for path in find_checkpoints(tmp_path)]
    assert names == ["run", "run/checkpoint-1000", "run/checkpoint-500"]


def test_a_link_to_a_folder_counts_once(output, tmp_path):
    shutil.copytree(output / "checkpoint-500", tmp_path / "checkpoint-500")
    (tmp_path / "best").symlink_to("checkpoint-500")
    assert find_checkpoints(tmp_path) == [tmp_path / "checkpoint-500"]


def test_epoch_step_and_the_evaluation_of_exactly_that_step_are_read(output):
    record = read_checkpoint(output / "checkpoint-500")
    assert (record.epoch, record.step, dict(record.metrics)) == (1, 500, {"eval_loss": 0.75})
    record = read_checkpoint(output / "checkpoint-1000")
    assert (record.epoch, record.step, record.report, record.notes) == (2, 1000, None, ())
    assert record.metrics == {"eval_loss": 0.25, "eval_accuracy": 0.5}


def test_weights_of_one_file_and_of_several_are_measured_like_the_model(output):
    measurement = OfflineMeasurement(_model(), TOKENS)
    candidates, skipped = read_candidates(find_checkpoints(output), measurement)
    assert not skipped
    for each, seed in zip(candidates, (2, 1), strict=True):
        expected = measure(_model(seed), TOKENS)
        assert each.layers.keys() == {layer.name for layer in expected.layers}
        for layer in expected.layers:
            assert each.layers[layer.name].mutual_information == pytest.approx(layer.pairs().mean().item())


def test_a_function_may_build_the_model_from_the_configuration(output):
    def build(checkpoint):
        config = transformers.GPT2Config(**checkpoint["config"])
        return transformers.GPT2Model(config)

    report = OfflineMeasurement(build, TOKENS)(output / "checkpoint-500")
    assert [layer.name for layer in report.layers] == ["h.0"]  # without a head, the last block is the output


@pytest.mark.parametrize("several", [False, True])
def test_pickled_weights_are_read_too(tmp_path, several):
    network = nn.Linear(3, 2)
    folder = tmp_path / "checkpoint-1"
    folder.mkdir()
    _say(folder, epoch=1.0, global_step=1, log_history=[])
    if several:
        names = {"weight": "pytorch_model-00001-of-00002.bin", "bias": "pytorch_model-00002-of-00002.bin"}
        for key, name in names.items():
            torch.save({key: network.state_dict()[key]}, folder / name)
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": names}))
    else:
        torch.save(network.state_dict(), folder / "pytorch_model.bin")
    assert find_checkpoints(tmp_path) == [folder]
    assert len(files_of_checkpoint(folder)) == 1 + several
    weights = load_checkpoint(folder)["state_dict"]
    assert torch.equal(weights["weight"], network.weight)
    assert torch.equal(weights["bias"], network.bias)


def test_the_report_next_to_the_weights_is_read(output, tmp_path):
    folder = shutil.copytree(output / "checkpoint-500", tmp_path / "checkpoint-500")
    torch.save({REPORT_KEY: make_report({"h.0": 0.5}, step=500).to_state()}, folder / REPORT_FILE)
    record = read_checkpoint(folder)
    assert record.report["h.0"].pairs().tolist() == [0.5, 0.5, 0.5]
    assert record.notes == ()
    torch.save({REPORT_KEY: make_report({"h.0": 0.5}, step=250).to_state()}, folder / REPORT_FILE)
    assert read_checkpoint(folder).notes == ("the report was measured at another step than the weights",)


def _lose_a_shard(folder):
    sorted(folder.glob("model-*.safetensors"))[0].unlink()


def _damage_a_shard(folder):
    sorted(folder.glob("model-*.safetensors"))[0].write_bytes(b"\0" * 20)


def _damage_the_index(folder):
    (folder / "model.safetensors.index.json").write_text("{")


def _point_outside(folder):
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../secret.safetensors"}}')


def _lose_all_weights(folder):
    for file in folder.glob("model*"):
        file.unlink()


def _damage_the_report(folder):
    (folder / REPORT_FILE).write_text("no report")


def _damage_the_configuration(folder):
    (folder / "config.json").write_text("{")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_lose_a_shard, r"1 of its \d+ weight files are missing \(model-00001"),
        (_damage_a_shard, r"its model-00001.*damaged"),
        (_damage_the_index, r"its model\.safetensors\.index\.json cannot be read"),
        (_point_outside, "names files outside the folder"),
        (_lose_all_weights, "has no weights: one of model.safetensors"),
        (_damage_the_report, f"its {REPORT_FILE}: not a torch checkpoint"),
        (_damage_the_configuration, r"its config\.json cannot be read"),
    ],
)
def test_a_folder_that_cannot_be_used_is_skipped_with_the_reason(output, tmp_path, damage, reason):
    folder = shutil.copytree(output / "checkpoint-1000", tmp_path / "checkpoint-1000")
    damage(folder)
    candidates, skipped = read_candidates(find_checkpoints(tmp_path), OfflineMeasurement(_model(), TOKENS))
    assert not candidates
    with pytest.raises(UnusableCheckpoint, match=reason):
        raise UnusableCheckpoint(skipped[str(folder)])


def test_dropout_and_duration_are_read_from_texts_alone(output, tmp_path):
    folder = shutil.copytree(output / "checkpoint-500", tmp_path / "checkpoint-500")
    _say(folder, global_step=500, train_batch_size=8, num_train_epochs=3, max_steps=1500, best_metric=0.5)
    recipe = read_checkpoint(folder).recipe
    durations = {"train_batch_size": 8, "num_train_epochs": 3, "max_steps": 1500}
    assert (
        recipe == {"attn_pdrop": 0.1, "embd_pdrop": 0.1, "resid_pdrop": 0.1, "summary_first_dropout": 0.1} | durations
    )
    (folder / "config.json").write_text("[" * 100_000)
    assert read_checkpoint(folder).recipe == durations
    (folder / "trainer_state.json").write_text("[]")
    assert read_checkpoint(folder).recipe == {}


def test_a_log_that_cannot_be_read_is_noted_and_the_weights_are_used(output, tmp_path):
    folder = shutil.copytree(output / "checkpoint-500", tmp_path / "checkpoint-500")
    for words in ("{", "[]", '{"epoch": "one"}'):
        (folder / "trainer_state.json").write_text(words)
        record = read_checkpoint(folder)
        assert (record.epoch, record.step, record.metrics) == (None, None, {})
        assert record.notes[0].startswith("its trainer_state.json cannot be read")


def test_a_deepspeed_folder_is_named_with_its_own_script(tmp_path):
    folder = tmp_path / "checkpoint-5"
    (folder / "global_step5").mkdir(parents=True)
    _say(folder, epoch=1.0, global_step=5, log_history=[])
    (folder / "zero_to_fp32.py").touch()
    assert find_checkpoints(tmp_path) == [folder]
    with pytest.raises(UnusableCheckpoint, match=r"zero_to_fp32\.py"):
        read_checkpoint(folder)
