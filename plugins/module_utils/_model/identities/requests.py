# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one task asks for, checked and typed. Everything that is wrong with it is found here, before the first call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from .. import document as documents
from .. import names
from .. import trust as trusts
from ..catalogue import by_name as catalogue
from ..context import Context
from ..errors import InputError
from . import references
from .records import Document


@dataclass(frozen=True)
class PolicyRequest:
    name: str
    present: bool
    path: str
    description: Optional[str]
    document: Optional[Document]
    """``None`` when the policy shall be absent."""
    tags: Optional[Mapping[str, str]]
    purge_tags: bool

    def arn(self, context: Context) -> str:
        return context.arn("iam", f"policy{self.path}{self.name}", region="")


@dataclass(frozen=True)
class PermissionsRequest:
    """What roles and users have in common."""

    name: str
    present: bool
    path: Optional[str]
    boundary: Optional[str]
    """A policy reference; empty takes the boundary away, ``None`` leaves it alone."""
    policies: Optional[Tuple[str, ...]]
    purge_policies: bool
    inline: Optional[Mapping[str, Document]]
    purge_inline: bool
    tags: Optional[Mapping[str, str]]
    purge_tags: bool

    @property
    def reads_inline(self) -> bool:
        return self.inline is not None or self.purge_inline or not self.present


@dataclass(frozen=True)
class UserRequest(PermissionsRequest):
    pass


@dataclass(frozen=True)
class RoleRequest(PermissionsRequest):
    existing: bool
    trust: Optional[Document]
    add_trust: bool
    description: Optional[str]
    max_session_duration: Optional[int]
    instance_profile: Optional[bool]
    profile_name: str
    add_instance_profile: bool


@dataclass(frozen=True)
class Request:
    policies: Tuple[PolicyRequest, ...]
    roles: Tuple[RoleRequest, ...]
    users: Tuple[UserRequest, ...]
    tags: Mapping[str, str]
    owned_by: str
    adopt: bool
    delete_unowned: bool
    allow_gap: bool
    guard: int
    allow_in_use: bool = False

    def own_policies(self, context: Context) -> Dict[str, str]:
        return {policy.name: policy.arn(context) for policy in self.policies}


def names_regions(options: Mapping[str, Any]) -> bool:
    """Tell whether the task names Regions, so that they must be compared with those that exist."""
    holders = [*options["roles"], *options["users"]]
    documents_asked = [*options["policies"], *(inline for holder in holders for inline in holder["inline_policies"] or ())]
    return any(role["trust"] == "ssm" for role in options["roles"]) or any(entry["preset"] == "ssm_s3" for entry in documents_asked)


def request(options: Mapping[str, Any], context: Context) -> Request:
    """Return what the module's ``options`` ask for.

    :param context: the caller's, or a placeholder to check the options before the caller is known.
    :raises InputError: naming the entry, the rule and the remedy.
    """
    result = Request(
        policies=tuple(_policy(entry, context) for entry in options["policies"]),
        roles=tuple(_role(entry, context) for entry in options["roles"]),
        users=tuple(_user(entry, context) for entry in options["users"]),
        tags=names.tags(options["tags"], "tags"),
        owned_by=_owner(options["owned_by"]),
        adopt=options["adopt"],
        delete_unowned=options["delete_unowned"],
        allow_gap=options["allow_gap"],
        guard=options["guard"],
        allow_in_use=options["allow_in_use"],
    )
    names.unique([policy.name for policy in result.policies], "policy", "policies")
    names.unique([role.name for role in result.roles], "role", "roles")
    names.unique([user.name for user in result.users], "user", "users")
    names.unique([role.profile_name for role in result.roles if role.instance_profile], "instance profile", "roles")
    if options["wait"] and options["wait_timeout"] < 1:
        raise InputError("wait_timeout: to wait takes at least 1 second. Set wait: false to go on at once.")
    _check_tags(result)
    _check_references(result, context)
    return result


def _check_tags(wanted: Request) -> None:
    """Count the tags that a new object would get: its own, the call's, and the owner's."""
    for kind, entries in (("policy", wanted.policies), ("role", wanted.roles), ("user", wanted.users)):
        for entry in entries:
            count = len({key.lower() for key in (*wanted.tags, *(entry.tags or {}))}) + 1
            if count > names.TAGS_PER_OBJECT:
                raise InputError(
                    f"{kind} {entry.name}: with the tags of the call and the owner's it would have {count} tags, more than the "
                    f"{names.TAGS_PER_OBJECT} that IAM stores."
                )


def _policy(entry: Mapping[str, Any], context: Context) -> PolicyRequest:
    where = f"policy {names.name('managed policy', entry['name'], 'policies')}"
    present = entry["state"] == "present"
    return PolicyRequest(
        name=entry["name"],
        present=present,
        path=names.path("managed policy", entry["path"], where),
        description=names.optional(names.description, entry["description"], where),
        document=_document(entry, context, documents.MANAGED_LIMIT, where) if present else None,
        tags=names.optional(names.tags, entry["tags"], where),
        purge_tags=entry["purge_tags"],
    )


