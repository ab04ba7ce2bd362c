# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of an audit in a real browser: on a phone, on a desk, by night and on paper. ``make report`` installs what this needs."""

from __future__ import annotations

import base64
import json
import shutil
import struct
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any, Iterator

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.audit import report
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from tests.report.pages import HOSTILE, empty_document, hostile_document

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
PHONE, DESK = 390, 1280
# Every hostile name is parsed in the unit tests; here are those that a browser might act on, and the one that might be too wide.
PAGES = {
    "nothing": empty_document(),
    "script": hostile_document(HOSTILE[0]),
    "image": hostile_document(HOSTILE[1]),
    "wide": hostile_document(HOSTILE[-1]),
}


CONTRAST = """
const shown = c => { const v = c.match(/[\\d.]+/g).map(Number); return v.length > 3 && v[3] === 0 ? null : v.slice(0, 3) };
const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                     return 0.2126 * r + 0.7152 * g + 0.0722 * b };
const under = e => { for (; e; e = e.parentElement) { const c = shown(getComputedStyle(e).backgroundColor); if (c) return c }
                     return [255, 255, 255] };
const poor = [];
for (const e of document.querySelectorAll('body *')) {
  if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility()) continue;
  const [a, b] = [light(shown(getComputedStyle(e).color)), light(under(e))].sort((x, y) => y - x);
  if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(e.className + ': ' + e.textContent.slice(0, 30));
}
return poor;
"""
WIDER = """
const limit = document.documentElement.clientWidth;
return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > limit + 0.5 && !e.closest('thead'))
  .map(e => e.tagName + '.' + e.className).slice(0, 5);
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert binary and driver, "Run sh tests/report/install.sh"
    options = Options()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    yield chrome
    chrome.quit()


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest, browser: Any, tmp_path: Path) -> Any:
    """The browser with one of the pages open, as a phone shows it."""
    path = tmp_path / "audit.html"
    path.write_text(report.html(PAGES[request.param]), encoding="utf-8")
    browser.get_log("performance")
    resize(browser, PHONE)
    browser.get(path.as_uri())
    return browser


def requested(browser: Any) -> list[str]:
    """Return what the page that is open asked for, itself too."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [request["request"]["url"] for request in sent if request["documentURL"] == browser.current_url]


def resize(browser: Any, width: int, height: int = 844) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def media(browser: Any, kind: str = "", scheme: str = "light") -> None:
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": kind, "features": [{"name": "prefers-color-scheme", "value": scheme}]})


def test_the_page_on_a_phone_and_on_a_desk(page: Any) -> None:
    """No page is wider than its window, each is readable by day and by night, none asks for anything or does anything."""
    for width in (PHONE, DESK):
        resize(page, width)
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        assert page.execute_script(WIDER) == []
        for scheme in ("light", "dark"):
            media(page, scheme=scheme)
            assert page.execute_script(CONTRAST) == [], scheme
    media(page)
    assert {url for url in requested(page) if not url.startswith("data:")} == {page.current_url}
    assert [entry for entry in page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    assert page.execute_script("return document.querySelectorAll('script, img, iframe, link[rel=stylesheet], [onerror]').length") == 0


def test_tables_say_what_they_are(page: Any) -> None:
    """A narrow page shows rows as cards; that must not take the meaning of a table from those who hear it."""
    for width in (PHONE, DESK):
        resize(page, width)
        nodes = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        roles = [node["role"]["value"] for node in nodes if not node.get("ignored")]
        tables = page.execute_script("return document.querySelectorAll('table').length")
        closed = page.execute_script("return document.querySelectorAll('details table').length")
        assert roles.count("table") == tables - closed
        assert roles.count("rowheader") >= tables - closed
    assert page.execute_script("return document.documentElement.lang") == "en"
    levels = page.execute_script("return [...document.querySelectorAll('h1, h2, h3')].map(e => +e.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_page_on_paper(page: Any) -> None:
    """What is folded on a screen is on paper."""
    media(page, "print")
    assert page.execute_script("return [...document.querySelectorAll('details td')].every(e => e.getBoundingClientRect().height > 0)")
    assert page.execute_script(CONTRAST) == []
    media(page)
    printed = page.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})
    paper = base64.b64decode(printed["data"])
    assert paper.startswith(b"%PDF-") and len(paper) > 5000


def test_screenshots(browser: Any, tmp_path: Path) -> None:
    """They are kept in tests/output, for people to look at."""
    kept = Path(__file__).parents[1] / "output"
    kept.mkdir(exist_ok=True)
    path = tmp_path / "audit.html"
    path.write_text(report.html(hostile_document()), encoding="utf-8")
    for name, width, scheme in (("phone", PHONE, "light"), ("desk", DESK, "light"), ("night", DESK, "dark")):
        resize(browser, width)
        media(browser, scheme=scheme)
        browser.get(path.as_uri())
        shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True})
        image = base64.b64decode(shot["data"])
        (kept / f"audit-{name}.png").write_bytes(image)
        size, colours = pixels(image)
        assert size[0] == width and size[1] > 1000
        assert len(colours) > 50, "a page with nothing on it has few colours"


def pixels(image: bytes) -> tuple[tuple[int, int], set[bytes]]:
    """Return the size of a PNG, and byte triples of its packed lines: few where nothing is on it."""
    assert image.startswith(b"\x89PNG")
    at, data, size = 8, b"", (0, 0)
    while at < len(image):
        (length,) = struct.unpack(">I", image[at : at + 4])
        kind, body = image[at + 4 : at + 8], image[at + 8 : at + 8 + length]
        size = struct.unpack(">II", body[:8]) if kind == b"IHDR" else size
        data += body if kind == b"IDAT" else b""
        at += 12 + length
    raw = zlib.decompress(data)
    return size, {raw[place : place + 3] for place in range(0, len(raw) - 3, 3)}
