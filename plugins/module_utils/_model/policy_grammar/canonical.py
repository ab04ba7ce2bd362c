# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When two policy documents mean the same to IAM."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Callable, List, Mapping

from .parts import OLD_VERSION, Document, account_of_root, members
from .text import render

_LISTS = ("Action", "NotAction", "Resource", "NotResource")
_ACTIONS = ("Action", "NotAction")
_PRINCIPALS = ("Principal", "NotPrincipal")


def canonical(value: Mapping[str, Any], partition: str = "") -> Document:
    """Return the one form that all documents have which mean the same to IAM.

    What is the same: the order of statements and list members, a list of one and its member, duplicate members, the letter case of
    ``Effect``, of action names, and of condition keys (IAM ignores it in all of these); numbers and booleans and their text in
    conditions; ``"*"`` and ``{"AWS": "*"}`` as principal; an account id and its root ARN; an empty and a missing ``Sid`` or list.
    The letter case of condition operators is ignored too: no two operators differ in it alone, so this can hide no difference.

    What is not: resources and condition values in another case, another ``Sid``, the number of statements, a missing ``Version``
    (it means 2008-10-17) and 2012-10-17. A condition key without values stays, since it never matches where a missing one always does.
    The unique id (``AIDA…``, ``AROA…``) that IAM shows for a deleted user or role is a difference, and a real one.

    :param partition: in ``aws-cn``, ``ec2.amazonaws.com`` and ``ec2.amazonaws.com.cn`` are the same.
    """
    return _ordered(value, partition, str.lower)


def equal(one: Mapping[str, Any], other: Mapping[str, Any], partition: str = "") -> bool:
    """Return whether two documents mean the same to IAM, by the rules of ``canonical``."""
    return canonical(one, partition) == canonical(other, partition)


def readable(value: Mapping[str, Any]) -> Document:
    """Return the document in canonical order with names as they were written, for diffs that people read."""
    return _ordered(value, "", str)


def same_service(one: str, other: str, partition: str) -> bool:
    """Return whether two service principals are the same service."""
    return _service(one, partition) == _service(other, partition)


def _ordered(value: Mapping[str, Any], partition: str, fold: Callable[[str], str]) -> Document:
    result = {name: content for name, content in value.items() if content not in ("", None)}
    result["Version"] = str(value.get("Version") or OLD_VERSION)
    statements = [_statement(statement, partition, fold) for statement in members(value.get("Statement"))]
    result["Statement"] = sorted(statements, key=render)
    return result


def _statement(statement: Mapping[str, Any], partition: str, fold: Callable[[str], str]) -> Document:
    result: Document = {}
    for name, content in statement.items():
        if name in _ACTIONS:
            content = _sorted(fold(str(action)) for action in members(content))
        elif name in _LISTS:
            content = _sorted(str(resource) for resource in members(content))
        elif name in _PRINCIPALS:
            result[name] = _principals(content, partition)
            continue
        elif name == "Condition":
            content = _conditions(content or {}, fold)
        elif name == "Effect":
            content = str(content).capitalize()
        if content not in ("", None, [], {}):
            result[name] = content
    return result


def _sorted(values: Any) -> List[str]:
    return sorted(set(values), key=lambda value: (value.lower(), value))


def _principals(value: Any, partition: str) -> Document:
    if not isinstance(value, Mapping):
        value = {"AWS": value}
    result = {}
    for kind, content in value.items():
        names = [str(name) for name in members(content)]
        if kind == "AWS":
            names = [account_of_root(name) or name for name in names]
        elif kind == "Service":
            names = [_service(name, partition) for name in names]
        if names:
            result[kind] = _sorted(names)
    return result


def _service(name: str, partition: str) -> str:
    return "ec2.amazonaws.com" if partition == "aws-cn" and name == "ec2.amazonaws.com.cn" else name


def _conditions(value: Mapping[str, Any], fold: Callable[[str], str]) -> Document:
    spelled = [(operator, key) for operator, keys in value.items() for key in keys]
    # Two spellings of one key in one block are two tests: folding them into one would lose the other.
    count = Counter((operator.lower(), key.lower()) for operator, key in spelled)
    result: Document = {}
    for operator, key in spelled:
        values = _sorted(_scalar(item) for item in members(value[operator][key]))
        if count[operator.lower(), key.lower()] == 1:
            result.setdefault(fold(operator), {})[fold(key)] = values
        else:
            result.setdefault(operator, {})[key] = values
    return result


def _scalar(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
