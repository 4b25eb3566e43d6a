from __future__ import annotations

import base64
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from lightning_infomem.plots import embed_figure, save_figure


def _figure(title: str = "a title") -> Figure:
    figure = Figure()
    axes = figure.subplots()
    axes.plot([0, 1, 2], [0, 3, 1], marker="o", clip_on=True)
    axes.set_title(title)
    return figure


def _names(drawing: str) -> list[str]:
    return re.findall(r' id="([^"]*)"', drawing)


def test_a_figure_becomes_an_element_without_background_date_or_style() -> None:
    drawing = embed_figure(_figure(), "points & <lines>")
    parsed = ElementTree.fromstring(drawing)
    assert parsed.tag == "{http://www.w3.org/2000/svg}svg"
    assert parsed.attrib["aria-label"] == "points & <lines>"
    for word in ("date", "fill: #ffffff", "<style", "<!--", "matplotlib"):
        assert word not in drawing


def test_every_name_that_is_looked_up_is_there_once_and_no_other() -> None:
    drawing = embed_figure(_figure(), "")
    looked_up = set(re.findall(r'href="#([^"]+)"', drawing)) | set(re.findall(r"url\(#([^)]+)\)", drawing))
    assert looked_up
    assert sorted(_names(drawing)) == sorted(looked_up)


def test_two_figures_share_no_name_and_the_same_figure_is_written_alike() -> None:
    one, other = (embed_figure(_figure(title), "") for title in ("one", "other"))
    assert not set(_names(one)) & set(_names(other))
    assert embed_figure(_figure("one"), "") == one


def test_names_of_layers_cannot_leave_the_drawing() -> None:
    drawing = embed_figure(_figure('--><script>alert(1)</script> id="a" <style>'), "")
    assert "<script" not in drawing
    ElementTree.fromstring(drawing)


@pytest.mark.parametrize("way", ["embedded", "saved"])
def test_an_image_in_an_svg_has_a_pixel_a_cell(tmp_path, way: str) -> None:
    figure = Figure()
    figure.subplots().imshow(np.arange(35.0).reshape(5, 7))
    drawing = embed_figure(figure, "") if way == "embedded" else save_figure(figure, tmp_path / "map.svg").read_text()
    (data,) = re.findall(r"data:image/png;base64,([^\"]*)", drawing)
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (7, 5)
