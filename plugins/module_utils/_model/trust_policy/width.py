# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trust policies that somebody else wrote: whether they are too wide, whether a service is trusted, and how to add one."""

from __future__ import annotations

import copy
import re
from fnmatch import fnmatchcase
from typing import Any, FrozenSet, Iterator, List, Mapping, Optional, Tuple

from ..context import Context
from ..document import VERSION, Document, account_of_root, members, same_service
from ..errors import InputError

_WHO_KEYS = frozenset(("aws:principalorgid", "aws:principalorgpaths", "aws:principalarn", "aws:principalaccount"))
"""Condition keys that say who calls."""
_POSITIVE = re.compile(r"(foranyvalue:)?(string(equals|equalsignorecase|like)|arn(equals|like))")
"""Operators that fail when the key is missing and hold for the values listed only."""


def refuse_wide(document: Mapping[str, Any], entry: str, context: Optional[Context] = None) -> None:
    """Refuse a trust policy that lets in more than its author can have meant.

    Refused are: everyone (``*``), unless a condition says who calls, by organisation, account or ARN (an external id is no secret, so it
    does not narrow everyone); everyone but some (``NotPrincipal``); the bare root of another account without external id, organisation or
    caller in a condition, since any administrator there could let anyone in; a web identity provider without audience or subject.

    The bare root of the own account is accepted: it lets nobody in by itself, but leaves the decision to permission policies that the
    same account's administrators write. While the account is not known (``context.assumed``), roots are not judged.

    :param context: without it, every bare root is taken for that of another account.
    :raises InputError: naming ``entry``, the statement and what would narrow it.
    """
    for index, statement in enumerate(members(document.get("Statement"))):
        if _effect(statement) == "allow":
            _refuse_wide_statement(statement, context, f"{entry}: statement {index + 1} of the trust policy")


def services(document: Mapping[str, Any]) -> List[str]:
    """Return the service principals that ``document`` lets assume the role, in its order."""
    found = [
        str(name)
        for statement in members(document.get("Statement"))
        if _effect(statement) == "allow" and isinstance(statement.get("Principal"), Mapping)
        for name in members(statement["Principal"].get("Service"))
    ]
    return list(dict.fromkeys(found))


def trusts_service(document: Mapping[str, Any], service: str, partition: str) -> bool:
    """Return whether ``document`` lets ``service`` (``ec2.amazonaws.com``) assume the role.

    Conditions on an Allow are taken to be meant for the service, and a Deny to hold only without any.
    """
    covering = [statement for statement in members(document.get("Statement")) if _covers(statement, service, partition)]
    allowed = any(_effect(statement) == "allow" for statement in covering)
    return allowed and not any(_effect(statement) == "deny" and not statement.get("Condition") for statement in covering)


def add_service(document: Mapping[str, Any], service: str, wanted: Mapping[str, Any]) -> Document:
    """Return ``document`` with the statements of ``wanted`` that let ``service`` assume the role, under their conditions.

    All that is there stays as it is.
    """
    result: Document = copy.deepcopy(dict(document)) or {"Version": VERSION}
    added = [
        {**copy.deepcopy(statement), "Principal": {"Service": service}}
        for statement in members(wanted.get("Statement"))
        if service in services({"Statement": [statement]})
    ]
    result["Statement"] = [*members(result.get("Statement")), *added]
    return result


def _effect(statement: Mapping[str, Any]) -> str:
    return str(statement.get("Effect", "")).lower()


def _covers(statement: Mapping[str, Any], service: str, partition: str) -> bool:
    actions = [str(action).lower() for action in members(statement.get("Action"))]
    if not any(fnmatchcase("sts:assumerole", action) for action in actions):
        return False
    principal = statement.get("Principal")
    if not isinstance(principal, Mapping):
        return principal == "*" and _effect(statement) == "deny"
    return any(same_service(str(name), service, partition) for name in members(principal.get("Service")))


def _refuse_wide_statement(statement: Mapping[str, Any], context: Optional[Context], where: str) -> None:
    if "NotPrincipal" in statement:
        raise InputError(f"{where} allows everyone but NotPrincipal. Name who may assume the role in Principal.")
    keys = frozenset(_narrowing(statement.get("Condition") or {}))
    for kind, name in _principals(statement.get("Principal")):
        if kind == "AWS" and set(name) == {"*"} and not keys & _WHO_KEYS:
            raise InputError(
                f"{where} lets anyone in the world assume the role. Name roles, users or services in Principal, or add a condition on "
                "aws:PrincipalOrgID, aws:PrincipalAccount or aws:PrincipalArn."
            )
        if kind == "AWS" and _foreign_root(name, context) and not keys & (_WHO_KEYS | {"sts:externalid"}):
            raise InputError(
                f"{where} trusts the whole account {account_of_root(name)}: any administrator there could let anyone in. Name a role or "
                "user of it, or add a condition on sts:ExternalId, aws:PrincipalOrgID or aws:PrincipalArn."
            )
        if kind == "Federated" and _web_identity(statement) and not _names_identity(name, keys):
            raise InputError(
                f"{where} trusts every identity of {name}. Add a condition on the provider's audience (:aud) or, better, subject (:sub)."
            )


def _principals(value: Any) -> Iterator[Tuple[str, str]]:
    if not isinstance(value, Mapping):
        value = {"AWS": value}
    for kind, names in value.items():
        for name in members(names):
            yield str(kind), str(name)


def _narrowing(condition: Mapping[str, Any]) -> Iterator[str]:
    for operator, keys in condition.items():
        if _POSITIVE.fullmatch(operator.lower()):
            for key, values in keys.items():
                if not any(_matches_all(str(value)) for value in members(values)):
                    yield key.lower()


def _matches_all(value: str) -> bool:
    """Return whether ``value`` is wildcards, or an ARN that names no account: both leave everyone in."""
    if not value.strip("*?"):
        return True
    parts: List[str] = value.split(":", 5)
    return parts[0] == "arn" and (len(parts) < 6 or not parts[4].strip("*?"))


def _foreign_root(name: str, context: Optional[Context]) -> bool:
    account = account_of_root(name)
    if context is None:
        return bool(account)
    return bool(account) and not context.assumed and account != context.account


def _web_identity(statement: Mapping[str, Any]) -> bool:
    actions = [str(action).lower() for action in members(statement.get("Action"))]
    return any(fnmatchcase("sts:assumerolewithwebidentity", action) for action in actions)


def _names_identity(provider: str, keys: FrozenSet[str]) -> bool:
    host = provider.split("oidc-provider/", 1)[-1].lower()
    return bool(keys & {f"{host}:aud", f"{host}:sub", f"{host}:amr", f"{host}:azp", f"{host}:oaud"})
