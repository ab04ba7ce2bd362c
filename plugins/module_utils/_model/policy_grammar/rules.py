# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What IAM demands of a policy document, checked before the first call.

The rules and limits are those of "IAM JSON policy elements reference" and "IAM and AWS STS quotas" in the IAM user guide.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Iterator, Mapping, Tuple

from ..errors import InputError
from .parts import OLD_VERSION, VERSION, members
from .text import size

MANAGED_LIMIT = 6144
"""Characters of a managed policy. Each of the limits leaves white space out."""
USER_INLINE_LIMIT = 2048
"""Characters of all inline policies of a user together."""
ROLE_INLINE_LIMIT = 10240
"""Characters of all inline policies of a role together."""
TRUST_LIMIT = 2048
"""Characters of a role's trust policy, unless the account's quota was raised (up to 8,192)."""

_SIZE_REMEDIES = {
    MANAGED_LIMIT: "Split it into several policies.",
    USER_INLINE_LIMIT: "Make it a managed policy, which may have 6,144.",
    ROLE_INLINE_LIMIT: "Make it one or more managed policies.",
}
_TRUST_REMEDY = "Shorten it, or have the quota for role trust policies raised."

_DOCUMENT_ELEMENTS = ("Version", "Id", "Statement")
_STATEMENT_ELEMENTS = (
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
)  # fmt: skip
_ALLOWED = re.compile(r"[\t\n\r\x20-\xff]*")
_ACTION = re.compile(r"\*(:\*)?|[A-Za-z0-9-]+:[A-Za-z0-9*?]+")


def check(document: Mapping[str, Any], limit: int, entry: str, trust: bool = False) -> None:
    """Refuse a document that IAM would not take.

    :param limit: in characters, one of the limits of this file or the account's own.
    :param trust: it is the trust policy of a role, else it says what somebody may do. Whether trust is too wide is not judged here.
    :raises InputError: naming ``entry``, the statement, the rule and the remedy.
    """
    for where, statement in _common(document, entry):
        if trust:
            _check_trust(statement, where)
        else:
            _check_permission(statement, where)
    characters = size(document)
    if characters > limit:
        remedy = _TRUST_REMEDY if trust else _SIZE_REMEDIES.get(limit, "Shorten it.")
        raise InputError(f"{entry}: the policy document has {characters:,} characters without white space; {limit:,} are allowed. {remedy}")


def _check_permission(statement: Mapping[str, Any], where: str) -> None:
    if "Principal" in statement or "NotPrincipal" in statement:
        raise InputError(
            f"{where} names a Principal, which belongs in trust and resource policies only: the principal of this policy is "
            "whoever it is attached to. Remove it."
        )
    _one_of(statement, "Resource", "NotResource", where)
    for resource in members(statement.get("Resource", statement.get("NotResource"))):
        if not resource.startswith(("arn:", "*")):
            raise InputError(f"{where}: the resource {resource!r} is no ARN. Write its ARN, or * for all.")
    if not re.fullmatch(r"[A-Za-z0-9]*", str(statement.get("Sid", ""))):
        raise InputError(f"{where}: the Sid may hold letters and digits only.")


def _check_trust(statement: Mapping[str, Any], where: str) -> None:
    if "Resource" in statement or "NotResource" in statement:
        raise InputError(f"{where} names a Resource, which a trust policy must not: it is about the role it belongs to. Remove it.")
    _one_of(statement, "Principal", "NotPrincipal", where)


def _common(document: Mapping[str, Any], entry: str) -> Iterator[Tuple[str, Mapping[str, Any]]]:
    """Check what holds for every document, and yield each statement with its name."""
    _elements(document, _DOCUMENT_ELEMENTS, entry)
    version = document.get("Version", OLD_VERSION)
    if version not in (VERSION, OLD_VERSION):
        raise InputError(f"{entry}: Version {version!r} is none that IAM knows. Use {VERSION!r}.")
    statements = members(document.get("Statement"))
    if not statements:
        raise InputError(f"{entry}: the policy document has no statement. IAM stores none that is empty.")
    _characters(document, entry)
    seen = set()
    for index, statement in enumerate(statements):
        _shape(statement, f"{entry}: statement {index + 1}")
        sid = statement.get("Sid")
        where = f"{entry}: statement {index + 1}{f' ({sid})' if sid else ''}"
        if sid and sid in seen:
            raise InputError(f"{where} has the Sid of another statement. Sids are unique within a document.")
        seen.add(sid)
        _statement(statement, version, where)
        yield where, statement


