# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the handover of an access key must not act on. Each text says what was found and what would allow it."""

from __future__ import annotations

from typing import Iterable, Tuple

from .access_key import USES_LAG, Proof, Rules, State, User, told, virgin
from .errors import Outdated, Refusal
from .plan import Change
from .tags import OWNER_TAG

_WRITES = (("hand over", "access key"), ("deliver", "access key"), ("update", "profile"))


def refuse(state: State, rules: Rules) -> None:
    """Refuse what needs a person.

    :raises Refusal: for the user, the host's file, or the key on the host.
    """
    if state.user is not None:
        refuse_user(state.user, rules)
    refuse_unreadable(state, rules)
    refuse_foreign(state, rules)
    refuse_contained(state, rules)
    if rules.drop_key and rules.drop_key == state.host.key_id and rules.present and state.host.proof is not Proof.WRONG:
        raise Refusal(
            f"drop_key names {rules.drop_key}, which is the key on the host. "
            "Use state: absent to take it away, or rotate_after to replace it."
        )


def refuse_unreadable(state: State, rules: Rules) -> None:
    """Refuse a file on the host that cannot be worked on."""
    if state.host.error:
        raise Refusal(
            f"{rules.path} on the host cannot be worked on: {state.host.error}. Nothing was changed. Repair it, or name another path."
        )


def before_a_write(state: State, changes: Iterable[Change], rules: Rules) -> Tuple[Change, ...]:
    """Return what the host must have before these changes, and has not. An earlier step, such as the agent's package, may bring it.

    :raises Refusal: for a write that would fail, before a key is made for it.
    """
    if not any((change.step, change.what) in _WRITES for change in changes):
        return ()
    if state.host.hindrance:
        raise Refusal(f"{rules.path} on the host cannot be written: {state.host.hindrance}. Nothing was changed, and no key was made.")
    return tuple(Change("require", f"system {kind}", name) for kind, name in state.host.unknown)


def many(state: State, rules: Rules) -> Refusal:
    """Return the refusal of a user whose two keys leave no slot."""
    listed = "; ".join(told(key, state.now) for key in state.keys)
    return Refusal(
        f"User {rules.user} has {len(state.keys)} access keys, no slot is free, and none of them may be deleted: {listed}. "
        f"A key made less than {int(rules.orphan_grace.total_seconds() // 60)} minutes ago may be another run's, "
        "and a retired one waits for its grace; then run again. Otherwise decide which one may go and name it: drop_key: <id>."
    )


def refuse_user(user: User, rules: Rules) -> None:
    """Refuse a user that is not ours, that a person signs in as, or that has rights of groups nobody named."""
    if user.owner is not None and user.owner != rules.owned_by and not rules.adopt:
        found = f"has {OWNER_TAG}={user.owner}" if user.owner else f"has no tag {OWNER_TAG}"
        raise Refusal(
            f"User {user.name} {found}, so it is not one of owned_by: {rules.owned_by}, and gets no key. "
            "Set adopt: true if its keys are to be managed here."
        )
    if user.console_password:
        raise Refusal(
            f"User {user.name} has a console password: a person signs in as it, so it gets no key. "
            "Delete its login profile, or name another user."
        )
    extra = sorted(set(user.groups or ()) - set(rules.groups))
    if extra:
        raise Refusal(
            f"User {user.name} belongs to groups that nobody named here: {', '.join(extra)}. A key on a host would carry their rights. "
            f"Take it out of them, or add them to groups."
        )


def refuse_foreign(state: State, rules: Rules) -> None:
    """Refuse a key on the host that is not this user's."""
    host = state.host
    known = state.key(host.key_id) is not None
    if not host.key_id or rules.replace_foreign or (known and host.proof is not Proof.FOREIGN):
        return
    where = f"profile {rules.profile} in {rules.path}"
    if host.proof is Proof.FOREIGN:
        whose = f"belongs to {host.says}"
    elif host.holder and host.holder != rules.user:
        whose = f"belongs to user {host.holder}"
    elif host.session:
        whose = "belongs to a session of somebody's"
    elif host.proof is Proof.WRONG:
        whose = "is known to AWS and is not a key of this user"
    elif host.proof is Proof.PROVEN:
        raise Outdated(
            f"{host.key_id} in {where} works as user {rules.user}, but IAM does not list it yet. "
            "Nothing was changed; run again in a minute."
        )
    else:
        return
    raise Refusal(
        f"{host.key_id} in {where} {whose}, not to user {rules.user}. Name another profile or path, or set replace_foreign: true."
    )


def refuse_contained(state: State, rules: Rules) -> None:
    """Refuse to replace a key that somebody deactivated, on the host or as the user's only one."""
    held = state.key(state.host.key_id)
    alone = state.keys[0] if len(state.keys) == 1 and rules.present else None
    key = held or alone
    if key is None or key.active or key.retired or rules.replace_inactive or key.id == rules.drop_key:
        return
    # Its last use may not have been reported yet, so a young one is not taken for unused.
    if key is not held and virgin(key) and state.now - key.created >= USES_LAG:
        return
    place = "on the host " if key is held else ""
    raise Refusal(
        f"The key {place}of user {rules.user} was deactivated by somebody, not retired here: {told(key, state.now)}. "
        "It may have been contained. Nothing was changed. Set replace_inactive: true once a new key may be handed over."
    )
