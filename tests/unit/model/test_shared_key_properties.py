# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every state of a shared key, tried on random ones with a small IAM, a store, and hosts that use what they hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import access_key as words
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_key import Key, Proof, Rules, User
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.shared_key import (
    SharedRules,
    SharedState,
    Stored,
    orphan,
    partial,
)
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.shared_key_decisions import decide
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
USER = User("shared", "arn:aws:iam::123456789012:user/shared", owner="default", console_password=False, groups=())
AGES = st.sampled_from([0, 0.2, 0.3, 3, 5, 23, 25, 24 * 6, 24 * 8, 24 * 89, 24 * 91, 24 * 400])
HOSTS = ("a", "b", "c")


@st.composite
def keys(draw, name):
    age = draw(AGES)
    past = AGES.filter(lambda ago: ago <= age)
    used, tagged = draw(st.none() | past), draw(st.none() | past)
    ago = [None if length is None else NOW - length * HOUR for length in (age, used, tagged)]
    return Key(name, draw(st.booleans()), ago[0], ago[1], draw(st.sampled_from(["sts", "monitoring"])) if ago[1] else "", "", ago[2])


@st.composite
def states(draw):
    held = tuple(draw(keys(name)) for name in ["A", "B"][: draw(st.integers(0, 2))])
    key_id = draw(st.sampled_from(["", "GONE", *[key.id for key in held]]))
    key = next((key for key in held if key.id == key_id), None)
    proof = (
        Proof.UNTRIED
        if not key_id
        else Proof.UNKNOWN
        if key is None or not key.active
        else draw(st.sampled_from([Proof.PROVEN, Proof.WRONG]))
    )
    store = Stored(
        "p", bool(key_id), key_id, "shared" if key_id else "", proof, owner="default", sealed=draw(st.sampled_from(["", "", "AWS's own"]))
    )
    return SharedState(NOW, USER, held, store)


@st.composite
def rule_sets(draw, named=("", "", "A", "X")):
    rules = Rules("shared", region="eu-west-1", rotate_after=draw(st.sampled_from([None, timedelta(days=90)])),
                  replace_inactive=draw(st.booleans()), drop_key=draw(st.sampled_from(named)))  # fmt: skip
    return SharedRules(rules, rotate=draw(st.booleans()))


def decided(state, rules):
    try:
        return decide(state, rules)
    except Refusal:
        return None


SEEN = st.none() | st.dictionaries(st.sampled_from(HOSTS), st.sampled_from(["", "A", "B", "GONE"]))


@settings(max_examples=500, deadline=None)
@given(states(), rule_sets(), SEEN, st.sampled_from(["", "limited"]))
def test_what_a_plan_never_does(state, rules, hosts, part):
    rules = replace(
        rules, hosts=hosts, rotate=rules.rotate and hosts is None, partial="" if hosts is None else part or partial(hosts, True, None, {})
    )
    decision = decided(state, rules)
    if decision is None:
        return
    made = [change for change in decision.changes if change.step == "create"]
    assert len(made) <= (1 if hosts is None else 0)
    for change in decision.changes:
        key = state.key(change.key)
        named = bool(change.key) and change.key == rules.keys.drop_key
        before = decision.changes[: decision.changes.index(change)]
        assert change.step in ("create", "delete", "retire", "tag", "update")
        if change.step == "create":
            assert len(state.keys) - sum(other.step == "delete" for other in before) < 2, "made while two exist"
        if change.step == "delete":
            assert named or key.retired or orphan(key, state.now, rules.keys)
            assert not words.used_since_retired(key) or named or not key.retired
        if change.step in ("delete", "retire") and key.active:
            good = state.good and key == state.stored
            assert not good, "ends the key in the store"
            assert named or words.quiet(key, state.now, rules.keys), "ends a key that may be in use"
            if hosts is not None:
                assert key.id not in hosts.values(), "ends a key that a host was seen with"
                assert named or (hosts and not rules.partial and set(hosts.values()) == {state.store.key_id})
        if change.step == "retire":
            assert hosts is not None
    inactive = {key.id for key in state.keys if not key.active}
    assert not inactive & {key.id for key in decision.after.keys if key.active}, "activated again"
    assert len(decision.after.keys) <= 2
    if hosts is None:
        assert decision.after.good, "ends with a key in the store that works, or with a refusal"


