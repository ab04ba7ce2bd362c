# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever names AWS holds are text on the page of an audit."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.audit import report
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.audit.markup import listed, name, table, tag, text

from tests.report.pages import HOSTILE, empty_document, hostile_document

VOID = {"meta", "link"}


class Checker(HTMLParser):
    """Notes the elements and texts of a page, and whether each element is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.attributes: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.append(tag)
        self.attributes += [key for key, _value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names(hostile: str) -> None:
    page = report.html(hostile_document(hostile), hostile)
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert not {"script", "img", "iframe", "a", "form", "svg", "object", "base"} & set(checker.seen)
    assert not [key for key in checker.attributes if key.startswith("on") or key in ("src", "style", "srcdoc")]
    assert "{{" not in page and "{%" not in page
    readable = hostile.translate({ord(char): "\ufffd" for char in "\x00\x1b\u202e"})
    assert any(readable in shown for shown in checker.texts)


def test_pieces() -> None:
    assert text(None) == "" and text('<"&') == "&lt;&quot;&amp;"
    assert tag("p", tag("b", "x"), "<", class_="y", aria_label='"') == '<p class="y" aria-label="&quot;"><b>x</b>&lt;</p>'
    assert listed([]) == '<span class="none">none</span>' and listed(["a"]) == "a" and listed(["a", "b"]).count("<li>") == 2
    assert name("a") == '<bdi class="name">a</bdi>'


def test_a_table_is_one_of_cards_too() -> None:
    """Whoever hears the page is told the same table that a wide page shows, each cell with its column's name."""
    found = table("Keys", ["User", "Age"], [["web1", 3]])
    checker = Checker()
    checker.feed(found)
    assert checker.seen == ["table", "caption", "thead", "tr", "th", "th", "tbody", "tr", "th", "td", "span", "div"]
    assert "<caption>Keys</caption>" in found and '<th scope="row" role="rowheader">web1</th>' in found
    assert '<td role="cell"><span class="label" aria-hidden="true">Age</span><div>3</div></td>' in found


def test_nothing_found() -> None:
    assert "and nothing was found." in report.html(empty_document())
