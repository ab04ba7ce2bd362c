# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the IAM user of a host that leaves is taken away.

The steps are those by which ``identities`` deletes any user. A user whose key is in wrong hands is contained before: a policy denies it
everything, sessions of its keys included, and its keys are deactivated. That policy goes last, right before the user itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Tuple

from . import document as documents
from . import names
from .access_key import Key, age
from .errors import InputError, Refusal
from .identities import in_use
from .identities import plan as identities
from .identities.records import Identities, User
from .identities.requests import Request, UserRequest
from .plan import Change

DENY: Dict[str, Any] = {"Version": documents.VERSION, "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
POLICY = "hybridops-aws_agents-deny-all"
"""Name of the inline policy that holds ``DENY``, where the user has room for one more."""

_SIGNS_IN = ("login profile", "virtual MFA device", "MFA device")
"""What a person has and a host's user has not."""


@dataclass(frozen=True)
class Rules:
    """What the task asked for."""

    users: Tuple[str, ...]
    owned_by: str = "default"
    delete_unowned: bool = False
    delete_people: bool = False
    groups: Tuple[str, ...] = ()
    """Groups that a host's user may belong to."""
    compromised: bool = False
    delete: bool = True
    """Otherwise the users are contained and stay."""
    allow_in_use: bool = False
    """Users go whose keys were used lately."""

    @property
    def contain(self) -> bool:
        return self.compromised or not self.delete

    @property
    def request(self) -> Request:
        """Return the same as a request of ``identities``: each user absent."""
        absent = {"present": False, "path": None, "boundary": None, "policies": None, "purge_policies": False, "inline": None,
                  "purge_inline": False, "tags": None, "purge_tags": False}  # fmt: skip
        return Request(
            policies=(),
            roles=(),
            users=tuple(UserRequest(name=name, **absent) for name in self.users),  # type: ignore[arg-type]
            tags={},
            owned_by=self.owned_by,
            adopt=False,
            delete_unowned=self.delete_unowned,
            allow_gap=False,
            guard=-1,
            allow_in_use=True,  # told from the keys that are read anyway
        )


@dataclass(frozen=True)
class Account:
    """The users of one task by name, ``None`` where there is none, and their keys."""

    users: Mapping[str, Optional[User]]
    keys: Mapping[str, Tuple[Key, ...]] = field(default_factory=dict)
    caller: str = field(default="", compare=False)
    """ARN of who runs this."""
    now: Optional[datetime] = field(default=None, compare=False)
    """The date of AWS's answer; ``None`` when there was no user to ask about."""


def rules(options: Mapping[str, Any]) -> Rules:
    """Return what the module's options ask for.

    :raises InputError: naming the option and the remedy.
    """
    users = tuple(names.name("user", name, "users") for name in options["users"])
    names.unique(users, "user", "users")
    protected = {name.lower() for name in options["protected"]}
    kept = [name for name in users if name.lower() in protected]
    if kept:
        raise InputError(
            f"users: {', '.join(kept)} is named in protected as well: others still use it. Nothing was changed. "
            "Leave it out of users, or out of protected when nobody needs it any more."
        )
    return Rules(
        users=users,
        owned_by=options["owned_by"],
        delete_unowned=options["delete_unowned"],
        delete_people=options["delete_people"],
        groups=tuple(options["groups"]),
        compromised=options["compromised"],
        delete=options["state"] == "absent",
        allow_in_use=options["allow_in_use"],
    )


def target(wanted: Rules, actual: Account, partition: str) -> Account:
    """Return what is left: nothing, or contained users."""
    if wanted.delete:
        return replace(actual, users=dict.fromkeys(actual.users), keys={})
    return _contained(actual, partition)


def plan(wanted: Rules, actual: Account, partition: str) -> List[Change]:
    """Return the ordered changes: what contains all users, then what deletes them.

    :raises Refusal: for a user that is not a host's, or not this owner's, or the caller's own.
    """
    for user in actual.users.values():
        if user:
            _refuse(user, wanted, actual.caller)
            _refuse_in_use(user, wanted, actual)
    contained = _contained(actual, partition) if wanted.contain else actual
    gone = Identities({}, {}, dict.fromkeys(actual.users))
    deletion = identities.plan(wanted.request, gone, Identities({}, {}, contained.users))
    containment = _containment(actual, contained)
    return [*containment, *_deny_last(deletion, contained, partition)] if wanted.delete else containment


def _refuse(user: User, wanted: Rules, caller: str) -> None:
    if user.arn == caller:
        raise Refusal(f"user {user.name}: this run acts as it, so it would lock itself out half way. Run it with other credentials.")
    # Whoever holds the key may have given the user a password and groups: that must not keep it from being contained.
    if wanted.contain:
        return
    person = [kind for kind in _SIGNS_IN if user.dependants.get(kind)]
    if person and not wanted.delete_people:
        raise Refusal(
            f"user {user.name} has a {' and a '.join(person)}: a person signs in as it, so it is taken for no host's and is not deleted. "
            "Set delete_people: true if it shall go all the same."
        )
    extra = sorted(set(user.dependants.get("group membership", ())) - set(wanted.groups))
    if extra and not wanted.delete_people:
        raise Refusal(
            f"user {user.name} belongs to groups that nobody named here: {', '.join(extra)}. It may be a person's, so it is not deleted. "
            "Add them to groups if hosts' users belong to them."
        )


def _refuse_in_use(user: User, wanted: Rules, actual: Account) -> None:
    """A key that signs calls is on a host that runs. Where somebody else may have it, that is no reason to wait."""
    if wanted.contain or wanted.allow_in_use or actual.now is None:
        return
    for key in actual.keys.get(user.name, ()):
        if key.active and key.used is not None and actual.now - key.used < in_use.WITHIN:
            where = f"by {key.used_service or '?'} in {key.used_region or '?'}"
            raise Refusal(
                f"user {user.name} is in use: its key {key.id} was last used {age(actual.now - key.used)} ago {where}, so a host may still "
                "run with it, and it is not deleted. Take the key off its host first, or set allow_in_use: true (playbook offboard: "
                "-e offboard_in_use=true) if it shall go all the same."
            )


def _contained(account: Account, partition: str) -> Account:
    users = {name: user and _denied(user, partition) for name, user in account.users.items()}
    keys = {name: tuple(replace(key, active=False) for key in held) for name, held in account.keys.items()}
    return replace(account, users=users, keys=keys)


def _denied(user: User, partition: str) -> User:
    inline = dict(user.inline or {})
    if _denying(user, partition):
        return user
    others = {name: documents.size(document) for name, document in inline.items() if name != POLICY}
    # A user's inline policies share one quota. Where they use it up, the largest makes room by becoming the denial.
    room = sum(others.values()) + documents.size(DENY) <= documents.USER_INLINE_LIMIT
    name = POLICY if room else max(others, key=lambda other: (others[other], other))
    return replace(user, inline={**inline, name: DENY})


def _denying(user: User, partition: str) -> List[str]:
    return sorted(name for name, document in (user.inline or {}).items() if documents.equal(document, DENY, partition))


def _containment(actual: Account, contained: Account) -> List[Change]:
    denials, inactive = [], []
    for name, user in contained.users.items():
        before = actual.users[name]
        if user is None or before is None:
            continue
        was = before.inline or {}
        for policy, document in (user.inline or {}).items():
            if was.get(policy) is not document:
                denials.append(Change("put", "inline policy", policy, f"user {user.name}", was.get(policy), document))
        # A tag would make them retired keys, which a run of the handover may replace; so they look like what they are.
        inactive += [
            Change("deactivate", "access key", key.id, f"user {user.name}")
            for key, after in zip(actual.keys.get(name, ()), contained.keys.get(name, ()))
            if key.active and not after.active
        ]
    return denials + inactive


def _deny_last(changes: List[Change], contained: Account, partition: str) -> List[Change]:
    """Put the deletion of each denial right before that of its user."""
    denials = {(f"user {user.name}", policy) for user in contained.users.values() if user for policy in _denying(user, partition)}
    late = [change for change in changes if change.what == "inline policy" and (change.of, change.key) in denials]
    ordered = []
    for change in changes:
        if change in late:
            continue
        if change.what == "user":
            ordered += [denial for denial in late if denial.of == f"user {change.key}"]
        ordered.append(change)
    return ordered


def view(account: Account, users: Mapping[str, Any], now_gone: Mapping[str, Tuple[Key, ...]]) -> Dict[str, Any]:
    """Return the users with all that hangs on them as plain data.

    :param users: what ``identities`` shows of them.
    :param now_gone: keys that were there; where ``account`` lacks them they read as deleted.
    """
    seen = {}
    for name, shown in users.items():
        user = account.users[name]
        hanging = {kind: list(ids) for kind, ids in user.dependants.items() if ids and kind != "access key"} if user else {}
        seen[name] = {**shown, "attached": hanging}
    keys = [_key(name, key, account) for name, held in now_gone.items() for key in held]
    return {"users": seen, "access_keys": keys}


def _key(user: str, key: Key, account: Account) -> Dict[str, Any]:
    now = next((held for held in account.keys.get(user, ()) if held.id == key.id), None)
    created, used = (moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None for moment in (key.created, key.used))
    status = "deleted" if now is None else "Active" if now.active else "Inactive"
    return {"user": user, "id": key.id, "status": status, "created": created, "last_used": used,
            "last_used_service": key.used_service, "last_used_region": key.used_region}  # fmt: skip