def _statement(statement: Mapping[str, Any], version: str, where: str) -> None:
    _elements(statement, _STATEMENT_ELEMENTS, where)
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise InputError(f"{where} needs an Effect, Allow or Deny, spelled so.")
    _one_of(statement, "Action", "NotAction", where)
    for action in members(statement.get("Action", statement.get("NotAction"))):
        if not _ACTION.fullmatch(action):
            raise InputError(f"{where}: {action!r} is no action. Actions read SERVICE:NAME, as in s3:GetObject.")
    _condition(statement.get("Condition", {}), where)
    if version == OLD_VERSION:
        for path, text in _texts(statement):
            if "${" in str(text):
                raise InputError(
                    f"{where}: {path} holds the policy variable {text!r}, which IAM takes literally in a document without "
                    f"Version {VERSION!r}. Add that Version."
                )


def _shape(statement: Mapping[str, Any], where: str) -> None:
    """Refuse an element that is no text, nor a list of texts where IAM takes one."""
    for name, content in statement.items():
        if name == "Condition":
            continue
        for path, text in _texts(content, name):
            if not isinstance(text, str):
                raise InputError(f"{where}: {path} holds {text!r}, which is no text. Put it in quotes (YAML reads a bare id as a number).")
        single = name in ("Sid", "Effect") or name not in _STATEMENT_ELEMENTS
        by_kind = isinstance(content, Mapping) and name in ("Principal", "NotPrincipal")
        for part in content.values() if by_kind else [content]:
            if not isinstance(part, str) and (single or not _are_texts(part)):
                raise InputError(f"{where}: {name} is {'a text' if single else 'a text or a list of texts'}, and this is neither.")


def _are_texts(content: Any) -> bool:
    return isinstance(content, list) and all(isinstance(text, str) for text in content)


def _condition(block: Any, where: str) -> None:
    if not isinstance(block, Mapping) or not all(isinstance(keys, Mapping) for keys in block.values()):
        raise InputError(f'{where}: Condition reads {{OPERATOR: {{KEY: VALUES}}}}, as in {{"StringEquals": {{"aws:SourceAccount": "…"}}}}.')
    for operator, keys in block.items():
        for key, values in keys.items():
            if any(isinstance(value, (Mapping, list)) for value in members(values)):
                raise InputError(f"{where}: the values of {operator}, {key} are a text or a list of texts, and these are neither.")


def _elements(holder: Mapping[str, Any], allowed: Tuple[str, ...], where: str) -> None:
    unknown = sorted(set(holder) - set(allowed))
    if unknown:
        raise InputError(f"{where}: IAM knows no element {', '.join(unknown)} here. Allowed are: {', '.join(allowed)}.")


def _one_of(statement: Mapping[str, Any], name: str, negated: str, where: str) -> None:
    given = [element for element in (name, negated) if statement.get(element) not in (None, "", [], {})]
    if len(given) != 1:
        raise InputError(f"{where} needs {name} or {negated}, and has {'both' if given else 'neither'}.")


def _characters(document: Mapping[str, Any], entry: str) -> None:
    for path, text in _texts(document):
        for part in (path, str(text)):
            good = _ALLOWED.match(part)
            if good and good.end() < len(part):
                character = part[good.end()]
                raise InputError(
                    f"{entry}: {path} holds {character!r} (U+{ord(character):04X}, {unicodedata.name(character, 'a control character')}) "
                    f"as character {good.end() + 1} of {part!r}. Policy documents may only hold tab, line feed, carriage return and "
                    "U+0020 to U+00FF: no typographic dashes or quotes, no emoji. Replace it."
                )


def _texts(value: Any, path: str = "") -> Iterator[Tuple[str, Any]]:
    """Yield each scalar of ``value`` with its path."""
    if isinstance(value, Mapping):
        for name, content in value.items():
            yield from _texts(content, f"{path}.{name}" if path else str(name))
    elif isinstance(value, (list, tuple)):
        for index, content in enumerate(value):
            yield from _texts(content, f"{path}[{index}]")
    else:
        yield path, value
