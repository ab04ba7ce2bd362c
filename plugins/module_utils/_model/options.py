# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options declared as data, and read leniently the way Ansible reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Tuple

from .errors import InputError

_TRUE = ("y", "yes", "on", "1", "true", "t")
_FALSE = ("n", "no", "off", "0", "false", "f")


@dataclass(frozen=True)
class Option:
    """One option: its name, what kind of value it takes, and what stands when it is left out."""

    name: str
    kind: str = "text"
    """``text``, ``texts`` (a list, or text with commas), ``flag`` or ``records`` (a list of dictionaries)."""
    required: bool = False
    default: Any = None
    members: Tuple[Option, ...] = ()
    """Of a record."""


def read(given: Any, declared: Tuple[Option, ...], entry: str) -> Dict[str, Any]:
    """Return a value for each declared option.

    ``None`` and empty text count as left out, so that a caller can pass on what it was not given. An empty list is a value, except for
    a required option.

    :raises InputError: for an unknown or missing option or a value of another kind, naming what is allowed.
    """
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        raise InputError(f"{entry}: the options must be a dictionary, and {given!r} is none.")
    names = [option.name for option in declared]
    unknown = sorted(str(name) for name in given if name not in names)
    if unknown:
        allowed = f"Allowed are: {', '.join(names)}." if names else "There are none."
        raise InputError(f"{entry}: unknown option: {', '.join(unknown)}. {allowed}")
    return {option.name: _value(given.get(option.name), option, f"{entry}: {option.name}") for option in declared}


def _value(value: Any, option: Option, where: str) -> Any:
    if value is None or (isinstance(value, str) and not value.strip()):
        if option.required:
            raise InputError(f"{where} is required.")
        return list(option.default) if isinstance(option.default, tuple) else option.default
    result = _READERS[option.kind](value, option, where)
    if option.required and result == []:
        raise InputError(f"{where} is required and must not be empty.")
    return result


def _text(value: Any, _option: Option, where: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{where} must be text, and {value!r} is none. Put it in quotes.")
    return str(value.strip())


def _texts(value: Any, option: Option, where: str) -> List[str]:
    if isinstance(value, str):
        value = value.replace("\n", ",").split(",")
    if not isinstance(value, (list, tuple)):
        raise InputError(f"{where} must be a list of texts, and {value!r} is none.")
    return [text for text in (_text(item, option, f"{where}[{index}]") for index, item in enumerate(value)) if text]


def _flag(value: Any, _option: Option, where: str) -> bool:
    word = str(value).strip().lower()
    if not isinstance(value, (bool, int, str)) or word not in _TRUE + _FALSE:
        raise InputError(f"{where} must be true or false, and {value!r} is neither.")
    return word in _TRUE


def _records(value: Any, option: Option, where: str) -> List[Dict[str, Any]]:
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, Mapping) for item in value):
        raise InputError(f"{where} must be a list of dictionaries with: {', '.join(member.name for member in option.members)}.")
    return [read(item, option.members, f"{where}[{index}]") for index, item in enumerate(value)]


_READERS = {"text": _text, "texts": _texts, "flag": _flag, "records": _records}
