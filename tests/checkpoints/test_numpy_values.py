"""Numbers, text and arrays of numpy in a checkpoint are read; whatever else a file makes of their names is refused."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch

from lightning_infomem.checkpoints.weight_files import UnusableCheckpoint, load_weight_file

VALUES = {
    "float64": np.float64(0.001),
    "float32": np.float32(0.25),
    "float16": np.float16(2),
    "int64": np.int64(16),
    "big-endian": np.dtype(">i4").type(7),
    "uint8": np.uint8(255),
    "bool": np.bool_(True),
    "complex": np.complex64(1 + 2j),
    "text": np.str_("adam"),
    "bytes": np.bytes_(b"adam"),
    "array": np.arange(6.0).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
    "big-endian array": np.arange(3, dtype=">f4"),
    "no dimension": np.array(3.5),
    "words": np.array(["a", "bcd"]),
}


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("kind", VALUES)
def test_values_are_read_as_they_were(tmp_path: Any, kind: str, is_zip: bool) -> None:
    saved = {"rate": VALUES[kind], "nested": [{"again": VALUES[kind]}]}
    path = tmp_path / "a.ckpt"
    torch.save({"hyper_parameters": saved, "epoch": 3}, path, _use_new_zipfile_serialization=is_zip)
    found = load_weight_file(path)["hyper_parameters"]
    for value in (found["rate"], found["nested"][0]["again"]):
        assert np.array_equal(value, VALUES[kind])
        assert value.dtype == VALUES[kind].dtype.newbyteorder("=")  # numpy turns the bytes round
        assert value.shape == VALUES[kind].shape


@pytest.mark.parametrize("protocol", [2, 5])
def test_what_was_read_is_saved_again_as_what_it_is(tmp_path: Any, protocol: int) -> None:
    torch.save(VALUES, tmp_path / "a.ckpt")
    found = pickle.loads(pickle.dumps(load_weight_file(tmp_path / "a.ckpt"), protocol))
    for name, value in VALUES.items():
        assert type(found[name]) is type(value)
        assert np.array_equal(found[name], value)


class _Forged:
    """Is pickled as a call of a function of numpy, perhaps with a state."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __reduce__(self) -> Any:
        return self.parts


def _scalar(kind: Any, *data: Any) -> _Forged:
    return _Forged(np._core.multiarray.scalar, (kind, *data))


def _array(shape: Any, kind: Any, data: Any) -> _Forged:
    return _Forged(np._core.multiarray._reconstruct, (np.ndarray, (0,), b"b"), (1, shape, kind, False, data))


@pytest.mark.parametrize(
    "value",
    [
        _scalar(_Forged(np.dtype, ("O",)), b"01234567"),
        _scalar(_Forged(np.dtype, ("V2000000000",))),
        _scalar(_Forged(np.dtype, ("U500000000",)), b""),
        _scalar(np.dtype("f8"), b"0123"),
        _scalar(np.dtype("f8"), "01234567"),
        _array((2**40,), np.dtype("f8"), b""),
        _array((-1, -1), np.dtype("f8"), b"01234567"),
        _array((1,), _Forged(np.dtype, ("O",)), [print]),
        np.array([{}], dtype=object),
        np.datetime64("2026-01-01"),
    ],
    ids=[
        "object",
        "huge record",
        "huge text",
        "short",
        "no bytes",
        "huge",
        "negative",
        "objects",
        "objects of numpy",
        "date",
    ],
)
def test_what_is_no_plain_value_is_left_out(tmp_path: Any, value: Any) -> None:
    torch.save({"epoch": 3, "extra": value}, tmp_path / "a.ckpt")
    with pytest.raises(UnusableCheckpoint):
        load_weight_file(tmp_path / "a.ckpt")


def test_what_the_user_allows_stays_as_it_is(tmp_path: Any) -> None:
    torch.save({"date": np.datetime64("2026-01-01")}, tmp_path / "a.ckpt")
    before = {*torch.serialization.get_safe_globals()}
    allowed = [np.dtype, np._core.multiarray.scalar, np.dtypes.DateTime64DType]
    with torch.serialization.safe_globals(allowed):
        assert load_weight_file(tmp_path / "a.ckpt")["date"] == np.datetime64("2026-01-01")
    assert {*torch.serialization.get_safe_globals()} == before
