# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Identities that carry retired policies, and how they are moved to what takes their place.

The steps are those by which ``identities`` changes any attachment: all that is new is attached before anything is detached.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from . import retired
from .context import Context
from .errors import InputError, Refusal
from .grants import listed
from .identities import plan as identities
from .identities import references
from .identities.records import Document, Identities, Policy, Role, User
from .identities.requests import PolicyRequest, Request, RoleRequest, UserRequest
from .plan import Change
from .retired import Retired

KINDS = ("role", "user", "group")
SERVICE_LINKED = "/aws-service-role/"


@dataclass(frozen=True)
class Holder:
    """A role, user or group and what it may do."""

    kind: str
    name: str
    path: str
    arn: str
    attached: Tuple[str, ...] = ()
    """ARNs of the managed policies, sorted."""
    inline: Mapping[str, Document] = field(default_factory=dict)
    boundary: Optional[str] = None
    groups: Tuple[str, ...] = ()
    """Names, of a user."""

    @property
    def of(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def id(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class Account:
    """What an account holds that matters here."""

    holders: Tuple[Holder, ...]
    policies: Mapping[str, Policy]
    """Customer managed policies by ARN."""
    managed: Mapping[str, Document] = field(default_factory=dict)
    """Texts of AWS managed policies by ARN, of those that are compared."""
    found: Mapping[str, str] = field(default_factory=dict)
    """Replacements that were looked up: reference to ARN."""
    attachments_quota: Mapping[str, int] = field(default_factory=dict)
    """As in ``Identities``."""

    def document(self, arn: str) -> Document:
        policy = self.policies.get(arn)
        return policy.document if policy else self.managed[arn]


@dataclass(frozen=True)
class Rules:
    """What the task asked for."""

    instead: Mapping[Retired, Tuple[str, ...]]
    """References to the policies that take the place of each retired one."""
    identities: Tuple[str, ...] = ()
    """``role/NAME``, ``user/NAME``, an ARN, or a name that only one of them has."""
    everybody: bool = False
    move: bool = False
    delete_policies: bool = False
    allow_gap: bool = False


@dataclass(frozen=True)
class Carried:
    """A retired policy on an identity."""

    how: str
    """``managed``, ``inline`` or ``boundary``."""
    policy: str
    """ARN, or the name of an inline policy."""
    retired: Retired


def rules(options: Mapping[str, Any]) -> Rules:
    """Return what the module's options ask for.

    :raises InputError: naming the option and the remedy.
    """
    move = options["state"] == "migrated"
    if bool(options["identities"]) and options["all"]:
        raise InputError("Give identities or all: true, not both.")
    if move and not options["identities"] and not options["all"]:
        raise InputError("identities: say who is moved, as role/NAME or user/NAME, or set all: true. state: report lists who could be.")
    for identity in options["identities"]:
        if identity.startswith("group/") or ":group/" in identity:
            raise InputError(f"identities: {identity} is a group. Groups are reported only: several people stand behind one.")
    instead = {
        **dict.fromkeys(retired.MANAGED.values(), tuple(options["ssm_policies"])),
        retired.SERVER_2018: tuple(options["server_policies"]),
        retired.ADMIN_2018: tuple(options["admin_policies"]),
    }
    for option, given in (("ssm_policies", options["ssm_policies"]), ("server_policies", options["server_policies"]),
                          ("admin_policies", options["admin_policies"])):  # fmt: skip
        if not given:
            raise InputError(f"{option}: it names nothing, so whoever is moved would lose everything. Name at least one policy.")
        for reference in given:
            if (
                reference in {name.rpartition("/")[2] for name in retired.MANAGED}
                or reference in retired.MANAGED
                or retired.managed(reference)
            ):
                raise InputError(f"{option}: {reference} is what shall be replaced. Name another policy.")
            references.check(reference, Context.placeholder(), option)
    return Rules(
        instead=instead,
        identities=tuple(dict.fromkeys(options["identities"])),
        everybody=options["all"],
        move=move,
        delete_policies=options["delete_policies"],
        allow_gap=options["allow_gap"],
    )


def choice(value: Any) -> Dict[str, Any]:
    """Return the module's options for what a playbook's variable says: a flag, or names as a list or as text with commas."""
    word = str(value).strip().lower()
    everybody = word in ("true", "yes", "on", "1")
    names = [] if everybody or word in ("false", "no", "off", "0", "") else listed(value, "identities")
    return {"state": "migrated" if everybody or names else "report", "identities": names, "all": everybody}


def carried(holder: Holder, account: Account, partition: str) -> List[Carried]:
    """Return the retired policies of an identity: attached ones, its inline ones, its boundary."""
    result = []
    for how, arns in (("managed", holder.attached), ("boundary", (holder.boundary,) if holder.boundary else ())):
        for arn in arns:
            policy = account.policies.get(arn)
            known = retired.custom(policy.document, partition) if policy else retired.managed(arn)
            if known:
                result.append(Carried(how, arn, known))
    for name, document in sorted(holder.inline.items()):
        known = retired.custom(document, partition)
        if known:
            result.append(Carried("inline", name, known))
    return result


def carriers(account: Account, partition: str) -> List[Tuple[Holder, List[Carried]]]:
    """Return all identities with retired policies, and these."""
    found = [(holder, carried(holder, account, partition)) for holder in account.holders]
    return sorted((pair for pair in found if pair[1]), key=lambda pair: (KINDS.index(pair[0].kind), pair[0].name.lower()))


def goes(one: Carried, wanted: Rules) -> bool:
    """Tell whether a move takes it away: an inline policy is gone when it is taken off, so that takes ``delete_policies``."""
    return one.how == "managed" or (one.how == "inline" and wanted.delete_policies)


def movable(holder: Holder) -> bool:
    return holder.kind in ("role", "user") and not holder.path.startswith(SERVICE_LINKED)


def chosen(wanted: Rules, account: Account) -> List[Holder]:
    """Return the identities that the task is about, as far as they can be moved.

    :raises Refusal: for one that is not there, is meant twice, or is not ours to move.
    """
    holders = [holder for holder in account.holders if holder.kind != "group"]
    if wanted.everybody:
        return [holder for holder in holders if movable(holder)]
    result: Dict[str, Holder] = {}
    for identity in wanted.identities:
        found = [holder for holder in holders if identity in (holder.arn, holder.id, holder.name)]
        if not found:
            raise Refusal(
                f"identities: the account has no role or user {identity}. Look for a slip: names are given in their own spelling."
            )
        if len(found) > 1:
            raise Refusal(f"identities: {identity} is a role and a user. Write role/{identity} or user/{identity}.")
        if not movable(found[0]):
            raise Refusal(f"identities: {found[0].of} belongs to an AWS service, which alone changes it. Leave it out.")
        result[found[0].id] = found[0]
    return list(result.values())


def replacements(gone: Sequence[Carried], wanted: Rules, account: Account, holder: Holder, context: Context) -> List[str]:
    """Return the ARNs of what takes the place of the policies that go.

    :raises Refusal: when there is no such policy.
    """
    wanted_references = dict.fromkeys(reference for one in gone for reference in wanted.instead[one.retired])
    return [references.resolve(one, {}, holder.attached, account.found, context, holder.of) for one in wanted_references]


def moved(holder: Holder, wanted: Rules, account: Account, context: Context) -> Holder:
    """Return the identity as it is when it has been moved."""
    gone = [one for one in carried(holder, account, context.partition) if goes(one, wanted)]
    names = {one.policy for one in gone}
    new = replacements(gone, wanted, account, holder, context)
    return replace(
        holder,
        attached=tuple(sorted({*(arn for arn in holder.attached if arn not in names), *new})),
        inline={name: document for name, document in holder.inline.items() if name not in names},
    )


def target(wanted: Rules, actual: Account, context: Context) -> Account:
    """Return the account as it shall be."""
    if not wanted.move:
        return actual
    ids = {holder.id for holder in chosen(wanted, actual)}
    holders = tuple(moved(holder, wanted, actual, context) if holder.id in ids else holder for holder in actual.holders)
    after = replace(actual, holders=holders)
    gone = _unused(wanted, actual, after, context.partition)
    return replace(after, policies={arn: policy for arn, policy in actual.policies.items() if arn not in gone})


def _unused(wanted: Rules, before: Account, after: Account, partition: str) -> List[str]:
    """Return the customer policies of 2018 that are to go and that nobody holds any more: those of the identities moved, or all."""
    if not wanted.delete_policies:
        return []
    ids = {holder.id for holder in chosen(wanted, before)}
    were = {arn for holder in before.holders if holder.id in ids for arn in holder.attached}
    held = {arn for holder in after.holders for arn in (*holder.attached, holder.boundary)}
    return [
        arn
        for arn, policy in before.policies.items()
        if arn not in held and (wanted.everybody or arn in were) and retired.custom(policy.document, partition)
    ]


def plan(wanted: Rules, target: Account, actual: Account) -> List[Change]:
    """Return the ordered changes: attach for everybody, then detach, then delete.

    :raises Refusal: when the quota of attachments has no room for both, see ``identities``.
    """
    pairs = [(before, after) for before, after in zip(actual.holders, target.holders) if before != after]
    gone = [policy for arn, policy in actual.policies.items() if arn not in target.policies]
    held = {arn: tuple(holder.of for holder in actual.holders if arn in holder.attached) for arn in (policy.arn for policy in gone)}
    request = Request(
        policies=tuple(_policy_request(policy) for policy in gone),
        roles=tuple(_role_request(before) for before, _after in pairs if before.kind == "role"),
        users=tuple(UserRequest(**_common(before)) for before, _after in pairs if before.kind == "user"),
        tags={},
        # Whoever made an identity, somebody named it here or said all of them.
        owned_by="",
        adopt=True,
        delete_unowned=True,
        allow_gap=wanted.allow_gap,
        guard=-1,
    )
    before = Identities(
        {policy.name: replace(policy, attached_to=held[policy.arn]) for policy in gone},
        {holder.name: _role(holder) for holder, _after in pairs if holder.kind == "role"},
        {holder.name: _user(holder) for holder, _after in pairs if holder.kind == "user"},
        attachments_quota=actual.attachments_quota,
    )
    after = Identities(
        dict.fromkeys(before.policies),
        {holder.name: _role(holder) for _before, holder in pairs if holder.kind == "role"},
        {holder.name: _user(holder) for _before, holder in pairs if holder.kind == "user"},
    )
    return identities.plan(request, after, before)


def _common(holder: Holder) -> Dict[str, Any]:
    return {"name": holder.name, "present": True, "path": None, "boundary": None, "policies": None, "purge_policies": False, "inline": None,
            "purge_inline": False, "tags": None, "purge_tags": False}  # fmt: skip


def _role_request(holder: Holder) -> RoleRequest:
    return RoleRequest(**_common(holder), existing=False, trust=None, add_trust=False, description=None, max_session_duration=None,
                       instance_profile=None, profile_name=holder.name, add_instance_profile=False)  # fmt: skip


def _policy_request(policy: Policy) -> PolicyRequest:
    return PolicyRequest(policy.name, False, policy.path, None, None, None, False)


def _role(holder: Holder) -> Role:
    return Role(holder.name, holder.path, holder.arn, {}, "", 0, holder.boundary, holder.attached, holder.inline, {})


def _user(holder: Holder) -> User:
    return User(holder.name, holder.path, holder.arn, holder.boundary, holder.attached, holder.inline, {})
