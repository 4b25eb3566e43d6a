from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from lightning_infomem.plots import save_figure


def figure() -> Figure:
    drawn = Figure(figsize=(1, 1))
    drawn.subplots().plot([0, 1])
    return drawn


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".PNG", b"\x89PNG"), (".svg", b"<?xml")])
def test_the_suffix_decides_the_format(tmp_path: Path, suffix: str, start: bytes) -> None:
    path = tmp_path / f"layers{suffix}"
    assert save_figure(figure(), str(path)) == path
    assert path.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "layers.png"
    path.write_bytes(b"old")
    drawn = figure()

    def fail(target: Path, **_: object) -> None:
        Path(target).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(drawn, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        save_figure(drawn, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"suffix of 'layers.gif'\): one of '.png', '.svg' is required, got '.gif'"):
        save_figure(figure(), tmp_path / "layers.gif")
