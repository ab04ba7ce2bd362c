# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policy documents from and to text."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, Dict, List, Mapping, Tuple
from urllib.parse import unquote

from ..errors import InputError
from .parts import Document, listed

DEEPEST = 10
"""Levels of nesting. The deepest that IAM knows is the list of values in a condition."""


def parse(value: Any, entry: str) -> Document:
    """Return a document as plain data.

    :param value: a dictionary, or JSON text (URL-encoded too, as IAM puts it on the wire).
    :param entry: what the document belongs to, for the message.
    :raises InputError: when it is neither, is encoded twice, or is no policy document.
    """
    if isinstance(value, (str, bytes)):
        value = _decode(value.decode("utf-8", "replace") if isinstance(value, bytes) else value, entry)
    if not isinstance(value, Mapping):
        raise InputError(f"{entry}: a policy document is a dictionary or the JSON text of one, and this is a {type(value).__name__}.")
    plain: Document = _plain(value, entry)
    statements = plain.get("Statement")
    if isinstance(statements, str):
        raise InputError(f"{entry}: Statement is text. The statements were JSON-encoded on their own: pass them as data, without to_json.")
    if not isinstance(statements, (dict, list)) or not all(isinstance(statement, dict) for statement in listed(statements)):
        raise InputError(f"{entry}: this is no policy document: it needs a Statement, which is one dictionary or a list of them.")
    return plain


def render(value: Mapping[str, Any]) -> str:
    """Return the JSON text to send: compact, keys sorted."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def size(value: Mapping[str, Any]) -> int:
    """Return the size in characters as IAM counts it: without white space between the parts.

    Blanks within a value are counted, so that the figure is never too small.
    """
    return len(render(value))


def _decode(text: str, entry: str) -> Any:
    text = unquote(text) if text.lstrip()[:3].upper() == "%7B" else text
    try:
        value = json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, entry))
    except json.JSONDecodeError as error:
        raise InputError(f"{entry}: the policy document is no JSON: {error.msg} in line {error.lineno}, column {error.colno}.") from error
    except InputError:
        raise
    except (ValueError, RecursionError) as error:  # a number or a nesting that Python does not read
        raise InputError(f"{entry}: the policy document is nothing that IAM would read: {str(error)[:100]}.") from None
    if isinstance(value, str):
        raise InputError(f"{entry}: the policy document is JSON-encoded twice. Pass the dictionary, or its JSON text once.")
    return value


def _unique(pairs: List[Tuple[str, Any]], entry: str) -> Dict[str, Any]:
    twice = [name for name, count in Counter(name for name, _value in pairs).items() if count > 1]
    if twice:
        raise InputError(f"{entry}: {twice[0]} stands twice in one object of the policy document; only the last would count. Merge them.")
    return dict(pairs)


def _plain(value: Any, entry: str, depth: int = 0) -> Any:
    """Return a copy made of dict, list, str, bool and numbers; members that are null are left out, as YAML makes them of nothing."""
    if depth > DEEPEST:
        raise InputError(f"{entry}: the policy document is nested more than {DEEPEST} levels deep. No element of IAM's is.")
    if isinstance(value, Mapping):
        return _unique([(str(name), _plain(content, entry, depth + 1)) for name, content in value.items() if content is not None], entry)
    if isinstance(value, (list, tuple)):
        return [_plain(content, entry, depth + 1) for content in value]
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    # YAML reads an unquoted 2012-10-17 as a date.
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    raise InputError(f"{entry}: the policy document holds a {type(value).__name__}, which JSON cannot express.")
