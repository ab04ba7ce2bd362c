# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds a secret in a text, whole or in part, in each form that programs write texts in.

A part counts from twelve characters on. All parts of all forms of all secrets are looked for in one pass: of a part that long, one piece of
six bytes begins at a place of the text that divides by six.
"""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import re
import urllib.parse
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Mapping, Set, Tuple

PIECE = 6
PART = 2 * PIECE
"""Characters of a form that give a secret away. A text that is not all secret says more."""


@dataclass(frozen=True)
class Secret:
    """A value that nobody may read by the way."""

    kind: str
    value: str = field(repr=False)
    given: bool = False
    """Whoever started the run gave it, in the environment."""
    words: bool = False
    """It is a text of words that are public each: two thirds of it, with what is in the middle, give it away."""


@dataclass(frozen=True)
class Found:
    secret: Secret
    form: str
    place: str
    near: str
    """What stands before it."""

    def __str__(self) -> str:
        return f"{self.place}: {self.secret.kind}, {self.form}, after {self.near!r}"


def forms(value: str) -> Dict[str, bytes]:
    """Return how programs may write a value, by the names of the ways."""
    data = value.encode()
    quoted = json.dumps(value)[1:-1]
    url = urllib.parse.quote(value, safe="")
    made = {
        "plain": value,
        "JSON": quoted.replace("/", "\\/"),
        "JSON in JSON": json.dumps(quoted.replace("/", "\\/"))[1:-1],
        "JSON in numbers": "".join(each if each.isalnum() else f"\\u{ord(each):04x}" for each in value),
        "URL": url,
        "URL, small": re.sub("%[0-9A-F]{2}", lambda found: found.group().lower(), url),
        "URL in URL": urllib.parse.quote(url, safe=""),
        "HTML": html.escape(value).replace("/", "&#x2F;").replace("+", "&#43;"),
        "other slashes": value.replace("/", "\\"),
        "hexadecimal": data.hex(),
        "hexadecimal, large": data.hex().upper(),
        "backwards": value[::-1],
        "with spaces": " ".join(value),
    }
    for shift in range(3):
        # Within a longer text, base64 has three ways to begin. What depends on the neighbours is left out.
        text = base64.b64encode(b"\0" * shift + data).decode().rstrip("=")
        text = text[(0, 2, 3)[shift] : len(text) - ((shift + len(data)) % 3 > 0)]
        made[f"base64, {shift}"] = text
        made[f"base64 of URLs, {shift}"] = text.replace("+", "-").replace("/", "_")
    distinct: Dict[bytes, str] = {}
    for name, text in made.items():
        distinct.setdefault(text.encode(), name)
    return {name: text for text, name in distinct.items()}


class Search:
    """Looks for secrets.

    :param secrets: those to find.
    """

    def __init__(self, secrets: List[Secret]) -> None:
        self._forms: List[Tuple[Secret, str, bytes, int]] = []
        self._pieces: Dict[bytes, Set[Tuple[int, int]]] = {}
        self._middles: List[Tuple[Secret, str, bytes]] = []
        for secret in secrets:
            for name, text in forms(secret.value).items():
                if secret.words:
                    self._middles.append((secret, name, text[len(text) // 3 : -(-len(text) * 2 // 3)]))
                    continue
                least = min(len(text), max(PART, PART * len(text) // len(secret.value) // 2))
                for at in range(len(text) - PIECE + 1):
                    self._pieces.setdefault(text[at : at + PIECE], set()).add((len(self._forms), at))
                self._forms.append((secret, name, text, least))
        self._all = frozenset(self._pieces)

    def find(self, place: str, data: bytes) -> List[Found]:
        """Return what a text gives away, one finding for each secret and form. What is packed is searched too."""
        found: Dict[int, Found] = {}
        for text in unpacked(data):
            chunks = re.findall(rb"(?s).{%d}" % PIECE, text)
            for piece in self._all.intersection(chunks):
                self._follow(place, text, piece, found)
            for secret, name, middle in self._middles:
                if middle in text:
                    found.setdefault(-len(found) - 1, Found(secret, name, place, "(a text)"))
        return list(found.values())

    def _follow(self, place: str, text: bytes, piece: bytes, found: Dict[int, Found]) -> None:
        for at in (hit.start() for hit in re.finditer(re.escape(piece), text)):
            for number, offset in self._pieces[piece]:
                secret, name, form, least = self._forms[number]
                if number not in found and _run(text, at, form, offset) >= least:
                    near = text[max(0, at - offset - 60) : max(0, at - offset)].decode("utf-8", "replace")
                    found[number] = Found(secret, name, place, near)


def _run(text: bytes, at: int, form: bytes, offset: int) -> int:
    """Return how many bytes around a piece of a form stand in a text as they do in the form."""
    start, end = 0, PIECE
    while start < min(at, offset) and text[at - start - 1] == form[offset - start - 1]:
        start += 1
    while at + end < len(text) and offset + end < len(form) and text[at + end] == form[offset + end]:
        end += 1
    return start + end


def unpacked(data: bytes) -> Iterator[bytes]:
    """Yield a text, and what is in it where it is an archive."""
    yield data
    if data[:2] == b"\x1f\x8b":
        try:
            yield gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield archive.read(name)


def leaks(secrets: List[Secret], places: Mapping[str, bytes]) -> List[Found]:
    """Return what places give away of secrets."""
    search = Search(secrets)
    return [found for place, data in places.items() for found in search.find(place, data)]
