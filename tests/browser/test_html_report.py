"""The page of a run in a real browser."""

from __future__ import annotations

import base64

import pytest

from lightning_infomem.cli.main import main
from tests.checkpoints.checkpoint_files import make_run, save_run


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    """The browser, at the page of a run that memorizes."""
    folder = tmp_path_factory.mktemp("report")
    reports = make_run(8, memorizes=True)
    for count in (4, 8):
        save_run(folder / "run" / f"epoch={count - 1}.ckpt", reports[:count], run_id="one")
    assert main(["report", str(folder / "run"), "--output", str(folder / "report.html")]) == 0
    browser.get((folder / "report.html").as_uri())
    return browser


def _numbers(page, column):
    rows = (
        "[...document.querySelectorAll('table')].find(t => t.tHead.textContent.includes('measured at')).tBodies[0].rows"
    )
    return page.execute_script(f"return [...{rows}].map(row => row.cells[{column}].textContent)")


def _sort(page, name):
    heads = "[...document.querySelectorAll('table')].find(t => t.tHead.textContent.includes('measured at'))"
    script = f"const head = [...{heads}.tHead.rows[0].cells].find(each => each.textContent === '{name}');"
    return page.execute_script(f"{script} head.firstChild.click(); return head.getAttribute('aria-sort')")


def test_nothing_is_fetched_and_nothing_is_refused(page):
    fetched = page.execute_script("return performance.getEntriesByType('resource').map(each => each.name)")
    assert [name for name in fetched if not name.startswith("data:")] == []
    assert [entry["message"] for entry in page.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_every_figure_is_seen_and_none_is_wider_than_the_page(page, screenshots):
    boxes = page.execute_script(
        "return [...document.querySelectorAll('figure svg')].map(each => each.getBoundingClientRect().toJSON())"
    )
    width = page.execute_script("return document.documentElement.clientWidth")
    assert len(boxes) == 5
    for box in boxes:
        assert box["height"] > 150
        assert 0 <= box["left"] < box["right"] <= width
    assert page.execute_script("return document.documentElement.scrollWidth") == width
    height = page.execute_script("return document.documentElement.scrollHeight")
    picture = page.execute_cdp_cmd(
        "Page.captureScreenshot",
        {"captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}},
    )
    (screenshots / "report.png").write_bytes(base64.b64decode(picture["data"]))


def test_names_within_figures_lead_to_what_is_in_the_same_figure(page):
    lost = page.execute_script(
        "return [...document.querySelectorAll('figure svg use')].filter(each => {"
        "  const name = (each.getAttribute('href') || each.getAttribute('xlink:href')).slice(1);"
        "  const found = [...document.querySelectorAll(`[id='${name}']`)];"
        "  return found.length !== 1 || found[0].closest('svg') !== each.closest('svg');"
        "}).length"
    )
    assert lost == 0


def test_a_click_sorts_a_table_and_a_second_one_turns_it_round(page):
    before = _numbers(page, 3)
    assert before == sorted(before, reverse=True)
    assert _sort(page, "MI") == "ascending"
    assert _numbers(page, 3) == sorted(before)
    assert _sort(page, "MI") == "descending"
    assert _numbers(page, 3) == before
    assert _sort(page, "measured at") == "ascending"
    assert _numbers(page, 0) == [f"step {step}" for step in range(10, 90, 10)]


def test_on_a_telephone_only_tables_and_figures_scroll(page, screenshots):
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    try:
        assert page.execute_script("return document.documentElement.scrollWidth") == 400
        page.save_screenshot(str(screenshots / "report-narrow.png"))
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_in_the_dark_paper_is_dark_and_figures_are_turned_round(page, screenshots):
    page.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    try:
        style = "return getComputedStyle(document.querySelector('{}')).{}"
        red, green, blue = map(int, page.execute_script(style.format("body", "backgroundColor"))[4:-1].split(","))
        assert max(red, green, blue) < 60
        assert "invert" in page.execute_script(style.format("figure svg", "filter"))
        page.save_screenshot(str(screenshots / "report-dark.png"))
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_it_prints(page, screenshots):
    paper = base64.b64decode(page.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert paper.startswith(b"%PDF")
    assert len(paper) > 20_000
    (screenshots / "report.pdf").write_bytes(paper)
