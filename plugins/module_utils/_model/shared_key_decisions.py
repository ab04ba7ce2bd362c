# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do with the keys of a user that all hosts share: a pure function of what IAM lists, the store holds, and hosts were seen with.

The first stage makes at most one key, and deletes one only where its slot is needed. The final stage makes none. No host's
leaving ends a key: the old one goes when every host was seen on the store's, and nobody uses the old one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable, List, Mapping, Tuple

from . import access_key as words
from .access_key import NEW, Key, Proof, told
from .key_steps import delete, retire, tag
from .plan import Change
from .shared_key import SharedRules, SharedState, due, forced, holders, orphan
from .shared_key_refusals import no_slot, refuse, refuse_not_accepted, refuse_unready, refuse_unwritable

Step = Tuple[Change, Callable[[SharedState], SharedState]]
"""A change, and what it does to the state."""
FILE_MODE = "0600"


@dataclass(frozen=True)
class SharedDecision:
    """What to do, why, and the state it leads to."""

    changes: Tuple[Change, ...]
    reason: str
    awaiting: str
    """What a later run waits for, in words; empty when nothing is left to do."""
    after: SharedState


def decide(state: SharedState, rules: SharedRules) -> SharedDecision:
    """Return the changes that bring one proven key into the store, or that end those of before.

    :raises Refusal: when a person must decide.
    """
    refuse(state, rules)
    if rules.hosts is not None:
        return _finish(state, rules, rules.hosts)
    decision = _provide(state, rules)
    if decision.changes:
        refuse_unwritable(state)
    return decision


def _provide(state: SharedState, rules: SharedRules) -> SharedDecision:
    if state.user is None:
        require = Change("require", "user", rules.keys.user), lambda state: state
        return _then(state, [require, _create(state, rules)], "the user comes first, then its key is made")
    key = state.stored
    if key is None or not state.good:
        return _fill(state, rules)
    why = due(state, rules)
    if why:
        return _replace(state, key, why, rules)
    if state.store.mode and state.store.mode != FILE_MODE:
        change = Change("update", "store", state.store.place, before={"mode": state.store.mode}, after={"mode": FILE_MODE})
        step = change, lambda state: replace(state, store=replace(state.store, mode=FILE_MODE))
        return _then(state, [step], f"{key.id} is in the store and proven; others may read the file")
    return _hold(state, f"{key.id} is in the store and proven", "")


def _replace(state: SharedState, key: Key, why: str, rules: SharedRules) -> SharedDecision:
    if not state.others:
        return _then(state, [_create(state, rules)], why, f"all hosts to be seen on the new key; {key.id} stays Active until then")
    for other in state.others:
        if _may_go(other, state, rules):
            return _again(delete(other, rules.keys.user), state, rules)
    if forced(state, rules):
        raise no_slot(state, rules)
    listed = "; ".join(told(other, state.now) for other in state.others)
    return _hold(state, f"{why}, and its replacement needs the slot of another key", f"the end of {listed}")


def _fill(state: SharedState, rules: SharedRules) -> SharedDecision:
    """Make a key for a store that holds none that works."""
    refuse_not_accepted(state, rules)
    refuse_unready(state, rules)
    if len(state.keys) < 2:
        why = "the store holds no key that works" if state.store.key_id else "the store holds no key"
        kept = "; ".join(told(key, state.now) for key in state.keys)
        awaiting = f"all hosts to be seen on the new key; these stay until then: {kept}" if kept else ""
        return _then(state, [_create(state, rules)], why, awaiting)
    for key in sorted(state.keys, key=lambda key: (key.created, key.id)):
        if _may_go(key, state, rules):
            return _again(delete(key, rules.keys.user), state, rules)
    raise no_slot(state, rules)


def _may_go(key: Key, state: SharedState, rules: SharedRules) -> bool:
    """Return whether a key that is not the store's, or whose secret the store has lost, may be deleted for its slot."""
    if key.id == rules.keys.drop_key or words.beyond_grace(key, state.now, rules.keys) or orphan(key, state.now, rules.keys):
        return True
    # A retired key in the store comes from a backup of it: nothing can use it, and the slot is needed.
    return key.retired and not words.used_since_retired(key) and (forced(state, rules) or key == state.stored)


