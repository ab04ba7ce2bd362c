# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every state of keys and host, tried on random ones with a small IAM and a small host."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import access_key as words
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_key import HostState, Key, Proof, Rules, State, User
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.key_decisions import decide
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
USER = User("web1", "arn:aws:iam::123456789012:user/web1", owner="default", console_password=False, groups=())
AGES = st.sampled_from([0, 1, 14, 15, 16, 44, 46, 60 * 23, 60 * 25, 60 * 24 * 6, 60 * 24 * 8, 60 * 24 * 89, 60 * 24 * 91, 60 * 24 * 400])


@st.composite
def keys(draw, name):
    age = draw(AGES)
    used = draw(st.none() | AGES.filter(lambda ago: ago <= age))
    active = draw(st.booleans())
    tagged = draw(st.none() | AGES.filter(lambda ago: ago <= age))

    def ago(length):
        return None if length is None else NOW - length * MINUTE

    return Key(name, active, ago(age), ago(used), draw(st.sampled_from(["sts", "monitoring"])) if used is not None else "", "", ago(tagged))


@st.composite
def states(draw):
    held = tuple(draw(keys(name)) for name in ["A", "B"][: draw(st.integers(0, 2))])
    h = draw(st.sampled_from(["", "GONE", *[key.id for key in held]]))
    key = next((key for key in held if key.id == h), None)
    proof = (
        Proof.UNTRIED if not h else Proof.UNKNOWN if key is None or not key.active else draw(st.sampled_from([Proof.PROVEN, Proof.WRONG]))
    )
    written = draw(AGES)
    host = HostState(
        h, proof, written=NOW - written * MINUTE if h else None, restarted=draw(st.booleans()), mode="0600", region="eu-west-1"
    )
    return State(NOW, USER, held, host)


@st.composite
def rule_sets(draw):
    return Rules(
        "web1",
        region="eu-west-1",
        rotate_after=draw(st.sampled_from([None, timedelta(days=90)])),
        settle=draw(st.sampled_from(["next_run", "wait", "restart"])),
        replace_inactive=draw(st.booleans()),
        drop_key=draw(st.sampled_from(["", "", "A", "X"])),
        present=draw(st.sampled_from([True, True, True, False])),
    )


def decided(state, rules):
    try:
        return decide(state, rules)
    except Refusal:
        return None


@settings(max_examples=400, deadline=None)
@given(states(), rule_sets())
def test_what_a_plan_never_does(state, rules):
    decision = decided(state, rules)
    if decision is None:
        return
    of_keys = [change for change in decision.changes if change.what == "access key"]
    held = state.key(state.host.key_id)
    made = [change for change in of_keys if change.step == "hand over"]
    assert len(made) <= 1
    for change in of_keys:
        key = state.key(change.key)
        if change.step == "hand over":
            before = decision.changes[: decision.changes.index(change)]
            contained = [other for other in state.keys if not other.active and other.tagged is None and not words.virgin(other)]
            assert rules.replace_inactive or not [other for other in contained if other.id != rules.drop_key], "replaces a contained key"
            assert len(state.keys) - sum(other.step == "delete" for other in before) < 2, "made while two exist"
        elif change.step == "delete":
            dead = key == held and state.host.proof is Proof.WRONG and made
            named = change.key == rules.drop_key or (key == held and not rules.present)
            assert words.virgin(key) or key.retired or named or dead
        if (
            key == held
            and held is not None
            and held.active
            and state.host.proof is Proof.PROVEN
            and rules.present
            and change.step != "hand over"
        ):
            rotated = made and change.step == "retire" and rules.settle != "next_run"
            assert rotated, "touches the key on the host"
        assert change.step in ("hand over", "delete", "retire", "tag")
    inactive = {key.id for key in state.keys if not key.active}
    assert not inactive & {key.id for key in decision.after.keys if key.active}, "activated again"
    assert len(decision.after.keys) <= 2


