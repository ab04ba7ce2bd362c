# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do with a user's keys and the host's file: a pure function of what IAM lists, what the host holds, the rules and the time.

What must not be acted on is refused first (``key_refusals``). Where a row of the table ends in "then decide again", it is
decided again on the state that its changes will leave, so that one plan holds all of it.

H is the key on the host; of two keys the other one is older (H is the newer) or newer (H is the older).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable, Iterable, List, Optional, Tuple

from . import access_key as words
from .access_key import NEW, HostState, Key, Proof, Rules, State, told
from .errors import Refusal
from .key_refusals import before_a_write, many, refuse, refuse_contained
from .key_steps import clean, delete, retire, tag
from .plan import Change

Step = Tuple[Change, Callable[[State], State]]
"""A change, and what it does to the state."""


@dataclass(frozen=True)
class Decision:
    """What to do, why, and the state it leads to."""

    changes: Tuple[Change, ...]
    reason: str
    awaiting: str
    """What a later run waits for, in words; empty when nothing is left to do."""
    after: State


def decide(state: State, rules: Rules) -> Decision:
    """Return the changes that bring one proven key to the host, or that take it away.

    :raises Refusal: when a person must decide.
    """
    refuse(state, rules)
    decision = _present(state, rules) if rules.present else _absent(state, rules)
    decision = protect(decision, rules)
    first = (*clean(state.host, rules.path), *before_a_write(state, decision.changes, rules))
    return replace(decision, changes=(*first, *decision.changes))


def _present(state: State, rules: Rules) -> Decision:
    if state.user is None:
        new = _handover(state, rules)
        return replace(
            new, changes=(Change("require", "user", rules.user), *new.changes), reason="the user comes first, then its key is handed over"
        )
    named = state.key(rules.drop_key) if rules.drop_key else None
    if named:
        return _again(delete(named, rules.user), state, rules)
    held = _held(state)
    if held is None:
        return _nothing_on_host(state, rules)
    if held.active:
        return _in_use(state, held, rules)
    other = next((key for key in state.keys if key.active), None)
    if not held.retired or other is None:
        return _nothing_on_host(state, rules)
    if words.fresh(other, state.now, rules):
        return _hold(
            state, f"{other.id} was made moments ago and another run may be handing it over", "that run, or the key's orphan_grace"
        )
    return _again(delete(held, rules.user), state, rules)


def _held(state: State) -> Optional[Key]:
    key = state.key(state.host.key_id)
    return None if key is None or (key.active and state.host.proof is Proof.WRONG) else key


def _nothing_on_host(state: State, rules: Rules) -> Decision:
    if not state.keys:
        return _then(_handover(state, rules), [], "the user has no key and the host holds none that works")
    if len(state.keys) > 1:
        return _free_a_slot(state, rules)
    (key,) = state.keys
    new = _handover(state, rules)
    why = f"the host holds no key that works; {told(key, state.now)}"
    if key.retired:
        if words.beyond_grace(key, state.now, rules):
            return _then(new, [delete(key, rules.user)], why + " has passed its grace")
        return _then(new, [], why, f"the grace of {key.id}")
    if words.fresh(key, state.now, rules):
        return _hold(state, f"{key.id} was made moments ago and another run may be handing it over", "that run, or the key's orphan_grace")
    if words.virgin(key):
        return _then(new, [delete(key, rules.user)], why + " was never handed over")
    if not key.active:
        return _then(new, [tag(key, rules.user)], why + " is replaced as replace_inactive says", f"the grace of {key.id}")
    if not words.quiet(key, state.now, rules):
        return _then(new, [], why + " is used somewhere else and is kept", f"somebody to move the user of {key.id}, or drop_key")
    return _then(new, [retire(key, rules.user)], why + " is quiet", f"the grace of {key.id}")


def _free_a_slot(state: State, rules: Rules) -> Decision:
    for key in _oldest_first(state):
        orphan = words.virgin(key) and not key.retired and not words.fresh(key, state.now, rules)
        if orphan or words.beyond_grace(key, state.now, rules):
            return _again(delete(key, rules.user), state, rules)
    young = [key.id for key in state.keys if key.active and words.fresh(key, state.now, rules)]
    if young:
        return _hold(
            state, f"{' and '.join(young)} was made moments ago and other runs may be handing over", "those runs, or the key's orphan_grace"
        )
    raise many(state, rules)


