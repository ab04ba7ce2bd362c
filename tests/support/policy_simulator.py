# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judge a request by policies, as "Policy evaluation logic" and "IAM JSON policy elements reference" in the IAM user guide say.

One account, policies of the identity, and its permissions boundary. No policies of resources, of sessions or of an organisation. The
condition keys are whatever the request brings, so no key is unknown. A word that is not known here is an error, never a guess.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

ALLOWED = "allowed"
DENIED = "explicitly denied"
NOT_ALLOWED = "implicitly denied"

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """One action on one resource.

    :param keys: condition keys. A list is a key with several values.
    """

    action: str
    resource: str = "*"
    keys: Mapping[str, Any] = field(default_factory=dict)

    def key(self, name: str) -> Optional[List[str]]:
        """Return the values of a condition key, whose name ignores letter case; ``None`` for one that the request lacks."""
        for given, value in self.keys.items():
            if given.lower() == name.lower():
                return [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]
        return None


def decide(request: Request, policies: Sequence[Document], boundary: Optional[Document] = None) -> str:
    """Return ``ALLOWED``, ``DENIED`` or ``NOT_ALLOWED``: any Deny wins, and an Allow counts when the boundary has one as well."""
    limits = [] if boundary is None else [boundary]
    if any(_matches(statement, request) for document in (*policies, *limits) for statement in _statements(document, "Deny")):
        return DENIED
    layers = [list(policies), *([limit] for limit in limits)]
    granted = (any(_matches(statement, request) for document in layer for statement in _statements(document, "Allow")) for layer in layers)
    return ALLOWED if all(granted) else NOT_ALLOWED


def _statements(document: Document, effect: str) -> List[Document]:
    statements = _list(document["Statement"])
    return [statement for statement in statements if statement["Effect"] == effect]


def _matches(statement: Document, request: Request) -> bool:
    unknown = set(statement) - {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
    assert not unknown, f"not known here: {unknown}"
    return (
        _one_matches(statement, "Action", lambda pattern: _like(request.action.lower(), pattern.lower()))
        and _one_matches(statement, "Resource", lambda pattern: _resource_like(request, pattern))
        and all(
            _condition(operator, key, _list(values), request)
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _one_matches(statement: Document, element: str, matches: Callable[[str], bool]) -> bool:
    if element in statement:
        return any(map(matches, _list(statement[element])))
    return not any(map(matches, _list(statement[f"Not{element}"])))


def _resource_like(request: Request, pattern: str) -> bool:
    regex = _with_variables(pattern, request)
    return pattern == "*" or (regex is not None and re.fullmatch(regex, request.resource, re.DOTALL) is not None)


# Patterns and variables


def _like(text: str, pattern: str) -> bool:
    return re.fullmatch(_regex(pattern), text, re.DOTALL) is not None


def _regex(pattern: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)


def _with_variables(pattern: str, request: Request) -> Optional[str]:
    """Return the regular expression of a pattern, its variables put in literally; ``None`` where the request lacks one of them."""
    regex = ""
    for literal, variable, default in re.findall(r"((?:(?!\$\{).)+)|\$\{([^},]+)(?:,\s*'([^']*)')?\}", pattern, re.DOTALL):
        if literal:
            regex += _regex(literal)
        elif variable in ("*", "?", "$"):
            regex += re.escape(variable)
        else:
            values = request.key(variable.strip())
            if values is None and not default:
                return None
            regex += re.escape(values[0] if values else default)
    return regex


# Conditions


def _arn_like(value: str, _whole: str, pattern: str) -> bool:
    """Each of the six parts is compared by itself, so that a wildcard does not reach over a colon, save in the last."""
    parts, patterns = value.split(":", 5), pattern.split(":", 5)
    if len(parts) != 6 or len(patterns) != 6:
        return False
    return all(_like(part, wanted) for part, wanted in zip(parts, patterns, strict=True))


def _date(text: str) -> datetime.datetime:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return datetime.datetime.fromtimestamp(float(text), datetime.UTC)
    return datetime.datetime.fromisoformat(text)


def _ordered(read: Callable[[str], Any]) -> Dict[str, Callable[[str, str, str], bool]]:
    return {
        "Equals": lambda value, _regex, wanted: read(value) == read(wanted),
        "LessThan": lambda value, _regex, wanted: read(value) < read(wanted),
        "LessThanEquals": lambda value, _regex, wanted: read(value) <= read(wanted),
        "GreaterThan": lambda value, _regex, wanted: read(value) > read(wanted),
        "GreaterThanEquals": lambda value, _regex, wanted: read(value) >= read(wanted),
    }


_OPERATORS: Dict[str, Callable[[str, str, str], bool]] = {
    "StringEquals": lambda value, regex, wanted: re.fullmatch(regex, value) is not None if "${" in wanted else value == wanted,
    "StringEqualsIgnoreCase": lambda value, _regex, wanted: value.lower() == wanted.lower(),
    "StringLike": lambda value, regex, _wanted: re.fullmatch(regex, value, re.DOTALL) is not None,
    "ArnLike": _arn_like,
    "ArnEquals": _arn_like,
    "Bool": lambda value, _regex, wanted: value.lower() == wanted.lower(),
    "IpAddress": lambda value, _regex, wanted: ipaddress.ip_address(value) in ipaddress.ip_network(wanted),
    **{f"Date{name}": compare for name, compare in _ordered(_date).items()},
    **{f"Numeric{name}": compare for name, compare in _ordered(float).items()},
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotLike": "ArnLike",
    "ArnNotEquals": "ArnEquals",
    "NotIpAddress": "IpAddress",
    "DateNotEquals": "DateEquals",
    "NumericNotEquals": "NumericEquals",
}


def _condition(operator: str, key: str, wanted: List[Any], request: Request) -> bool:
    texts = [str(item).lower() if isinstance(item, bool) else str(item) for item in wanted]
    values = request.key(key)
    name = operator.removesuffix("IfExists")
    if name == "Null":
        return (values is None) == (texts[0].lower() == "true")
    quantity, _colon, name = name.rpartition(":")
    negated = name in _NEGATED
    compare = _OPERATORS[_NEGATED.get(name, name)]
    if values is None or (quantity and not values):
        return operator.endswith("IfExists") or quantity == "ForAllValues" or (negated and not quantity)

    def holds(value: str) -> bool:
        patterns = [(_with_variables(text, request), text) for text in texts]
        return negated != any(regex is not None and compare(value, regex, text) for regex, text in patterns)

    assert quantity or len(values) == 1, f"{key} has several values, and {operator} compares one"
    return any(map(holds, values)) if quantity == "ForAnyValue" else all(map(holds, values))


def _list(value: Any) -> List[Any]:
    return value if isinstance(value, list) else [value]
