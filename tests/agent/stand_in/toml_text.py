# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing TOML, which Python can only read."""

from __future__ import annotations

import json
from typing import Any, List, Mapping


def dumps(table: Mapping[str, Any]) -> str:
    """Return nested tables, lists of tables and plain values as TOML."""
    return "\n".join(_lines(table, "")).strip() + "\n"


def _lines(table: Mapping[str, Any], name: str) -> List[str]:
    plain = {key: value for key, value in table.items() if not _nests(value)}
    lines = [f"{_key(key)} = {json.dumps(value)}" for key, value in plain.items()]
    for key, value in table.items():
        path = f"{name}.{_key(key)}" if name else _key(key)
        if isinstance(value, Mapping):
            lines += ["", f"[{path}]", *_lines(value, path)]
        elif _nests(value):
            for each in value:
                lines += ["", f"[[{path}]]", *_lines(each, path)]
    return lines


def _nests(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and bool(value) and isinstance(value[0], Mapping))


def _key(key: str) -> str:
    return key if key.replace("_", "a").isalnum() and key.isascii() else json.dumps(key)