def _in_use(state: State, held: Key, rules: Rules) -> Decision:
    if state.host.proof is not Proof.PROVEN:
        return _not_proven(state, held, rules)
    others = [key for key in state.keys if key != held]
    if len(others) > 1:
        raise many(state, rules)
    if not others:
        if not words.due(held, state.now, rules):
            return _hold(state, f"{held.id} is on the host and proven", "")
        return _rotate(state, held, rules)
    (other,) = others
    if other.created <= held.created:
        return _held_is_newer(state, held, other, rules)
    return _held_is_older(state, held, other, rules)


def _not_proven(state: State, held: Key, rules: Rules) -> Decision:
    if words.fresh(held, state.now, rules):
        return _hold(state, f"{held.id} is on the host, and AWS does not know it everywhere yet", "AWS to accept the key")
    raise Refusal(
        f"IAM lists {held.id} of user {rules.user} as Active, but a call signed with it on the host was not accepted: {state.host.says}. "
        f"Nothing was changed. Is the Region {rules.region} enabled for the account, and of the same partition?"
    )


def _rotate(state: State, held: Key, rules: Rules) -> Decision:
    new = _handover(state, rules)
    why = f"{held.id} is due ({words.age(state.now - held.created)} old)"
    if rules.settle == "next_run":
        return _then(new, [], why, f"the agent to take up the new key; {held.id} stays Active until then")
    after = _present(new.after, rules)
    return Decision(new.changes + after.changes, f"{why}; {after.reason}", after.awaiting, after.after)


def _held_is_newer(state: State, held: Key, other: Key, rules: Rules) -> Decision:
    if other.active:
        return _take_up(state, held, other, rules)
    if not other.retired:
        return _start_grace(state, held, other, rules)
    if words.beyond_grace(other, state.now, rules):
        return _again(delete(other, rules.user), state, rules)
    if words.used_since_retired(other):
        return _hold(state, f"{told(other, state.now)} was used after its retirement: somebody else holds it", f"drop_key: {other.id}")
    return _hold(state, f"{held.id} is proven; {told(other, state.now)} waits for its deletion", f"the grace of {other.id}")


def _start_grace(state: State, held: Key, other: Key, rules: Rules) -> Decision:
    why = f"{held.id} is proven; {told(other, state.now)} was deactivated by somebody: its grace starts now"
    return _then(_hold(state, "", ""), [tag(other, rules.user)], why, f"the grace of {other.id}")


def _take_up(state: State, held: Key, other: Key, rules: Rules) -> Decision:
    written = state.host.written
    if written is None:
        return _hold(state, f"{held.id} is proven; when it was written is not known", "a readable modification time of the host's file")
    if other.used is not None and other.used > written + words.LAST_USES:
        return _hold(
            state, f"{told(other, state.now)} was used after the host had {held.id}: somebody else holds it", f"drop_key: {other.id}"
        )
    if state.host.restarted or state.now - written >= words.TAKE_UP:
        why = f"the agent uses {held.id}; {other.id} shows no use since"
        return _then(_hold(state, "", ""), [retire(other, rules.user)], why, f"the grace of {other.id}")
    if rules.settle == "next_run":
        return _hold(
            state, f"{held.id} is proven; the agent may still use {other.id}", "15 minutes after the write, or a restart of the agent"
        )
    step = Change("restart", "agent") if rules.settle == "restart" else Change("wait for", "agent", after=held.id)
    settled = replace(state, host=replace(state.host, restarted=True))
    after = _take_up(settled, held, other, rules)
    return replace(after, changes=(step, *after.changes))


