"""Run the code blocks of the README one after the other, as a reader would type them."""

import re
import warnings
from pathlib import Path

import pytest
import torch

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)


def test_there_is_something_to_run():
    assert len(BLOCKS) >= 3


def test_the_code_blocks_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # Networks are random. Rarely, one predicts a single class and the alarm abstains, so that no checkpoint is kept.
    torch.manual_seed(0)
    space: dict[str, object] = {"__name__": "readme"}
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # readers may see warnings from Lightning and from us
        for block in BLOCKS:
            exec(compile(block, "README.md", "exec"), space)


@pytest.mark.parametrize("link", re.findall(r"\]\((?!https?://|#)([^)]+)\)", README.read_text()))
def test_links_point_to_files_that_exist(link):
    assert (README.parent / link).exists()
