"""A message about a refused checkpoint names everything that is missing, and allowing that is enough."""

from __future__ import annotations

import argparse
import functools
import pathlib
import re

import numpy as np
import pytest
import torch

from lightning_infomem.checkpoints.trusted_names import trusted_names
from lightning_infomem.checkpoints.weight_files import UnusableCheckpoint, load_weight_file


class Choices(argparse.Namespace):
    """Hyperparameters of a class of one's own."""


class Unannounced(argparse.Namespace):
    """Is made by a function, so that no name in a file announces it."""

    def __reduce__(self):
        return make_unannounced, (), vars(self)


def make_unannounced():
    return Unannounced()


HYPERPARAMETERS = {
    "a path and a number of numpy": [pathlib.PurePosixPath("data"), np.float64(0.1)],
    "a namespace": argparse.Namespace(rate=0.1, folder=pathlib.PurePosixPath("data")),
    "a class of one's own": Choices(inner=Choices(rate=0.1)),
    "a function with arguments": [functools.partial(int, base=2).args, Choices(rate=np.int64(3))],
}


@pytest.mark.parametrize("kind", HYPERPARAMETERS)
def test_what_the_message_lists_is_enough(tmp_path, kind):
    path = tmp_path / "a.ckpt"
    torch.save({"hyper_parameters": HYPERPARAMETERS[kind], "epoch": 3}, path)
    with pytest.raises(UnusableCheckpoint, match="loading it would run code: it holds") as refused:
        load_weight_file(path)
    assert "remove" not in str(refused.value)
    assert "numpy" not in str(refused.value)
    names = re.search(r"--allow (.+)$", str(refused.value))[1].split()
    assert f"torch.serialization.add_safe_globals([{', '.join(names)}])" in str(refused.value)
    with trusted_names(names):
        assert load_weight_file(path)["hyper_parameters"] == HYPERPARAMETERS[kind]
    with pytest.raises(UnusableCheckpoint):
        load_weight_file(path)


def test_a_class_that_only_the_loading_shows_is_named(tmp_path):
    torch.save({"extra": Unannounced(rate=0.1)}, tmp_path / "a.ckpt")
    names = [f"{__name__}.make_unannounced", f"{__name__}.Unannounced"]
    with (
        trusted_names(names[:1]),
        pytest.raises(UnusableCheckpoint, match=rf"it holds {names[1]}; .* --allow {names[1]}$"),
    ):
        load_weight_file(tmp_path / "a.ckpt")
    with trusted_names(names):
        assert load_weight_file(tmp_path / "a.ckpt")["extra"].rate == 0.1


@pytest.mark.parametrize("name", ["pathlib.Posix", "nowhere.Path", "pathlib", "", "a..b"])
def test_a_name_that_does_not_exist_is_refused(name):
    with pytest.raises(ValueError, match=f"--allow: the full name of a class or function is required, got '{name}'"):
        trusted_names([name])