def _held_is_older(state: State, held: Key, other: Key, rules: Rules) -> Decision:
    slot_needed = words.due(held, state.now, rules)
    if other.active:
        if words.fresh(other, state.now, rules):
            return _hold(
                state, f"{other.id} was made moments ago and another run may be handing it over", "that run, or the key's orphan_grace"
            )
        if words.virgin(other):
            return _again(delete(other, rules.user), state, rules)
        second = f"somebody else uses a newer key of this user: {told(other, state.now)}"
        if slot_needed:
            raise Refusal(
                f"{held.id} on the host is due, but {second}. Nothing was deleted. Move that consumer to a user of its own, "
                f"or name the key that may go: drop_key: {other.id}."
            )
        return _hold(state, f"{held.id} is proven; {second}", f"that consumer to get a user of its own, or drop_key: {other.id}")
    if not other.retired and not words.virgin(other):
        return _start_grace(state, held, other, rules)
    if slot_needed or words.beyond_grace(other, state.now, rules):
        return _again(delete(other, rules.user), state, rules)
    return _hold(
        state, f"{held.id} is proven; {told(other, state.now)} is not needed", f"the grace of {other.id}, or its slot to be needed"
    )


def _absent(state: State, rules: Rules) -> Decision:
    held = _held(state)
    # The profile goes last: what fails in between leaves its id on the host, by which the next run goes on.
    steps = [step for key in _oldest_first(state) for step in _offboard(state, key, key == held, rules)]
    if state.host.key_id:
        steps.append((Change("remove", "profile", rules.profile, rules.path), lambda state: replace(state, host=HostState())))
    reason = "the profile leaves the host, and its key with it" if state.host.key_id else "the host holds no key"
    decision = _then(_hold(state, "", ""), steps, reason)
    kept = "; ".join(told(key, state.now) for key in decision.after.keys)
    return replace(decision, awaiting=f"nothing; these keys stay: {kept}" if kept else "")


def _offboard(state: State, key: Key, held: bool, rules: Rules) -> List[Step]:
    named = key.id == rules.drop_key or (held and (state.host.proof is Proof.PROVEN or not key.active))
    if named or words.beyond_grace(key, state.now, rules):
        return [delete(key, rules.user)]
    if key.retired or words.fresh(key, state.now, rules):
        return []
    if words.virgin(key):
        return [delete(key, rules.user)]
    if not key.active:
        return [tag(key, rules.user)]
    return [retire(key, rules.user)] if words.quiet(key, state.now, rules) else []


def protect(decision: Decision, rules: Rules) -> Decision:
    """Return the decision with a change of Region, owner, group and mode where the file stays as it is."""
    host = decision.after.host
    if not rules.present or host.key_id == NEW or host.proof is not Proof.PROVEN or decision.after.key(host.key_id) is None:
        return decision
    pairs = [(name, getattr(host, name), getattr(rules, name)) for name in ("region", "owner", "group", "mode")]
    wrong = [(name, now, wanted) for name, now, wanted in pairs if wanted and now != wanted]
    if not wrong:
        return decision
    before, after = ({name: pair[at] for name, *pair in wrong} for at in (0, 1))
    change = Change("update", "profile", rules.profile, rules.path, before, after)
    return replace(decision, changes=(*decision.changes, change), after=replace(decision.after, host=replace(host, **after)))


def _hold(state: State, reason: str, awaiting: str) -> Decision:
    return Decision((), reason, awaiting, state)


def _handover(state: State, rules: Rules) -> Decision:
    host = HostState(NEW, Proof.PROVEN, written=state.now, region=rules.region, mode=rules.mode,
                     owner=rules.owner or state.host.owner, group=rules.group or state.host.group)  # fmt: skip
    after = replace(state, keys=state.keys + (Key(NEW, True, state.now),), host=host)
    change = Change("hand over", "access key", of=f"user {rules.user}", before=state.host.key_id or None, after=NEW)
    return Decision((change,), "", "", after)


def _oldest_first(state: State) -> List[Key]:
    return sorted(state.keys, key=lambda key: (key.created, key.id))


def _then(decision: Decision, steps: Iterable[Step], reason: str, awaiting: str = "") -> Decision:
    """Return a decision with steps after it."""
    changes, after = list(decision.changes), decision.after
    for change, effect in steps:
        changes.append(change)
        after = effect(after)
    return Decision(tuple(changes), reason, awaiting, after)


def _again(step: Step, state: State, rules: Rules) -> Decision:
    """Decide again on the state that a step leaves."""
    change, effect = step
    left = effect(state)
    refuse_contained(left, rules)
    decision = _present(left, rules)
    return replace(decision, changes=(change, *decision.changes))
