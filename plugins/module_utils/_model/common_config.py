# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The CloudWatch agent's ``common-config.toml``: two settings of ours in a file that is everybody's.

Works on lines, so that comments, order and spacing stay. What it could get wrong is refused: it doesn't know all of TOML.
"""

from __future__ import annotations

import re
from typing import Dict, List, Optional, Tuple

from .errors import InputError, Refusal

SECTION = "credentials"
PROFILE = "shared_credential_profile"
FILE = "shared_credential_file"
_HEADER = re.compile(r"\s*\[\s*(\[)?\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_SETTING = re.compile(r"(\s*)([A-Za-z0-9_-]+)(\s*=\s*)(\"(?:[^\"\\]|\\.)*\"|'[^']*')(\s*(?:#.*)?)$")
_FOREIGN_FORMS = re.compile(r"\s*(\"credentials\"|'credentials'|credentials)\s*[.=]")
_ESCAPES = {"\\": "\\\\", '"': '\\"'}


def pointed(text: str, settings: Dict[str, Optional[str]]) -> str:
    """Return the file with ``settings`` in its section ``[credentials]``.

    :param text: the file, empty for a new one.
    :param settings: values by name; ``None`` takes the setting out.
    :raises InputError: for a value that cannot stand on a line.
    :raises Refusal: for a file that is written in a way that this doesn't edit.
    """
    for name, value in settings.items():
        if value is not None and re.search(r"[\x00-\x1f\x7f]", value):
            raise InputError(f"{name}: {value!r} holds a control character.")
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines()
    span = _span(lines)
    if span is None:
        new = [f"   {_line(name, value)}" for name, value in settings.items() if value is not None]
        gap = [""] if lines and lines[-1].strip() else []
        lines += [*gap, f"[{SECTION}]", *new] if new else []
    else:
        lines[span[0] : span[1]] = _section(lines[span[0] : span[1]], settings)
    return "".join(line + newline for line in lines) if lines != text.splitlines() else text


def current(text: str) -> Dict[str, Optional[str]]:
    """Return our two settings as they are."""
    lines = text.splitlines()
    start, end = _span(lines) or (0, 0)
    found: Dict[str, Optional[str]] = {PROFILE: None, FILE: None}
    for line in lines[start:end]:
        match = _SETTING.match(line)
        if match and match.group(2) in found:
            found[match.group(2)] = _plain(match.group(4))
    return found


def _span(lines: List[str]) -> Optional[Tuple[int, int]]:
    """Return where the lines of our section begin and end, its header left out."""
    headers = []
    for at, line in enumerate(lines):
        if '"""' in line or "'''" in line:
            raise Refusal(f"line {at + 1} of the file begins a text over several lines, which is not edited here. Write it on one line.")
        header = _HEADER.match(line)
        if header:
            headers.append((at, header.group(2).strip("\"'"), bool(header.group(1))))
        elif not headers and _FOREIGN_FORMS.match(line):
            raise Refusal(f"line {at + 1} of the file sets credentials without a section. Write it as a section [{SECTION}].")
    ours = [(at, doubled) for at, name, doubled in headers if name == SECTION]
    if len(ours) > 1 or any(doubled for _at, doubled in ours):
        raise Refusal(f"the file has more than one section [{SECTION}], which is no TOML. Leave one.")
    if not ours:
        return None
    start = ours[0][0] + 1
    end = next((at for at, _name, _doubled in headers if at >= start), len(lines))
    _check_settings(lines, start, end)
    return start, end


def _check_settings(lines: List[str], start: int, end: int) -> None:
    seen = set()
    for at in range(start, end):
        words = re.match(r"\s*[\"']?(" + PROFILE + "|" + FILE + r")[\"']?\s*[=.]", lines[at])
        if words and (not _SETTING.match(lines[at]) or words.group(1) in seen):
            raise Refusal(
                f"line {at + 1} of the file sets {words.group(1)} twice, or in a way that is not edited here: {lines[at].strip()}"
            )
        if words:
            seen.add(words.group(1))


def _section(lines: List[str], settings: Dict[str, Optional[str]]) -> List[str]:
    kept, left, indent = [], dict(settings), "   "
    for line in lines:
        match = _SETTING.match(line)
        if not match or match.group(2) not in settings:
            kept.append(line)
            continue
        indent = match.group(1)
        value = left.pop(match.group(2))
        if value is not None:
            same = _plain(match.group(4)) == value
            kept.append(line if same else f"{indent}{match.group(2)}{match.group(3)}{_quoted(value)}{match.group(5)}")
    new = [f"{indent}{_line(name, value)}" for name, value in left.items() if value is not None]
    at = max([index + 1 for index, line in enumerate(kept) if line.strip() and not line.lstrip().startswith("#")] or [0])
    return kept[:at] + new + kept[at:]


def _line(name: str, value: str) -> str:
    return f"{name} = {_quoted(value)}"


def _quoted(value: str) -> str:
    return '"' + "".join(_ESCAPES.get(letter, letter) for letter in value) + '"'


def _plain(literal: str) -> str:
    return literal[1:-1] if literal[0] == "'" else re.sub(r"\\([\\\"])", r"\1", literal[1:-1])
