"""The page in a real browser where there is one: no error, no request, every plot drawn. Else it is parsed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--virtual-time-budget=20000",
    "--enable-logging=stderr",
    "--v=0",
    "--dump-dom",
)


def open_page(path: Path, scratch: Path, width: int) -> tuple[str, str, list[str]] | None:
    """The DOM after the scripts ran, the browser's log, and what the page asked the network for; None without one."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return None
    net = scratch / "net.json"
    places = [f"--user-data-dir={scratch / 'profile'}", f"--log-net-log={net}", f"--window-size={width},900"]
    command = [browser, *FLAGS, *places, path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    # a browser that is confined (a snap) cannot read the page at all: that is not the page's fault
    return (done.stdout, done.stderr, requests_of_page(net)) if "At a glance" in done.stdout else None


def requests_of_page(net: Path) -> list[str]:
    """From the browser's log of the network, an event a line: what the page asked for, not the browser itself."""
    lines = [line.rstrip(",]") for line in net.read_text(encoding="utf-8").splitlines() if '"initiator"' in line]
    asked = [json.loads(line)["params"] for line in lines if line.startswith('{"params"')]
    return [each["url"] for each in asked if each["initiator"] != "not an origin"]


# 500 is the narrowest window that headless Chromium makes; the phone's layout starts below 640
@pytest.mark.parametrize("width", [1400, 500])
def test_the_page_in_a_browser(built, read_page, tmp_path, width):
    opened = open_page(built, tmp_path, width)
    page = read_page(built.read_text(encoding="utf-8") if opened is None else opened[0])
    plots = [attributes for _, attributes in page.tags if "data-plot" in attributes]
    assert len(plots) == 7
    if opened is None:
        assert {plot["data-plot"] for plot in plots} <= {script.get("id") for script in page.all("script")}
        return
    _, log, requests = opened
    (root,) = page.all("html")
    assert root.get("data-first-error") is None
    assert (root["data-ready"], root["data-errors"]) == ("true", "0")
    assert [plot["data-drawn"] for plot in plots] == ["true"] * 7
    assert sum("svg-container" in div.get("class", "") for div in page.all("div")) == 7
    assert [line for line in log.splitlines() if ":CONSOLE" in line] == []
    assert (root["data-requests"], requests) == ("0", [])
    assert root["data-overflow"] == "0"
    assert [tag for tag, attributes in page.tags if "Share" in attributes.get("data-title", "")] == []
    assert ("open" in page.all("details")[0]) == (width == 1400)
