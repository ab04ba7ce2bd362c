# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decisions about a key that hosts share, row by row, each condition from both sides."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_key import NEW, Key, Proof, Rules, User
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.shared_key import (
    Content,
    SharedRules,
    SharedState,
    Stored,
    as_text,
    from_text,
    partial,
    settled,
)
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.shared_key_decisions import decide

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RULES = Rules(user="shared", region="eu-west-1", rotate_after=90 * DAY)
USER = User("shared", "arn:aws:iam::123456789012:user/shared", owner="default", console_password=False, groups=())
CREATE, REFUSED = "create", "refused"
LAG = 4 * HOUR


def key(name, age, used=None, by="monitoring", active=True, retired=None):
    """Return a key; ``age``, ``used`` and ``retired`` say how long ago."""

    def ago(length):
        return None if length is None else NOW - length

    return Key(name, active, ago(age), ago(used), by if used is not None else "", "eu-west-1" if used is not None else "", ago(retired))


def stored(key_id, proof=Proof.PROVEN, **more):
    return Stored("parameter /k", True, key_id, "shared", proof, **{"owner": "default", **more})


EMPTY = Stored("parameter /k")
IN_USE = key("O", 30 * DAY, used=HOUR)
QUIET = key("O", 30 * DAY, used=DAY)
OLD = key("O", 91 * DAY, used=HOUR)
RETIRED = key("O", 60 * DAY, used=10 * DAY, active=False, retired=3 * DAY)
EXPIRED = key("O", 60 * DAY, used=10 * DAY, active=False, retired=8 * DAY)
REUSED = key("O", 60 * DAY, used=2 * DAY, active=False, retired=8 * DAY)
STOPPED = key("O", 60 * DAY, used=10 * DAY, active=False)
ORPHAN = key("O", DAY)
YOUNG = key("O", DAY - MINUTE)
N = key("N", 20 * DAY, used=HOUR)
N_OLD = key("N", 91 * DAY, used=HOUR)