class World:
    """IAM, a store and hosts that use their keys. AWS tells of a use four hours later."""

    def __init__(self, state, held):
        self.state = state
        self.held = dict(held)
        self.uses = {}
        self.made = 0

    def look(self):
        key = self.state.stored
        proof = self.state.store.proof
        if self.state.store.key_id and (key is None or not key.active):
            proof = Proof.UNKNOWN
        seen = []
        for key in self.state.keys:
            told = [use for use in self.uses.get(key.id, ()) if self.state.now - use >= 4 * HOUR]
            seen.append(replace(key, used=max(told), used_service="monitoring") if told else key)
        return replace(self.state, keys=tuple(seen), store=replace(self.state.store, proof=proof))

    def apply(self, change):
        state = self.state
        if change.step == "create":
            assert len(state.keys) < 2, "AWS's limit"
            self.made += 1
            new = Key(f"NEW{self.made}", True, state.now)
            store = Stored("p", True, new.id, "shared", Proof.PROVEN, owner="default")
            self.state = replace(state, keys=(*state.keys, new), store=store)
        elif change.step == "delete":
            self.state = replace(state, keys=tuple(key for key in state.keys if key.id != change.key))
        else:
            end = [
                replace(key, tagged=state.now, active=key.active and change.step == "tag") if key.id == change.key else key
                for key in state.keys
            ]
            self.state = replace(state, keys=tuple(end))

    def stage(self, rules):
        """Return whether a person must decide."""
        decision = decided(self.look(), rules)
        for change in decision.changes if decision else ():
            self.apply(change)
        return decision is None

    def run(self, rules, up):
        """All three stages. Hosts that are not up are not seen."""
        refused = self.stage(rules)
        seen = dict.fromkeys(HOSTS, "")
        if self.look().good:
            for host in up:
                seen[host] = self.held[host] = self.state.store.key_id
        told = partial(seen, True, None, {})
        return self.stage(replace(rules, hosts=seen, rotate=False, partial=told)) or refused

    def later(self):
        """Let six hours pass, in which every host, seen or not, uses its key."""
        for hours in (0, 3, 5):
            for key_id in self.held.values():
                self.uses[key_id] = [*self.uses.get(key_id, ()), self.state.now + hours * HOUR][-12:]
        self.state = replace(self.state, now=self.state.now + 6 * HOUR)

    def working(self):
        return {host for host, key_id in self.held.items() if (self.state.key(key_id) or Key("", False, NOW)).active}


def used_all_along(world):
    """Give the keys on hosts the uses that they must have had."""
    for key_id in world.held.values():
        key = world.state.key(key_id)
        if key:
            world.uses[key_id] = [max(key.created, NOW - hours * HOUR) for hours in range(0, 36, 3)]
    return world


@settings(max_examples=80, deadline=None)
@given(states(), rule_sets(named=("",)), st.data())
def test_no_host_loses_a_key_that_works(state, rules, data):
    """Whichever hosts a run reaches: those it does not reach work on, however many runs there are."""
    world = used_all_along(World(state, {host: data.draw(st.sampled_from(["A", "B", "GONE"])) for host in HOSTS}))
    for _run in range(12):
        before = world.working()
        up = data.draw(st.sets(st.sampled_from(HOSTS)))
        world.run(replace(rules, rotate=rules.rotate and data.draw(st.booleans())), up)
        assert before <= world.working()
        world.later()


@settings(max_examples=60, deadline=None)
@given(states(), rule_sets(named=("",)), st.data())
def test_every_state_ends_at_one_proven_key_or_a_person(state, rules, data):
    world = used_all_along(World(state, {host: data.draw(st.sampled_from(["A", "B", "GONE"])) for host in HOSTS}))
    once, calm = rules, replace(rules, rotate=False)
    for _run in range(90):
        refused = world.run(once, HOSTS)
        once = calm
        world.later()
    assert refused or (world.look().good and world.working() == set(HOSTS))
    if world.look().good:
        left = [key for key in world.look().others if not words.used_since_retired(key)]
        assert not left or rules.keys.rotate_after, "a key of before is left"


@settings(max_examples=60, deadline=None)
@given(states(), rule_sets(named=("",)), st.lists(st.booleans(), min_size=10, max_size=10))
def test_two_runs_at_once_reach_a_key_that_works(state, rules, turns):
    """Both look first; then their changes interleave, and each gives up on the first surprise."""
    world = used_all_along(World(state, dict.fromkeys(HOSTS, state.store.key_id)))
    before = world.working()
    decisions = [decided(world.look(), rules) for _run in range(2)]
    plans = [list(decision.changes) if decision else [] for decision in decisions]
    for first in [*turns, *[True] * 4, *[False] * 4]:
        plan = plans[0 if first else 1]
        if plan:
            try:
                world.apply(plan.pop(0))
            except AssertionError:
                plan.clear()
    assert before <= world.working()
    refused = True
    for _run in range(40):
        refused = world.run(replace(rules, rotate=False), HOSTS)
        world.later()
    assert refused or world.look().good


def test_a_rotation_ends_with_one_key():
    old = Key("O", True, NOW - timedelta(days=91), NOW - HOUR, "monitoring", "eu-west-1")
    world = World(
        SharedState(NOW, USER, (old,), Stored("p", True, "O", "shared", Proof.PROVEN, owner="default")), dict.fromkeys(HOSTS, "O")
    )
    rules = SharedRules(Rules("shared", region="eu-west-1", rotate_after=timedelta(days=90)))
    counts = []
    for run in range(60):
        # One host is down on the first day.
        assert not world.run(rules, HOSTS if run > 4 else HOSTS[:2])
        assert world.working() == set(HOSTS)
        world.later()
        counts.append((len(world.state.keys), sum(key.active for key in world.state.keys)))
    assert counts[0] == counts[4] == counts[8] == (2, 2) and (2, 1) in counts and counts[-1] == (1, 1) and world.made == 1
