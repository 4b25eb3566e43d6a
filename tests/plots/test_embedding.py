from __future__ import annotations

import re
from xml.etree import ElementTree

from matplotlib.figure import Figure

from lightning_infomem.plots import embed_figure


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
