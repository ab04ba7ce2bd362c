# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The CloudWatch agent's ``common-config.toml``: a few settings of ours in a file that is everybody's.

Works on lines, so that comments, order and spacing stay. What it could get wrong is refused: it doesn't know all of TOML.
"""

from __future__ import annotations

import re
from typing import Dict, List, Mapping, Optional, Tuple

from .errors import InputError, Refusal

PROFILE = "shared_credential_profile"
FILE = "shared_credential_file"
SECTIONS: Dict[str, Tuple[str, ...]] = {
    "credentials": (PROFILE, FILE),
    "proxy": ("http_proxy", "https_proxy", "no_proxy"),
    "ssl": ("ca_bundle_path",),
    "imds": ("imds_retries",),
}
"""The settings that the agent knows, by section."""
NUMBERS = ("imds_retries",)
"""Those that stand without quotes."""
SETTINGS = tuple(name for names in SECTIONS.values() for name in names)

_HEADER = re.compile(r"\s*\[\s*(\[)?\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_SETTING = re.compile(r"(\s*)([A-Za-z0-9_-]+)(\s*=\s*)(\"(?:[^\"\\]|\\.)*\"|'[^']*'|[0-9]+)(\s*(?:#.*)?)$")
_TEXTS = re.compile(r"\"{3}|'{3}|\"(?:[^\"\\]|\\.)*\"|'[^']*'|#.*")
"""What is no structure on a line: texts, the beginning of one over several lines, a comment."""
_ESCAPES = {"\\": "\\\\", '"': '\\"'}


def pointed(text: str, settings: Mapping[str, Optional[str]]) -> str:
    """Return the file with ``settings`` in their sections.

    :param text: the file, empty for a new one.
    :param settings: values by name, of ``SETTINGS``; ``None`` takes the setting out. Others stay as they are.
    :raises InputError: for a value that cannot stand on a line.
    :raises Refusal: for a file that is written in a way that this doesn't edit.
    """
    for name, value in settings.items():
        if value is not None and re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", value):
            raise InputError(f"{name}: the value holds a control character, or half of a character.")
        if value is not None and name in NUMBERS and not re.fullmatch(r"0|[1-9][0-9]{0,8}", value):
            raise InputError(f"{name}: {value!r} is no whole number.")
    for section, names in SECTIONS.items():
        ours = {name: settings[name] for name in names if name in settings}
        if ours:
            text = _pointed(text, section, ours)
    return text


def current(text: str) -> Dict[str, Optional[str]]:
    """Return the settings of ``SETTINGS`` as they are; ``None`` for one that is not set."""
    lines = _lines(text)
    found: Dict[str, Optional[str]] = dict.fromkeys(SETTINGS)
    for section, names in SECTIONS.items():
        start, end = _span(lines, section) or (0, 0)
        for line in lines[start:end]:
            match = _SETTING.match(line)
            if match and match.group(2) in names:
                found[match.group(2)] = _plain(match.group(4))
    return found


def shown(settings: Mapping[str, Optional[str]]) -> Dict[str, Optional[str]]:
    """Return settings for people: a password in the address of a proxy is left out."""
    return {name: re.sub(r"(//[^/@:]*):.*@", r"\1:***@", value) if value else value for name, value in settings.items()}


def _pointed(text: str, section: str, settings: Dict[str, Optional[str]]) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = _lines(text)
    span = _span(lines, section)
    if span is None:
        new = [f"   {_line(name, value)}" for name, value in settings.items() if value is not None]
        gap = [""] if lines and lines[-1].strip() else []
        lines += [*gap, f"[{section}]", *new] if new else []
    else:
        lines[span[0] : span[1]] = _section(lines[span[0] : span[1]], settings)
    return "".join(line + newline for line in lines) if lines != _lines(text) else text


def _lines(text: str) -> List[str]:
    """Return the lines as TOML knows them: no other character than a line feed ends one."""
    lines = re.split(r"\r?\n", text)
    return lines[:-1] if lines[-1] == "" else lines


def _span(lines: List[str], section: str) -> Optional[Tuple[int, int]]:
    """Return where the lines of a section begin and end, its header left out."""
    headers = []
    foreign = re.compile(rf"\s*(\"{section}\"|'{section}'|{section})\s*[.=]")
    for at, line in enumerate(lines):
        what = _beyond(line)
        if what:
            raise Refusal(f"line {at + 1} of the file {what}, which is not edited here. Write it plainly, on one line.")
        header = _HEADER.match(line)
        if header:
            headers.append((at, header.group(2).strip("\"'"), bool(header.group(1))))
        elif not headers and foreign.match(line):
            raise Refusal(f"line {at + 1} of the file sets {section} without a section. Write it as a section [{section}].")
    ours = [(at, doubled) for at, name, doubled in headers if name == section]
    if len(ours) > 1 or any(doubled for _at, doubled in ours):
        raise Refusal(f"the file has more than one section [{section}], which is no TOML. Leave one.")
    if not ours:
        return None
    start = ours[0][0] + 1
    end = next((at for at, _name, _doubled in headers if at >= start), len(lines))
    _check_settings(lines, start, end, SECTIONS[section])
    return start, end


def _beyond(line: str) -> str:
    """Return what a line has that makes others look like what they are not; empty for nothing."""
    if any(found.group() in ('"""', "'''") for found in _TEXTS.finditer(line)):
        return "begins a text over several lines"
    plain = _TEXTS.sub(lambda found: "" if found.group().startswith("#") else "_", line)
    if "=" in plain and plain.count("[") > plain.count("]"):
        return "begins a list over several lines"
    return "has a name with an escape" if re.match(r"\s*\[*\s*[^=#']*\\", line) else ""


def _check_settings(lines: List[str], start: int, end: int, names: Tuple[str, ...]) -> None:
    seen = set()
    for at in range(start, end):
        words = re.match(r"\s*[\"']?(" + "|".join(names) + r")[\"']?\s*[=.]", lines[at])
        setting = _SETTING.match(lines[at])
        if words and (not setting or words.group(1) in seen or setting.group(4).isdigit() != (words.group(1) in NUMBERS)):
            raise Refusal(
                f"line {at + 1} of the file sets {words.group(1)} twice, or in a way that is not edited here. Leave one plain line of it."
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
        name = match.group(2)
        value = left.pop(name)
        if value is not None:
            same = _plain(match.group(4)) == value
            kept.append(line if same else f"{indent}{name}{match.group(3)}{_literal(name, value)}{match.group(5)}")
    new = [f"{indent}{_line(name, value)}" for name, value in left.items() if value is not None]
    at = max([index + 1 for index, line in enumerate(kept) if line.strip() and not line.lstrip().startswith("#")] or [0])
    return kept[:at] + new + kept[at:]


def _line(name: str, value: str) -> str:
    return f"{name} = {_literal(name, value)}"


def _literal(name: str, value: str) -> str:
    return value if name in NUMBERS else '"' + "".join(_ESCAPES.get(letter, letter) for letter in value) + '"'


def _plain(literal: str) -> str:
    if literal[0] == '"':
        return re.sub(r"\\([\\\"])", r"\1", literal[1:-1])
    return literal[1:-1] if literal[0] == "'" else literal