# A row a line.
# ruff: noqa: E501
PROVIDE = [
    # the store has a key that works
    ("proven", [IN_USE], stored("O"), {}, []),
    ("proven, a second one there", [IN_USE, N], stored("N"), {}, []),
    ("as old as rotate_after", [key("O", 90 * DAY)], stored("O"), {}, []),
    ("older than rotate_after", [key("O", 90 * DAY + MINUTE)], stored("O"), {}, [CREATE]),
    ("old, but keys are not rotated", [OLD], stored("O"), {"rotate_after": None}, []),
    ("due, the slot is taken by one in use", [IN_USE, N_OLD], stored("N"), {}, []),
    ("due, the slot is taken by one within its grace", [RETIRED, N_OLD], stored("N"), {}, []),
    ("due, the slot is taken by one beyond its grace", [EXPIRED, N_OLD], stored("N"), {}, ["delete O", CREATE]),
    ("due, the slot is taken by one used after retirement", [REUSED, N_OLD], stored("N"), {}, []),
    ("due, the slot is taken by an orphan", [ORPHAN, N_OLD], stored("N"), {}, ["delete O", CREATE]),
    ("due, AWS may not have told of its use yet", [YOUNG, N_OLD], stored("N"), {}, []),
    ("due, the other was deactivated by somebody", [STOPPED, N_OLD], stored("N"), {}, []),
    ("due, the other is named", [IN_USE, N_OLD], stored("N"), {"drop_key": "O"}, ["delete O", CREATE]),
    ("not due, the other is named: the hosts come first", [IN_USE, N], stored("N"), {"drop_key": "O"}, []),
    ("forced", [IN_USE], stored("O"), {"rotate": True}, [CREATE]),
    ("forced again: the first attempt made it", [key("O", 15 * MINUTE - MINUTE)], stored("O"), {"rotate": True}, []),
    ("forced, and it is no longer fresh", [key("O", 15 * MINUTE)], stored("O"), {"rotate": True}, [CREATE]),
    ("forced, the slot is taken by one in use", [IN_USE, N], stored("N"), {"rotate": True}, REFUSED),
    ("forced, the slot is taken by one within its grace", [RETIRED, N], stored("N"), {"rotate": True}, ["delete O", CREATE]),
    ("forced, the slot is taken by one used after retirement", [REUSED, N], stored("N"), {"rotate": True}, REFUSED),
    ("forced, the other was deactivated by somebody", [STOPPED, N], stored("N"), {"rotate": True}, REFUSED),
    ("forced, the other is named", [IN_USE, N], stored("N"), {"rotate": True, "drop_key": "O"}, ["delete O", CREATE]),
    ("the stored key is named", [IN_USE], stored("O"), {"drop_key": "O"}, [CREATE]),
    ("the stored key is named, no slot", [IN_USE, N], stored("N"), {"drop_key": "N"}, REFUSED),
    ("under another KMS key", [IN_USE], stored("O", sealed="AWS's own key"), {}, [CREATE]),
    ("under another KMS key, no slot", [IN_USE, N], stored("N", sealed="another KMS key"), {}, []),
    ("others may read the file", [IN_USE], stored("O", owner=None, mode="0644"), {}, ["update"]),
    ("nobody else may read the file", [IN_USE], stored("O", owner=None, mode="0600"), {}, []),
    # the store is empty, or what it holds is gone
    ("no key, empty store", [], EMPTY, {}, [CREATE]),
    ("no key, the stored one is gone", [], stored("X", Proof.UNKNOWN), {}, [CREATE]),
    ("works, and IAM does not list it", [], stored("X"), {}, REFUSED),
    ("fresh key, empty store: another run", [key("O", 15 * MINUTE - MINUTE)], EMPTY, {}, REFUSED),
    ("fresh key that is named, empty store", [key("O", MINUTE)], EMPTY, {"drop_key": "O"}, [CREATE]),
    ("used key, empty store: hosts may hold it", [IN_USE], EMPTY, {}, [CREATE]),
    ("unused key, empty store", [ORPHAN], EMPTY, {}, [CREATE]),
    ("retired key, empty store", [RETIRED], EMPTY, {}, [CREATE]),
    ("deactivated by somebody, empty store", [STOPPED], EMPTY, {}, REFUSED),
    ("deactivated by somebody, meant", [STOPPED], EMPTY, {"replace_inactive": True}, [CREATE]),
    ("deactivated by somebody, forced", [STOPPED], EMPTY, {"rotate": True}, [CREATE]),
    ("deactivated by somebody, named", [STOPPED], EMPTY, {"drop_key": "O"}, [CREATE]),
    ("deactivated and never used", [key("O", DAY, active=False)], EMPTY, {}, [CREATE]),
    ("deactivated and maybe used", [key("O", DAY - MINUTE, active=False)], EMPTY, {}, REFUSED),
    ("two in use, empty store", [IN_USE, N], EMPTY, {}, REFUSED),
    ("two in use, one named", [IN_USE, N], EMPTY, {"drop_key": "O"}, ["delete O", CREATE]),
    ("an orphan and one in use, empty store", [ORPHAN, N], EMPTY, {}, ["delete O", CREATE]),
    ("two orphans, empty store", [ORPHAN, key("N", DAY)], EMPTY, {}, ["delete N", CREATE]),
    ("a young one and one in use, empty store", [YOUNG, N], EMPTY, {}, REFUSED),
    ("one within its grace and one in use, empty store", [RETIRED, N], EMPTY, {}, REFUSED),
    ("the same, forced", [RETIRED, N], EMPTY, {"rotate": True}, ["delete O", CREATE]),
    ("one beyond its grace and one in use, empty store", [EXPIRED, N], EMPTY, {}, ["delete O", CREATE]),
    # the store's key does not work
    ("stored key retired: a restored backup", [RETIRED, N], stored("O", Proof.UNKNOWN), {}, ["delete O", CREATE]),
    ("stored key retired and used since", [REUSED, N], stored("O", Proof.UNKNOWN), {}, REFUSED),
    ("stored key retired, alone", [RETIRED], stored("O", Proof.UNKNOWN), {}, [CREATE]),
    ("stored key deactivated by somebody", [STOPPED], stored("O", Proof.UNKNOWN), {}, REFUSED),
    ("stored key deactivated, forced", [STOPPED], stored("O", Proof.UNKNOWN), {"rotate": True}, [CREATE]),
    ("wrong secret, in use", [IN_USE], stored("O", Proof.WRONG), {}, [CREATE]),
    ("wrong secret, two in use", [IN_USE, N], stored("N", Proof.WRONG), {}, REFUSED),
    ("wrong secret, fresh", [key("O", MINUTE)], stored("O", Proof.WRONG), {}, REFUSED),
    ("not accepted, fresh", [key("O", MINUTE)], stored("O", Proof.UNKNOWN), {}, REFUSED),
    ("not accepted, not fresh", [IN_USE], stored("O", Proof.UNKNOWN), {}, REFUSED),
    # stores that are not to be touched
    ("somebody else's key", [IN_USE], stored("X", Proof.FOREIGN, says="arn:x"), {}, REFUSED),
    ("another user's by its word", [IN_USE], replace(stored("O"), user="other"), {}, REFUSED),
    ("unreadable", [IN_USE], Stored("p", True, error="no."), {}, REFUSED),
    ("no owner", [IN_USE], stored("O", owner=""), {}, REFUSED),
    ("another owner", [IN_USE], stored("O", owner="x"), {}, REFUSED),
    ("another owner, adopted", [IN_USE], stored("O", owner="x"), {"adopt": True}, []),
    ("cannot be written, and need not be", [IN_USE], stored("O", hindrance="x"), {}, []),
    ("cannot be written, and a key would be made", [], Stored("p", hindrance="x"), {}, REFUSED),
]  # fmt: skip