def _document(entry: Mapping[str, Any], context: Context, limit: int, where: str) -> Document:
    if (entry["document"] is None) == (entry["preset"] is None):
        raise InputError(f"{where}: give either document (a policy of your own) or preset (one of {', '.join(sorted(catalogue.PRESETS))}).")
    if entry["preset"] is None:
        if entry["options"]:
            raise InputError(f"{where}: options belong to a preset; with a document of your own leave them out.")
        document = documents.parse(entry["document"], where)
    else:
        document = catalogue.build(entry["preset"], entry["options"] or {}, context, where)
    documents.check(document, limit, where)
    return document


def _permissions(entry: Mapping[str, Any], kind: str, inline_limit: int, context: Context) -> Dict[str, Any]:
    where = f"{kind} {names.name(kind, entry['name'], f'{kind}s')}"
    policies = entry["policies"]
    if policies is not None:
        names.unique(policies, "policy", where)
    return {
        "name": entry["name"],
        "present": entry["state"] == "present",
        "path": None if entry["path"] is None else names.path(kind, entry["path"], where),
        "boundary": entry["boundary"],
        "policies": None if policies is None else tuple(policies),
        "purge_policies": entry["purge_policies"],
        "inline": _inline(entry["inline_policies"], inline_limit, context, where),
        "purge_inline": entry["purge_inline_policies"],
        "tags": names.optional(names.tags, entry["tags"], where),
        "purge_tags": entry["purge_tags"],
    }


def _inline(entries: Optional[List[Dict[str, Any]]], limit: int, context: Context, where: str) -> Optional[Dict[str, Document]]:
    if entries is None:
        return None
    names.unique([str(entry["name"]) for entry in entries], "inline policy", where)
    result = {}
    for entry in entries:
        name = names.name("inline policy", entry["name"], where)
        result[name] = _document(entry, context, limit, f"{where}, inline policy {name}")
    total = sum(documents.size(document) for document in result.values())
    if total > limit:
        raise InputError(
            f"{where}: its inline policies have {total} characters without white space together, more than the {limit} that IAM allows. "
            "Move some into policies of their own."
        )
    return result


def _user(entry: Mapping[str, Any], context: Context) -> UserRequest:
    return UserRequest(**_permissions(entry, "user", documents.USER_INLINE_LIMIT, context))


def _role(entry: Mapping[str, Any], context: Context) -> RoleRequest:
    common = _permissions(entry, "role", documents.ROLE_INLINE_LIMIT, context)
    where = f"role {entry['name']}"
    if entry["existing"]:
        _refuse_existing(entry, where)
    elif entry["add_trust"] or entry["add_instance_profile"]:
        raise InputError(f"{where}: add_trust and add_instance_profile are for somebody else's role; they need existing: true.")
    return RoleRequest(
        **common,
        existing=entry["existing"],
        trust=_trust(entry, context, where),
        add_trust=entry["add_trust"],
        description=names.optional(names.description, entry["description"], where),
        max_session_duration=names.optional(names.session_duration, entry["max_session_duration"], where),
        instance_profile=entry["instance_profile"],
        profile_name=names.name("instance profile", entry["instance_profile_name"] or entry["name"], where),
        add_instance_profile=entry["add_instance_profile"],
    )


def _refuse_existing(entry: Mapping[str, Any], where: str) -> None:
    """An existing role is somebody else's: it is only added to."""
    refused = [
        key
        for key in ("path", "description", "max_session_duration", "boundary", "tags", "assume_role_policy_document")
        if entry[key] is not None
    ]
    refused += [key for key in ("purge_policies", "purge_inline_policies", "purge_tags") if entry[key]]
    if entry["trust"] not in (None, "ec2", "ssm", "service"):
        raise InputError(
            f"{where}: with existing: true, trust says which service the role must serve, so it is ec2, ssm or service. Who else may "
            "assume somebody else's role is theirs to say."
        )
    if refused:
        raise InputError(
            f"{where}: existing: true only adds to somebody else's role, so {', '.join(refused)} cannot be given. "
            "Leave them out, or drop existing to manage the role here."
        )


def _trust(entry: Mapping[str, Any], context: Context, where: str) -> Optional[Document]:
    form, own = entry["trust"], entry["assume_role_policy_document"]
    if form is not None and own is not None:
        raise InputError(
            f"{where}: give either trust (a ready form) or assume_role_policy_document (a trust policy of your own), not both."
        )
    if own is not None:
        if entry["trust_options"]:
            raise InputError(f"{where}: trust_options belong to trust; with assume_role_policy_document leave them out.")
        document = documents.parse(own, where)
        trusts.refuse_wide(document, where, context)
    elif form is not None:
        document = trusts.trust(form, entry["trust_options"] or {}, context, where)
    else:
        return None
    documents.check(document, documents.TRUST_LIMIT, where, trust=True)
    return document


def _owner(value: str) -> str:
    if not value:
        raise InputError("owned_by: the owner must not be empty; it is what later lets this call delete what it made.")
    return names.owner(value)


def _check_references(wanted: Request, context: Context) -> None:
    absent: Set[str] = {policy.name for policy in wanted.policies if not policy.present}
    own = {policy.name for policy in wanted.policies if policy.present}
    for kind, entries in (("role", wanted.roles), ("user", wanted.users)):
        for entry in entries:
            where = f"{kind} {entry.name}"
            for reference in (*(entry.policies or ()), *([entry.boundary] if entry.boundary else [])):
                if reference in absent and entry.present:
                    raise InputError(f"{where}: it refers to the policy {reference}, which the same task deletes. Drop one of the two.")
                if reference in own or reference in absent:
                    continue
                references.check(reference, context, where)
