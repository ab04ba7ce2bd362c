# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credentials file that the agent writes its temporary credentials into, among what others keep there."""

from __future__ import annotations

import configparser
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import List, Optional, Tuple

from . import log
from .aws import Keys

DEFAULT = "default"


class ShareError(Exception):
    """The file cannot be understood, or not be written."""


@dataclass
class Section:
    name: str
    comments: List[str]
    entries: List[Tuple[str, str, List[str]]] = field(default_factory=list)
    """Key, value, and the comments above."""


def file(default: Path) -> Path:
    """Return the file: what the environment names, or root's."""
    return Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or default)


def store(path: Path, profile: str, keys: Keys) -> None:
    """Write the three keys of a profile, as the agent does: all is read, aligned anew, and written in place.

    A file that does not parse is replaced by one with this section alone.

    :raises OSError: when it cannot be written.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    try:
        sections = parse(path.read_text(encoding="utf-8"))
    except ShareError as error:
        log.warn("Failed to write credentials to disk, attempting force write")
        log.warn(f"Failed to load shared credentials file. Force update is enabled, creating a new empty config. {error}")
        sections = []
    name = profile or DEFAULT
    section = next((each for each in sections if each.name == name), None)
    if section is None:
        section = Section(name, [])
        sections.append(section)
    values = {
        "aws_access_key_id": keys.access_key_id,
        "aws_secret_access_key": keys.secret_access_key,
        "aws_session_token": keys.session_token,
    }
    section.entries = [(key, values.pop(key, value), comments) for key, value, comments in section.entries]
    section.entries += [(key, value, []) for key, value in values.items()]
    # In place, not by a new file: mode and owner stay, and who reads at the wrong moment reads half.
    path.write_text(render(sections), encoding="utf-8")


def parse(text: str) -> List[Section]:
    """Return the sections of an INI text.

    :raises ShareError: in the words of the agent's INI package.
    """
    sections: List[Section] = []
    comments: List[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped:
            continue
        if stripped[0] in "#;":
            comments.append(stripped)
            continue
        if stripped.startswith("["):
            if "]" not in stripped:
                raise ShareError(f"unclosed section: {stripped}")
            sections.append(Section(stripped[1 : stripped.rindex("]")], comments))
        else:
            key, value = _entry(stripped)
            if not sections:
                sections.append(Section("", []))
            sections[-1].entries.append((key, value, comments))
        comments = []
    return sections


def render(sections: List[Section]) -> str:
    """Return the text as the agent's INI package writes it: keys padded to the longest of their section."""
    blocks = []
    for section in sections:
        width = max((len(key) for key, _value, _comments in section.entries), default=0)
        lines = [*section.comments, *([f"[{section.name}]"] if section.name else [])]
        for key, value, comments in section.entries:
            lines += [*comments, f"{key.ljust(width)} = {value}"]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def load(path: Path, profile: str) -> Optional[Keys]:
    """Return the keys that the file holds for the profile, or None."""
    parser = configparser.RawConfigParser(default_section="no such section", strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
        section = parser[profile or DEFAULT]
        return Keys(section["aws_access_key_id"], section["aws_secret_access_key"], section["aws_session_token"])
    except (OSError, KeyError, ValueError, configparser.Error):
        return None


def _entry(line: str) -> Tuple[str, str]:
    match = re.match(r"([^=:]+?)\s*[=:]\s*(.*)", line)
    if not match:
        raise ShareError(f"key-value delimiter not found: {line}")
    return match.group(1), match.group(2)