BOTH, HALF, NONE_SEEN = {"a": "N", "b": "N"}, {"a": "N", "b": "O"}, {"a": "N", "b": ""}
FINISH = [
    ("one key", [N], EMPTY, BOTH, {}, [], ""),
    ("all seen on N, O quiet", [QUIET, N], stored("N"), BOTH, {}, ["retire O"], "grace of O"),
    ("all seen on N, O used", [replace(QUIET, used=NOW - DAY + MINUTE), N], stored("N"), BOTH, {}, [], "within 24 hours"),
    ("all seen on N, O made lately", [key("O", DAY - MINUTE, used=DAY - MINUTE), N], stored("N"), BOTH, {}, [], "within 24 hours"),
    ("one still holds O", [QUIET, N], stored("N"), HALF, {}, [], "held by b"),
    ("one was not seen", [QUIET, N], stored("N"), NONE_SEEN, {}, [], "not seen on N: b"),
    ("one holds a key of nobody's", [QUIET, N], stored("N"), {"a": "N", "b": "X"}, {}, [], "not seen on N: b"),
    ("not all hosts", [QUIET, N], stored("N"), BOTH, {"partial": "limited"}, [], "limited"),
    ("nobody used O", [ORPHAN, N], stored("N"), BOTH, {}, ["delete O"], ""),
    ("nobody used O as far as AWS tells yet", [YOUNG, N], stored("N"), BOTH, {}, [], "within 24 hours"),
    ("nobody used O, not all hosts", [ORPHAN, N], stored("N"), BOTH, {"partial": "limited"}, [], "limited"),
    ("nobody used O, and AWS may be late: retired", [key("O", LAG - MINUTE), N], stored("N"), BOTH, {"in_use_within": HOUR}, ["retire O"], "grace of O"),
    ("nobody used O, and AWS would have told", [key("O", LAG), N], stored("N"), BOTH, {"in_use_within": HOUR}, ["delete O"], ""),
    ("O fresh: another run", [key("O", MINUTE), N], stored("N"), BOTH, {}, [], "another run"),
    ("O within its grace", [RETIRED, N], stored("N"), BOTH, {}, [], "its grace"),
    ("O beyond its grace", [EXPIRED, N], stored("N"), BOTH, {}, ["delete O"], ""),
    ("O beyond its grace, not all hosts: it is dead already", [EXPIRED, N], stored("N"), NONE_SEEN, {"partial": "limited"}, ["delete O"], ""),
    ("O beyond its grace, and seen", [EXPIRED, N], stored("N"), HALF, {}, [], "held by b"),
    ("O used after its retirement", [REUSED, N], stored("N"), BOTH, {}, [], "drop_key: O"),
    ("O deactivated by somebody", [STOPPED, N], stored("N"), BOTH, {}, ["tag O"], "grace of O"),
    ("O deactivated and never used", [replace(ORPHAN, active=False), N], stored("N"), BOTH, {}, ["delete O"], ""),
    ("O named", [IN_USE, N], stored("N"), NONE_SEEN, {"partial": "limited", "drop_key": "O"}, ["delete O"], ""),
    ("O named, and seen", [IN_USE, N], stored("N"), HALF, {"drop_key": "O"}, [], "held by b"),
    ("N is named: it is the stored one", [QUIET, N], stored("N"), BOTH, {"drop_key": "N"}, ["retire O"], "grace of O"),
    ("the stored one is the older", [QUIET, N], stored("O"), {"a": "O"}, {}, [], "within 24 hours"),
    ("empty store", [QUIET, N], EMPTY, BOTH, {}, [], "a run that brings one"),
    ("stored key does not work", [QUIET, N], stored("N", Proof.WRONG), BOTH, {}, [], "a run that brings one"),
    ("somebody else's store", [QUIET, N], stored("X", Proof.FOREIGN), BOTH, {}, REFUSED, ""),
]  # fmt: skip


def steps(decision):
    return [change.step if change.step in ("create", "update") else f"{change.step} {change.key}" for change in decision.changes]


def asked(options, hosts=None):
    shared = {name: options[name] for name in ("rotate", "partial") if name in options}
    return SharedRules(replace(RULES, **{n: v for n, v in options.items() if n not in shared}), hosts=hosts, **shared)


