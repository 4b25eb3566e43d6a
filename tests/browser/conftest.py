"""A real browser, where there is one: Debian's packages chromium and chromium-driver, and the package selenium."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SIZE = "1400,1000"
# No word to any server: names resolve to nothing but this machine, and the browser's own services stay silent.
OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # which a container does not allow
    "--disable-gpu",
    "--disable-dev-shm-usage",
    f"--window-size={SIZE}",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
)


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A selenium driver of a headless Chromium, 1400 x 1000 pixels; it sees this machine and no other."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    missing = [name for name, path in (("chromium", program), ("chromedriver", driver)) if path is None]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} here; on Debian: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    profile = tmp_path_factory.mktemp("profile")
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=driver)  # named, so that selenium looks for none on the net
    running = webdriver.Chrome(options=options, service=service)
    yield running
    running.quit()


@pytest.fixture(scope="session")
def screenshots():
    """The folder for pictures of pages, which stays behind to be looked at."""
    folder = ROOT / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
