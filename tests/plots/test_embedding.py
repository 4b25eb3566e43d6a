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


def test_a_figure_becomes_the_address_of_an_svg_without_background_or_date() -> None:
    figure = Figure()
    figure.subplots().set_title("a title")
    kind, data = embed_figure(figure).split(",")
    assert kind == "data:image/svg+xml;base64"
    picture = base64.b64decode(data).decode()
    assert ElementTree.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"
    assert "dc:date" not in picture
    assert "fill: #ffffff" not in picture


@pytest.mark.parametrize("way", ["embedded", "saved"])
def test_an_image_in_an_svg_has_a_pixel_a_cell(tmp_path, way: str) -> None:
    figure = Figure()
    figure.subplots().imshow(np.arange(35.0).reshape(5, 7))
    if way == "saved":
        picture = save_figure(figure, tmp_path / "map.svg").read_text()
    else:
        picture = base64.b64decode(embed_figure(figure).split(",")[1]).decode()
    (data,) = re.findall(r"data:image/png;base64,([^\"]*)", picture)
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (7, 5)
