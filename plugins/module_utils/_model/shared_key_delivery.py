# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do on a host that gets its key from a store: take the store's key there, or take it off. No key is made or ended here."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

from . import access_key as words
from .access_key import NEW, HostState, Proof, Rules, State
from .errors import Refusal
from .key_decisions import Decision, protect
from .key_refusals import before_a_write, refuse_foreign, refuse_unreadable, refuse_user
from .key_steps import clean
from .plan import Change
from .shared_key import Stored

FIRST = "Run hybridops.aws_agents.shared_access_key for it first, which brings a key that works into the store."


def refuse(state: State, rules: Rules) -> None:
    """Refuse what needs a person, before a secret is read for it.

    :raises Refusal: for the user, or the host's file.
    """
    if state.user is not None:
        refuse_user(state.user, rules)
    refuse_unreadable(state, rules)
    refuse_foreign(state, rules)


def wants_store(state: State, rules: Rules, newest: str) -> bool:
    """Return whether the store must be read: the host's key is not sure to be the one in it.

    :param newest: the id of the store's key, where the caller knows it; empty otherwise.
    """
    held = state.key(state.host.key_id)
    if not rules.present or state.user is None:
        return False
    if held is None or not held.active or state.host.proof is not Proof.PROVEN:
        return True
    return newest != held.id if newest else [key.id for key in state.keys if key.active] != [held.id]


def decide(state: State, store: Optional[Stored], rules: Rules) -> Decision:
    """Return the changes that bring the store's key to the host, or that take it off.

    :param store: what the store holds, proven; ``None`` where it was not read, since the host's key is the one in it.
    :raises Refusal: when a person must decide.
    """
    refuse(state, rules)
    decision = protect(_present(state, store, rules), rules) if rules.present else _absent(state, rules)
    first = (*clean(state.host, rules.path), *before_a_write(state, decision.changes, rules))
    return replace(decision, changes=(*first, *decision.changes))


def _present(state: State, store: Optional[Stored], rules: Rules) -> Decision:
    if state.user is None:
        new = _deliver(state, NEW, rules, "the user comes first, then its key is made and delivered")
        return replace(new, changes=(Change("require", "user", rules.user), *new.changes))
    held = state.host.key_id
    if store is None:
        return Decision((), f"{held} is on the host and proven", "", state)
    lack = _lack(state, store, rules)
    if lack:
        new = _deliver(state, NEW, rules, f"a key in the store comes first: the {store.place} {lack}")
        return replace(new, changes=(Change("require", "key in the store", of=f"user {rules.user}", before=lack), *new.changes))
    if held != store.key_id:
        return _deliver(state, store.key_id, rules, f"the store holds {store.key_id}, the host {held or 'no key'}")
    if state.host.proof is Proof.PROVEN:
        return Decision((), f"{held} is in the store, on the host, and proven", "", state)
    if state.host.proof is Proof.WRONG:
        return _deliver(state, held, rules, f"the host holds another secret of {held} than the store")
    raise Refusal(
        f"A call signed with {held} on the host was not accepted: {state.host.says}, and one signed with the store's secret was. "
        "Nothing was changed. Run again in a minute."
    )


def _lack(state: State, store: Stored, rules: Rules) -> str:
    """Return why the store has no key to deliver; empty when it has.

    :raises Refusal: when another run of the first stage does not help.
    """
    if store.error:
        raise Refusal(f"The {store.place} cannot be worked on: {store.error} Nothing was changed.")
    if not store.key_id:
        return "holds no key"
    if store.user != rules.user or store.proof is Proof.FOREIGN:
        whose = store.says if store.proof is Proof.FOREIGN else f"user {store.user}"
        raise Refusal(f"The {store.place} holds a key of {whose}, not of user {rules.user}. Name another store, or another user.")
    key = state.key(store.key_id)
    if key is None:
        return f"holds {store.key_id}, which IAM does not list"
    if not key.active:
        return f"holds {store.key_id}, which is {'retired' if key.retired else 'Inactive'}"
    if store.proof is Proof.WRONG:
        return f"holds a secret that is not that of {store.key_id}"
    if store.proof is Proof.UNKNOWN:
        young = words.fresh(key, state.now, rules)
        more = "It is new; run again in a minute." if young else f"Is the Region {rules.region} enabled for the account?"
        raise Refusal(f"AWS did not accept {store.key_id}, which the {store.place} holds: {store.says}. Nothing was changed. {more}")
    return ""


def _absent(state: State, rules: Rules) -> Decision:
    if not state.host.key_id:
        return Decision((), "the host holds no key", "", state)
    change = Change("remove", "profile", rules.profile, rules.path)
    return Decision((change,), "the profile leaves the host; user and key stay", "", replace(state, host=HostState()))


def _deliver(state: State, key_id: str, rules: Rules, reason: str) -> Decision:
    host = HostState(key_id, Proof.PROVEN, written=state.now, region=rules.region, mode=rules.mode,
                     owner=rules.owner or state.host.owner, group=rules.group or state.host.group)  # fmt: skip
    change = Change("deliver", "access key", key_id, f"user {rules.user}", before=state.host.key_id or None, after=key_id)
    return Decision((change,), reason, "", replace(state, host=host))
