"""Reads what a run of W&B wrote in offline mode."""

import json
import struct
import time

_BLOCK, _HEAD = 32768, struct.Struct("<IHB")
_MAGIC = b":W&B"


def read_history(path, *, num_rows=0):
    """The rows of a run's history, of which so many are waited for: W&B writes them from another process."""
    deadline = time.monotonic() + 30
    while len(rows := _read(path)) < num_rows and time.monotonic() < deadline:
        time.sleep(0.2)
    return rows


def _read(path):
    """The rows, name -> value, a histogram or picture being a dictionary, from a ``.wandb`` file.

    The file is a log of LevelDB: blocks of 32 KiB with pieces of records, each after checksum, length and kind.
    """
    from wandb.proto.wandb_internal_pb2 import Record

    data = path.read_bytes()
    assert data.startswith(_MAGIC)
    rows, at, record = [], 7, b""
    while at + _HEAD.size <= len(data):
        left = _BLOCK - at % _BLOCK
        if left < _HEAD.size:
            at += left
            continue
        _, length, kind = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        record += data[at : at + length]
        at += length
        if kind in (1, 4):  # the whole record, or its last piece
            row = {}
            for item in Record.FromString(record).history.item:
                *parts, last = item.nested_key or [item.key]
                inner = row
                for part in parts:
                    inner = inner.setdefault(part, {})
                inner[last] = json.loads(item.value_json)
            rows += [row] if row else []
            record = b""
    return rows
