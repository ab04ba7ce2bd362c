# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pieces of HTML. What comes from outside becomes text here, and nowhere else."""

from __future__ import annotations

import html
import re
from typing import Any, Iterable, List, Mapping, Sequence, Tuple

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""Characters that show nothing, or turn the direction of what stands beside them."""


class Markup(str):
    """Text that is HTML already."""


def text(value: Any) -> Markup:
    """Return any value as text of a page. Braces too, so that no template engine on the way takes them for its own."""
    if isinstance(value, Markup):
        return value
    shown = _CONTROL.sub("\ufffd", "" if value is None else str(value))
    return Markup(html.escape(shown, quote=True).replace("{", "&#123;").replace("}", "&#125;"))


def tag(name: str, *content: Any, **attributes: str) -> Markup:
    """Return an element. An attribute's name ends in ``_`` where Python knows the word, and has ``_`` for ``-``."""
    given = "".join(f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items() if value != "")
    return Markup(f"<{name}{given}>{joined(content)}</{name}>")


def joined(content: Iterable[Any]) -> Markup:
    return Markup("".join(text(piece) for piece in content))


def name(value: Any) -> Markup:
    """Return a name out of AWS: whatever its letters, it does not turn the direction of its surroundings, and it may be broken."""
    return tag("bdi", value, class_="name")


def listed(values: Sequence[Any], none: str = "none") -> Markup:
    """Return names as a list; a single one as itself."""
    if not values:
        return tag("span", none, class_="none")
    if len(values) == 1:
        return text(values[0])
    return tag("ul", *(tag("li", value) for value in values), class_="plain")


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Markup:
    """Return a table whose first column names its rows. On a narrow page each row becomes a card, so the roles are said.

    :param rows: cells in the order of ``heads``.
    """
    body: List[Markup] = []
    for cells in rows:
        first, *others = zip(heads, cells)
        row = [tag("th", first[1], scope="row", role="rowheader")]
        row += [tag("td", tag("span", head, class_="label", aria_hidden="true"), tag("div", cell), role="cell") for head, cell in others]
        body.append(tag("tr", *row, role="row"))
    columns = tag("tr", *(tag("th", head, scope="col", role="columnheader") for head in heads), role="row")
    return tag("table", tag("caption", caption), tag("thead", columns, role="rowgroup"), tag("tbody", *body, role="rowgroup"), role="table")


def terms(pairs: Iterable[Tuple[str, Any]]) -> Markup:
    """Return names with their values."""
    return tag("dl", *(tag("div", tag("dt", term), tag("dd", value)) for term, value in pairs))


def page(title: str, style: str, attributes: Mapping[str, str], *content: Any) -> str:
    """Return a whole page that loads nothing: its policy for content forbids what it does not hold itself."""
    head = joined(
        [
            Markup('<meta charset="utf-8">'),
            Markup(
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
            ),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            Markup('<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">'),
            Markup('<link rel="icon" href="data:,">'),
            tag("title", title),
            Markup(f"<style>{style}</style>"),
        ]
    )
    body = tag("body", *content, **dict(attributes))
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>{head}</head>\n{body}\n</html>\n'