@pytest.mark.parametrize(("keys", "store", "options", "expected"), [row[1:] for row in PROVIDE], ids=[row[0] for row in PROVIDE])
def test_the_first_stage(keys, store, options, expected):
    state, rules = SharedState(NOW, USER, tuple(keys), store), asked(options)
    if expected == REFUSED:
        with pytest.raises(Refusal, match=r"[.?]$"):
            decide(state, rules)
        return
    decision = decide(state, rules)
    assert steps(decision) == expected and decision.reason
    if CREATE in expected:
        assert decision.after.store.key_id == NEW and decision.after.good and len(decision.after.keys) <= 2


@pytest.mark.parametrize(
    ("keys", "store", "hosts", "options", "expected", "awaits"), [row[1:] for row in FINISH], ids=[row[0] for row in FINISH]
)
def test_the_final_stage(keys, store, hosts, options, expected, awaits):
    state, rules = SharedState(NOW, USER, tuple(keys), store), asked(options, hosts)
    if expected == REFUSED:
        with pytest.raises(Refusal):
            decide(state, rules)
        return
    decision = decide(state, rules)
    assert steps(decision) == expected
    assert awaits in decision.awaiting and bool(awaits) == bool(decision.awaiting)


def test_missing_user_comes_first():
    decision = decide(SharedState(NOW, None, (), EMPTY), SharedRules(RULES))
    assert [str(change) for change in decision.changes] == ["require user shared", "create access key for user shared"]


@pytest.mark.parametrize(
    ("user", "says"),
    [
        (replace(USER, owner=""), "no tag"),
        (replace(USER, console_password=True), "console password"),
        (replace(USER, groups=("g",)), "groups"),
    ],
)
def test_users_that_get_no_key(user, says):
    for hosts in (None, BOTH):
        with pytest.raises(Refusal, match=says):
            decide(SharedState(NOW, user, (QUIET, N), stored("N")), SharedRules(RULES, hosts=hosts))


def test_a_refusal_for_the_slot_lists_both_keys():
    with pytest.raises(Refusal) as refused:
        decide(SharedState(NOW, USER, (IN_USE, N), stored("N")), asked({"rotate": True}))
    for told in (
        "O (Active, made 30 days ago, last used 60 minutes ago by monitoring in eu-west-1)",
        "N (Active",
        "drop_key",
        "without rotate: true",
    ):
        assert told in str(refused.value)


@pytest.mark.parametrize(
    ("hosts", "all_hosts", "host_count", "variables", "says"),
    [
        (BOTH, True, None, {}, ""),
        (BOTH, True, 2, {}, ""),
        (BOTH, False, None, {}, "all_hosts"),
        (BOTH, False, 2, {}, "all_hosts"),
        ({}, True, None, {}, "no host"),
        ({}, True, 0, {}, "no host"),
        (BOTH, True, 3, {}, "2 of 3"),
        (BOTH, True, 1, {}, "2 of 1"),
        (BOTH, True, None, {"ansible_limit": "a"}, "limited to a"),
        (BOTH, True, 2, {"ansible_limit": "a"}, "limited to a"),
        (BOTH, True, None, {"awx_job_id": 3}, ""),
        (BOTH, True, None, {"awx_job_id": 3, "awx_workflow_job_id": 2}, "slice"),
        (BOTH, True, None, {"tower_workflow_job_id": 2}, "slice"),
        (BOTH, True, 2, {"awx_workflow_job_id": 2}, ""),
        (BOTH, True, 3, {"awx_workflow_job_id": 2}, "2 of 3"),
    ],
)
def test_whether_a_run_saw_all_hosts(hosts, all_hosts, host_count, variables, says):
    told = partial(hosts, all_hosts, host_count, variables)
    assert says in told and bool(says) == bool(told)


def test_settled_needs_nothing_more():
    state = SharedState(NOW, USER, (IN_USE, N), stored("N"))
    assert settled(state, SharedRules(RULES)) and settled(replace(state, keys=(N,)), SharedRules(RULES, hosts=BOTH))
    assert not settled(state, SharedRules(RULES, hosts=BOTH))
    for other in (replace(state, keys=(IN_USE, N_OLD)), replace(state, store=stored("N", Proof.WRONG)), replace(state, store=EMPTY)):
        assert not settled(other, SharedRules(RULES))
    assert not settled(state, asked({"rotate": True}))


@pytest.mark.parametrize(
    "text",
    ["", "x: 1", "[]", '{"user": "u"}', as_text(Content("u", "", "s")), as_text(Content("u", "k", "")), as_text(Content("u", "k", "s")).replace('"s"', "1"),
     as_text(Content("u", "k", "s")).replace("{", '{"more": "x",')],
)  # fmt: skip
def test_texts_that_are_not_ours(text):
    assert from_text(text) is None


def test_a_content_there_and_back():
    content = Content("shared", "AKIA", "s3cr3t", "2026-03-01T12:00:00Z")
    assert from_text(as_text(content)) == content and "s3cr3t" not in repr(content)