class World:
    """IAM and a host that do what the changes say, and a clock."""

    def __init__(self, state):
        self.state = state
        self.made = 0

    def look(self):
        state = self.state
        key = state.key(state.host.key_id)
        proof = state.host.proof
        if state.host.key_id and (key is None or not key.active):
            proof = Proof.UNKNOWN
        return replace(state, host=replace(state.host, proof=proof))

    def apply(self, change, rules):
        state = self.state
        rest = tuple(key for key in state.keys if key.id != change.key)
        key = state.key(change.key)
        if change.step == "hand over":
            assert len(state.keys) < 2, "AWS's limit"
            if state.host.key_id != (change.before or ""):
                raise Refusal("compare and swap")
            self.made += 1
            new = Key(f"NEW{self.made}", True, state.now)
            self.state = replace(state, keys=(*state.keys, new),
                                 host=HostState(new.id, Proof.PROVEN, written=state.now, mode="0600", region="eu-west-1"))  # fmt: skip
        elif change.what == "profile" and change.step == "remove":
            self.state = replace(state, host=HostState())
        elif key and change.step == "delete":
            self.state = replace(state, keys=rest)
        elif key and change.step in ("retire", "tag"):
            changed = replace(key, tagged=state.now, active=key.active and change.step == "tag")
            self.state = replace(state, keys=tuple(changed if other.id == key.id else other for other in state.keys))

    def later(self, minutes):
        """Let time pass; the host's key is used meanwhile."""
        now = self.state.now + minutes * MINUTE
        held = self.state.host.key_id if self.state.host.proof is Proof.PROVEN else ""
        used = tuple(replace(k, used=now - MINUTE, used_service="monitoring") if k.id == held and k.active else k for k in self.state.keys)
        self.state = replace(self.state, now=now, keys=used, host=replace(self.state.host, restarted=False))

    def run(self, rules):
        """Return whether a person must decide."""
        decision = decided(self.look(), rules)
        for change in decision.changes if decision else ():
            self.apply(change, rules)
        return decision is None

    def good(self):
        key = self.state.key(self.state.host.key_id)
        return key is not None and key.active and self.look().host.proof is Proof.PROVEN


@settings(max_examples=150, deadline=None)
@given(states(), rule_sets().filter(lambda rules: rules.present))
def test_every_state_reaches_a_proven_key_or_a_person(state, rules):
    world = World(state)
    refused = False
    for _day in range(40):
        refused = world.run(rules)
        if refused and world.state.now - NOW > timedelta(days=20):
            break
        world.later(60 * 12)
    assert refused or world.good()
    if not refused and rules.rotate_after is None:
        others = [key for key in world.state.keys if key.id != world.state.host.key_id]
        assert not [key for key in others if words.beyond_grace(key, world.state.now, rules)], "a retired key is left behind"


@settings(max_examples=100, deadline=None)
@given(states(), rule_sets().filter(lambda rules: rules.present), st.lists(st.booleans(), min_size=12, max_size=12))
def test_two_runs_at_once_reach_the_same(state, rules, turns):
    """Both look first; then their changes interleave, and each gives up on the first surprise, as the module does."""
    world = World(state)
    plans = []
    for _run in range(2):
        decision = decided(world.look(), rules)
        plans.append(list(decision.changes) if decision else [])
    for first in turns:
        plan = plans[0 if first else 1]
        if plan:
            try:
                world.apply(plan.pop(0), rules)
            except (Refusal, AssertionError):
                plan.clear()
    for plan in plans:
        for change in plan:
            try:
                world.apply(change, rules)
            except (Refusal, AssertionError):
                break
    had_one = World(state).good()
    for _day in range(40):
        refused = world.run(rules)
        world.later(60 * 12)
    assert refused or world.good()
    if had_one and not state.key(state.host.key_id).retired:
        assert world.good() or refused


@pytest.mark.parametrize("settle", ["next_run", "wait", "restart"])
def test_a_rotation_ends_with_one_key(settle):
    old = Key("O", True, NOW - timedelta(days=91), NOW - timedelta(hours=1), "monitoring", "eu-west-1")
    world = World(State(NOW, USER, (old,), HostState("O", Proof.PROVEN, written=NOW - timedelta(days=91), mode="0600", region="eu-west-1")))
    rules = Rules("web1", region="eu-west-1", rotate_after=timedelta(days=90), settle=settle)
    counts = []
    for _day in range(10):
        assert not world.run(rules)
        world.later(60 * 24)
        counts.append(len(world.state.keys))
    assert world.good() and counts[0] == 2 and counts[-1] == 1 and world.made == 1
