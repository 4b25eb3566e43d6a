"""Names that every logger takes, and that stay different."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import product

import pytest
import torch

from lightning_infomem.information_plane import Binning, InformationPlane
from lightning_infomem.model_information import CodelengthMonitor
from lightning_infomem.records.metric_names import MetricName, check_prefix, logged_name, metric_name, overview_name


def test_what_loggers_take_stays_as_it_is():
    for name in ("encoder.layers.0", "a b-c_d.E9", "fc"):
        assert logged_name(name) == name
    assert metric_name("infomem", "mi_mean", "fc.0") == "infomem/fc.0/mi_mean"
    assert metric_name("probe/val", "mi_mean") == "probe/val/mi_mean"


def test_other_characters_are_replaced_and_names_stay_different():
    names = ["".join(parts) for parts in product(["音", "画", "[", "]", "/", ":", "@", "\n", "\ud800", "é"], repeat=2)]
    names += ["__", "_a", "a/b", "a:b", "a_b", *names[:3]]
    logged = {name: logged_name(name) for name in names}
    assert len(set(logged.values())) == len(logged)
    assert all(re.fullmatch(r"[A-Za-z0-9_. -]+", name) for name in logged.values())
    assert all(logged_name(name) == name for name in logged.values())


def test_a_name_does_not_depend_on_the_process():
    code = "from lightning_infomem.records.metric_names import logged_name; print(logged_name('user:age'))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == logged_name("user:age")


@pytest.mark.parametrize("prefix", ["infomem", "probe/val", "a/b/c", "with space", "fc.0"])
def test_a_name_is_split_where_it_was_put_together(prefix):
    assert check_prefix(prefix) == prefix
    for layer in (None, "fc.0", "[0]/x"):
        expected = MetricName(prefix, None if layer is None else logged_name(layer), "mi_mean")
        assert MetricName.of(metric_name(prefix, "mi_mean", layer), prefix) == expected
    assert MetricName.of(f"other/{prefix}/mi_mean", prefix) is None
    assert MetricName.of(f"{prefix}/a/b/mi_mean", prefix) is None
    assert overview_name(prefix, "entropy").endswith(
        "Memorization/entropy" if prefix == "infomem" else f"{prefix}/entropy"
    )


def _codelength_monitor(prefix):
    return CodelengthMonitor(prefix=prefix)


def _information_plane(prefix):
    return InformationPlane([torch.zeros(9, 2)], [Binning()], prefix=prefix)


@pytest.mark.parametrize("prefix", ["", "a//b", "/a", "a/", "プローブ", "a\n", "a:b", "\x1b[2J"])
@pytest.mark.parametrize("kind", [check_prefix, _codelength_monitor, _information_plane])
def test_a_prefix_that_a_logger_refuses_is_refused_by_its_name(prefix, kind):
    with pytest.raises(ValueError, match=r"^prefix: letters from A to Z.* got "):
        kind(prefix)
    with pytest.raises(TypeError, match="prefix: a string is required, got int 3"):
        check_prefix(3)