def _finish(state: SharedState, rules: SharedRules, hosts: Mapping[str, str]) -> SharedDecision:
    if len(state.keys) < 2:
        return _hold(state, "no other key is left to be ended", "")
    key = state.stored
    if key is None or not state.good:
        return _hold(state, "the store holds no key that works, so no other key is ended", "a run that brings one into it")
    steps: List[Step] = []
    waits: List[str] = []
    for other in state.others:
        awaited = _awaited(other, state, rules, hosts)
        if awaited:
            waits.append(f"{told(other, state.now)}: {awaited}")
        else:
            steps.append(_end(other, state, rules))
    left = [f"the grace of {change.key}" for change, _effect in steps if change.step in ("retire", "tag")]
    reason = "; ".join(str(change) for change, _effect in steps) or f"{key.id} is in the store, and no other key may be ended yet"
    return _then(state, steps, reason, "; ".join(waits + left))


def _awaited(key: Key, state: SharedState, rules: SharedRules, hosts: Mapping[str, str]) -> str:
    """Return what the end of a key waits for; empty when its next step may be taken."""
    held = holders(key.id, hosts)
    if held:
        return f"held by {_listed(held)}"
    if key.id == rules.keys.drop_key:
        return ""
    if key.retired:
        if words.used_since_retired(key):
            return f"used after its retirement, somebody else holds it; name it in drop_key: {key.id}"
        return "" if words.beyond_grace(key, state.now, rules.keys) else "its grace"
    if not key.active:
        return ""
    if words.fresh(key, state.now, rules.keys):
        return "another run may be storing it"
    if rules.partial:
        return f"a run that sees all hosts; {rules.partial}"
    unseen = sorted(host for host, key_id in hosts.items() if key_id != state.store.key_id)
    if unseen:
        return f"not seen on {state.store.key_id}: {_listed(unseen)}"
    if not words.quiet(key, state.now, rules.keys):
        return f"made or used within {words.age(rules.keys.in_use_within)}"
    return ""


def _end(key: Key, state: SharedState, rules: SharedRules) -> Step:
    """Return the next step of a key that waits for nothing."""
    if key.id == rules.keys.drop_key or key.retired or orphan(key, state.now, rules.keys):
        return delete(key, rules.keys.user)
    return tag(key, rules.keys.user) if not key.active else retire(key, rules.keys.user)


def _listed(hosts: List[str]) -> str:
    more = len(hosts) - 10
    return ", ".join(hosts[:10]) + (f" and {more} more" if more > 0 else "")


def _hold(state: SharedState, reason: str, awaiting: str) -> SharedDecision:
    return SharedDecision((), reason, awaiting, state)


def _then(state: SharedState, steps: List[Step], reason: str, awaiting: str = "") -> SharedDecision:
    after = state
    for _change, effect in steps:
        after = effect(after)
    return SharedDecision(tuple(change for change, _effect in steps), reason, awaiting, after)


def _again(step: Step, state: SharedState, rules: SharedRules) -> SharedDecision:
    """Decide again on the state that a step leaves, and put the step in front."""
    change, effect = step
    decision = _provide(effect(state), rules)
    return replace(decision, changes=(change, *decision.changes))


def _create(state: SharedState, rules: SharedRules) -> Step:
    change = Change("create", "access key", of=f"user {rules.keys.user}", before=state.store.key_id or None, after=NEW)

    def effect(state: SharedState) -> SharedState:
        mode = FILE_MODE if state.store.owner is None else ""
        store = replace(state.store, exists=True, key_id=NEW, user=rules.keys.user, proof=Proof.PROVEN, says="", sealed="", mode=mode)
        return replace(state, keys=(*state.keys, Key(NEW, True, state.now)), store=store)

    return change, effect
