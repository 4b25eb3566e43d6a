from __future__ import annotations

from pathlib import Path

import pytest

from lightning_infomem.plots.names import name_checkpoints


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["runs/a.ckpt", "runs/b.ckpt"], ["a", "b"]),
        (["a.ckpt", "b.ckpt"], ["a", "b"]),
        (["/runs/a.ckpt"], ["a"]),
        (["runs/a.ckpt", "runs/b.pt"], ["a.ckpt", "b.pt"]),
        (["runs/a/x/last.ckpt", "runs/b/x/last.ckpt"], ["a/x", "b/x"]),
        (["runs/last.ckpt", "runs/b/last.ckpt"], ["last", "b/last"]),
        (["runs/a/last.ckpt", "runs/a/first.ckpt"], ["last", "first"]),
    ],
)
def test_what_all_share_is_not_named(paths: list[str], names: list[str]) -> None:
    assert name_checkpoints(list(map(Path, paths))) == names


def test_long_names_lose_the_start_that_all_share_up_to_a_whole_word() -> None:
    start = "a-start-that-goes-on-and-on-without-saying-much-lr"
    assert name_checkpoints([Path(f"{start}=0.1.ckpt"), Path(f"{start}=0.01.ckpt")]) == ["…lr=0.1", "…lr=0.01"]


def test_names_that_are_still_too_long_lose_their_middle_and_stay_apart() -> None:
    long = [Path(f"{letter}{'x' * 60}{end}.ckpt") for letter in "ab" for end in (1, 2)]
    names = name_checkpoints(long)
    assert names[0] == "a" + "x" * 11 + "…" + "x" * 24 + "1"
    assert {len(name) for name in names} == {38}
    assert len(set(names)) == 4


def test_names_that_only_their_middle_tells_apart_are_numbered() -> None:
    names = name_checkpoints([Path(f"a{'x' * 30}{letter}{'x' * 60}.ckpt") for letter in "ab"])
    assert [name[-4:] for name in names] == [" (1)", " (2)"]
    assert max(map(len, names)) == 38
