"""A text file is written as a whole or not at all, whatever its name."""

from __future__ import annotations

import pytest

from lightning_infomem.reporting.text_file import write_text


@pytest.mark.parametrize("name", ["a.html", "a" * 250 + ".html", "\u00e4" * 127])
def test_a_file_has_its_name_and_nothing_is_left_beside_it(tmp_path, name):
    for text in ("first", "second"):
        write_text(tmp_path / name, text)
    assert (tmp_path / name).read_text() == "second"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_name_that_no_file_can_have_is_said_and_nothing_is_left(tmp_path):
    with pytest.raises(OSError, match="File name too long"):
        write_text(tmp_path / ("a" * 256), "text")
    assert not list(tmp_path.iterdir())
