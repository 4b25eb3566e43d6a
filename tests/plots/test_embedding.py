from __future__ import annotations

import base64
from xml.etree import ElementTree

from matplotlib.figure import Figure

from lightning_infomem.plots import embed_figure


def test_a_figure_becomes_the_address_of_an_svg_without_background_or_date() -> None:
    figure = Figure()
    figure.subplots().set_title("a title")
    kind, data = embed_figure(figure).split(",")
    assert kind == "data:image/svg+xml;base64"
    picture = base64.b64decode(data).decode()
    assert ElementTree.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"
    assert "dc:date" not in picture
    assert "fill: #ffffff" not in picture
