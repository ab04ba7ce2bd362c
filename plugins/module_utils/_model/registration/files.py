# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two files that the agent of a host reads: its configuration in JSON, and our drop-in for its service."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Mapping, Optional

from ..errors import Refusal

_HEAD = "# Written by hybridops.aws_agents.ssm_registration, which replaces it as a whole.\n[Service]\n"
_VARIABLE = re.compile(r'Environment="(\w+)=((?:[^"\\]|\\.)*)"')
_MISSING = object()


def parsed(text: Optional[str], path: str) -> Dict[str, Any]:
    """Return a configuration; an empty one for no text.

    :raises Refusal: for one that cannot be edited.
    """
    try:
        found = json.loads(text, parse_constant=_refuse) if text and text.strip() else {}
    except (ValueError, RecursionError) as error:
        at = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise Refusal(
            f"{path} on the host is no JSON{at}, and the agent ignores it. Repair it or delete it. Nothing was changed."
        ) from None
    if not isinstance(found, dict):
        raise Refusal(f"{path} on the host is no JSON object, and the agent ignores it. Repair it or delete it. Nothing was changed.")
    return found


def _refuse(word: str) -> None:
    raise ValueError(f"JSON has no {word}")


def merged(config: Mapping[str, Any], settings: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a configuration with settings laid over it, section by section. ``None`` takes a setting out; lists are replaced."""
    result = dict(config)
    for name, value in settings.items():
        if isinstance(value, Mapping):
            inner = result.get(name)
            result[name] = merged(inner if isinstance(inner, Mapping) else {}, value)
        elif value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


def restored(config: Mapping[str, Any], settings: Mapping[str, Any], template: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a configuration in which what ``settings`` names is as the template has it, or gone."""
    result = dict(config)
    for name, value in settings.items():
        original = template.get(name, _MISSING)
        if isinstance(value, Mapping) and isinstance(result.get(name), Mapping):
            result[name] = restored(result[name], value, original if isinstance(original, Mapping) else {})
            if not result[name] and original is _MISSING:
                del result[name]
        elif original is _MISSING:
            result.pop(name, None)
        else:
            result[name] = original
    return result


def rendered(config: Mapping[str, Any]) -> str:
    """Return the text of a configuration, in the shape of the agent's template."""
    text = json.dumps(config, indent=4, ensure_ascii=False)
    # JSON can name half a character by its number, and UTF-8 has no byte for it.
    return (json.dumps(config, indent=4) if re.search("[\ud800-\udfff]", text) else text) + "\n"


def chosen(config: Mapping[str, Any], settings: Mapping[str, Any]) -> Dict[str, Any]:
    """Return of a configuration what ``settings`` names."""
    found: Dict[str, Any] = {}
    for name, value in settings.items():
        if name in config:
            inner = config[name]
            found[name] = chosen(inner, value) if isinstance(value, Mapping) and isinstance(inner, Mapping) else inner
    return found


def named(settings: Mapping[str, Any], path: str = "") -> List[str]:
    """Return the settings by their names in full, as in ``Profile.ShareCreds``."""
    found: List[str] = []
    for name, value in settings.items():
        found += named(value, f"{path}{name}.") if isinstance(value, Mapping) and value else [f"{path}{name}"]
    return found


def variables(text: str) -> Dict[str, str]:
    """Return the variables that a drop-in of ours sets."""
    return {name: re.sub(r"\\(.)", r"\1", value).replace("%%", "%") for name, value in _VARIABLE.findall(text)}


def drop_in(found: Mapping[str, str]) -> str:
    """Return the text of a drop-in that sets variables; empty for none."""
    lines = []
    for name, value in sorted(found.items()):
        escaped = re.sub(r'(["\\])', r"\\\1", value).replace("%", "%%")
        lines.append(f'Environment="{name}={escaped}"\n')
    return _HEAD + "".join(lines) if lines else ""
