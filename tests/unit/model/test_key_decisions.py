# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision table of the handover, row by row, each condition from both sides."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import access_key as words
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_key import HostState, Key, Proof, Rules, State, User
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.key_decisions import decide

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RULES = Rules(user="web1", path="/etc/creds", region="eu-west-1", rotate_after=90 * DAY)
USER = User("web1", "arn:aws:iam::123456789012:user/web1", owner="default", console_password=False, groups=())
OK = {"region": "eu-west-1", "owner": "root", "group": "root", "mode": "0600"}
NEW_KEY = "hand over"


def key(name, age, used=None, by="monitoring", active=True, retired=None):
    """Return a key; ``age``, ``used`` and ``retired`` say how long ago."""

    def ago(length):
        return None if length is None else NOW - length

    return Key(name, active, ago(age), ago(used), by if used is not None else "", "eu-west-1" if used is not None else "", ago(retired))


def on_host(key_id, proof=Proof.PROVEN, written=10 * DAY, restarted=False, **more):
    return HostState(key_id, proof, written=NOW - written, restarted=restarted, **{**OK, **more})


NONE = HostState()
GONE = HostState("AKIAGONE", Proof.UNKNOWN, **OK)
O_USED = key("O", 30 * DAY, used=HOUR)
O_QUIET = key("O", 30 * DAY, used=2 * DAY)
O_RETIRED = key("O", 60 * DAY, used=10 * DAY, active=False, retired=3 * DAY)
O_EXPIRED = key("O", 60 * DAY, used=10 * DAY, active=False, retired=8 * DAY)
O_STOPPED = key("O", 60 * DAY, used=10 * DAY, active=False)
N = key("N", 20 * DAY, used=HOUR)
REFUSED = "refused"
LACKS = (("group", "cwagent"),)
JUST, LESS = 15 * MINUTE, 15 * MINUTE - timedelta(seconds=1)

# A row a line, as in the page it tests.
# ruff: noqa: E501
TABLE = [
    # none
    ("no key, nothing on the host", [], NONE, {}, [NEW_KEY]),
    ("no key, an id IAM does not know", [], GONE, {}, [NEW_KEY]),
    # one Active, H is it
    ("proven", [O_USED], on_host("O"), {}, []),
    ("as old as rotate_after", [key("O", 90 * DAY)], on_host("O"), {}, []),
    ("older than rotate_after", [key("O", 90 * DAY + MINUTE)], on_host("O"), {}, [NEW_KEY]),
    ("old, but keys are not rotated", [key("O", 900 * DAY)], on_host("O"), {"rotate_after": None}, []),
    ("secret wrong, not quiet", [O_USED], on_host("O", Proof.WRONG), {}, [NEW_KEY]),
    ("secret wrong, quiet", [O_QUIET], on_host("O", Proof.WRONG), {}, [NEW_KEY, "retire O"]),
    ("secret wrong, virgin", [key("O", DAY)], on_host("O", Proof.WRONG), {}, [NEW_KEY, "delete O"]),
    ("secret wrong, fresh", [key("O", MINUTE)], on_host("O", Proof.WRONG), {}, []),
    ("id not accepted yet, fresh", [key("O", MINUTE)], on_host("O", Proof.UNKNOWN), {}, []),
    ("id not accepted, not fresh", [O_USED], on_host("O", Proof.UNKNOWN), {}, REFUSED),
    # one Active, none on the host
    ("fresh", [key("O", LESS)], NONE, {}, []),
    ("virgin, just not fresh", [key("O", JUST)], NONE, {}, [NEW_KEY, "delete O"]),
    ("virgin, an unknown id on the host", [key("O", JUST)], GONE, {}, [NEW_KEY, "delete O"]),
    ("used by sts at its creation only", [key("O", 10 * DAY, used=10 * DAY - JUST, by="sts")], NONE, {}, [NEW_KEY, "delete O"]),
    ("used by sts later too", [key("O", 10 * DAY, used=10 * DAY - JUST - MINUTE, by="sts")], NONE, {}, [NEW_KEY, "retire O"]),
    ("used by another service at its creation", [key("O", 10 * DAY, used=10 * DAY - MINUTE)], NONE, {}, [NEW_KEY, "retire O"]),
    ("not quiet by its use", [key("O", 30 * DAY, used=DAY - MINUTE)], NONE, {}, [NEW_KEY]),
    ("not quiet by its making", [key("O", 23 * HOUR, used=23 * HOUR)], NONE, {}, [NEW_KEY]),
    ("just quiet", [key("O", 30 * DAY, used=DAY)], NONE, {}, [NEW_KEY, "retire O"]),
    # one retired
    ("one retired", [O_RETIRED], NONE, {}, [NEW_KEY]),
    ("one retired, an unknown id on the host", [O_RETIRED], GONE, {}, [NEW_KEY]),
    ("one retired beyond grace", [O_EXPIRED], NONE, {}, [NEW_KEY, "delete O"]),
    ("one retired, and it is on the host", [O_RETIRED], on_host("O", Proof.UNKNOWN), {}, [NEW_KEY]),
    # two Active, H = N
    ("N taken up after 15 minutes", [O_QUIET, N], on_host("N", written=JUST), {}, ["retire O"]),
    ("N not taken up yet", [O_QUIET, N], on_host("N", written=LESS), {}, []),
    ("agent restarted since the write", [O_QUIET, N], on_host("N", written=MINUTE, restarted=True), {}, ["retire O"]),
    ("the module waits", [O_QUIET, N], on_host("N", written=MINUTE), {"settle": "wait"}, ["wait for", "retire O"]),
    ("the module restarts the agent", [O_QUIET, N], on_host("N", written=MINUTE), {"settle": "restart"}, ["restart", "retire O"]),
    ("O used within 30 minutes of the write", [key("O", 60 * DAY, used=10 * DAY - 30 * MINUTE), N], on_host("N"), {}, ["retire O"]),
    ("O used later", [key("O", 60 * DAY, used=10 * DAY - 31 * MINUTE), N], on_host("N"), {}, []),
    ("O used later, nothing is waited for", [key("O", 60 * DAY, used=0 * DAY), N], on_host("N", written=JUST * 3), {"settle": "restart"}, []),
    ("when N was written is not known", [O_QUIET, N], replace(on_host("N"), written=None), {}, []),
    ("N due as well", [key("O", 200 * DAY), key("N", 91 * DAY)], on_host("N", written=MINUTE), {}, []),
    # N Active, O retired, H = N
    ("O within its grace", [O_RETIRED, N], on_host("N"), {}, []),
    ("O beyond its grace", [O_EXPIRED, N], on_host("N"), {}, ["delete O"]),
    ("O at its grace", [key("O", 60 * DAY, active=False, retired=7 * DAY), N], on_host("N"), {}, ["delete O"]),
    ("O used after its retirement", [key("O", 60 * DAY, used=DAY, active=False, retired=8 * DAY), N], on_host("N"), {}, []),
    ("O beyond its grace, N due", [key("O", 200 * DAY, active=False, retired=8 * DAY), key("N", 91 * DAY)], on_host("N"), {}, ["delete O", NEW_KEY]),
    # N Active, O Inactive without our tag, H = N
    ("O deactivated by somebody", [O_STOPPED, N], on_host("N"), {}, ["tag O"]),
    # two Active, H = O
    ("N fresh", [O_USED, key("N", LESS)], on_host("O"), {}, []),
    ("N virgin", [O_USED, key("N", JUST)], on_host("O"), {}, ["delete N"]),
    ("N virgin, O due", [key("O", 91 * DAY), key("N", JUST)], on_host("O"), {}, ["delete N", NEW_KEY]),
    ("N used", [O_USED, N], on_host("O"), {}, []),
    ("N used, O due", [key("O", 91 * DAY), N], on_host("O"), {}, REFUSED),
    # O Active, N retired or virgin Inactive, H = O
    ("N retired", [O_USED, key("N", 20 * DAY, active=False, retired=DAY)], on_host("O"), {}, []),
    ("N retired, its slot needed", [key("O", 91 * DAY), key("N", 20 * DAY, active=False, retired=DAY)], on_host("O"), {}, ["delete N", NEW_KEY]),
    ("N retired beyond grace", [O_USED, key("N", 20 * DAY, active=False, retired=8 * DAY)], on_host("O"), {}, ["delete N"]),
    ("N virgin Inactive", [O_USED, key("N", 20 * DAY, active=False)], on_host("O"), {}, []),
    ("N virgin Inactive, its slot needed", [key("O", 91 * DAY), key("N", 20 * DAY, active=False)], on_host("O"), {}, ["delete N", NEW_KEY]),
    ("N used, deactivated by somebody", [O_USED, replace(N, active=False)], on_host("O"), {}, ["tag N"]),
    # O retired, N Active, H = O
    ("restored backup, N used", [O_RETIRED, N], on_host("O", Proof.UNKNOWN), {}, ["delete O", NEW_KEY]),
    ("restored backup, N quiet", [O_RETIRED, key("N", 20 * DAY, used=2 * DAY)], on_host("O", Proof.UNKNOWN), {}, ["delete O", NEW_KEY, "retire N"]),
    ("restored backup, N virgin", [O_RETIRED, key("N", DAY)], on_host("O", Proof.UNKNOWN), {}, ["delete O", NEW_KEY, "delete N"]),
    ("restored backup, N fresh", [O_RETIRED, key("N", MINUTE)], on_host("O", Proof.UNKNOWN), {}, []),
    # two, none on the host
    ("two, one virgin and not fresh", [O_USED, key("N", JUST)], NONE, {}, ["delete N", NEW_KEY]),
    ("two, one virgin but fresh", [O_USED, key("N", LESS)], NONE, {}, []),
    ("two, both fresh", [key("O", LESS), key("N", MINUTE)], NONE, {}, []),
    ("two virgins", [key("O", DAY), key("N", HOUR)], NONE, {}, ["delete O", NEW_KEY, "delete N"]),
    ("two virgins, one fresh", [key("O", DAY), key("N", MINUTE)], NONE, {}, ["delete O"]),
    ("Active and retired beyond grace", [O_EXPIRED, N], NONE, {}, ["delete O", NEW_KEY]),
    ("Active and retired within grace", [O_RETIRED, N], NONE, {}, REFUSED),
    ("Active and retired, used since", [key("O", 60 * DAY, used=DAY, active=False, retired=8 * DAY), N], NONE, {}, REFUSED),
    ("two used", [O_USED, N], NONE, {}, REFUSED),
    ("two used, an unknown id on the host", [O_USED, N], GONE, {}, REFUSED),
    ("two used, one of them on the host with a wrong secret", [O_USED, N], on_host("N", Proof.WRONG), {}, REFUSED),
    ("two used, one named", [O_USED, N], NONE, {"drop_key": "O"}, ["delete O", NEW_KEY]),
    ("two used, another named that is gone", [O_USED, N], NONE, {"drop_key": "X"}, REFUSED),
    ("Active and somebody's Inactive", [O_STOPPED, N], NONE, {}, REFUSED),
    # refusals, and what allows them
    ("H Inactive, not retired by us", [O_STOPPED], on_host("O", Proof.UNKNOWN), {}, REFUSED),
    ("H Inactive, allowed", [O_STOPPED], on_host("O", Proof.UNKNOWN), {"replace_inactive": True}, [NEW_KEY, "tag O"]),
    ("the only key was deactivated by somebody", [O_STOPPED], NONE, {}, REFUSED),
    ("the only key was deactivated, allowed", [O_STOPPED], NONE, {"replace_inactive": True}, [NEW_KEY, "tag O"]),
    ("H of another identity", [], HostState("X", Proof.FOREIGN, "arn:aws:iam::1:user/x"), {}, REFUSED),
    ("H of another identity, allowed", [], HostState("X", Proof.FOREIGN, "arn:aws:iam::1:user/x"), {"replace_foreign": True}, [NEW_KEY]),
    ("H known to AWS, not to this user", [], HostState("X", Proof.WRONG), {}, REFUSED),
    ("H of a user of this account", [], HostState("X", Proof.UNKNOWN, holder="db1"), {}, REFUSED),
    ("H works, IAM does not list it yet", [], on_host("X"), {}, REFUSED),
    ("the key on the host is named", [O_USED], on_host("O"), {"drop_key": "O"}, REFUSED),
    ("the file does not parse", [O_USED], HostState(error="line 3 is no profile"), {}, REFUSED),
    # the file's own attributes
    ("mode too wide", [O_USED], on_host("O", mode="0644"), {}, ["update AmazonCloudWatchAgent"]),
    ("Region differs", [O_USED], on_host("O", region="eu-west-2"), {}, ["update AmazonCloudWatchAgent"]),
    ("owner not asked for", [O_USED], on_host("O", owner="cwagent"), {}, []),
    ("owner differs", [O_USED], on_host("O"), {"owner": "cwagent"}, ["update AmazonCloudWatchAgent"]),
    ("mode too wide, but a new key comes", [O_QUIET], on_host("O", Proof.WRONG, mode="0644"), {}, [NEW_KEY, "retire O"]),
    # contained by somebody, and a second key in the way
    ("contained, second one virgin", [O_STOPPED, key("N", DAY)], NONE, {}, REFUSED),
    ("contained, second one expired", [O_STOPPED, replace(O_EXPIRED, id="N")], NONE, {}, REFUSED),
    ("contained, second one named", [O_STOPPED, N], NONE, {"drop_key": "N"}, REFUSED),
    ("contained, and meant to be replaced", [O_STOPPED, key("N", DAY)], NONE, {"replace_inactive": True}, ["delete N", NEW_KEY, "tag O"]),
    ("alone, Inactive, unused as far as AWS tells yet", [key("O", 4 * HOUR - MINUTE, active=False)], NONE, {}, REFUSED),
    ("alone, Inactive, unused", [key("O", 4 * HOUR, active=False)], NONE, {}, [NEW_KEY, "delete O"]),
    # what the host says before a write
    ("hindered, nothing to write", [O_USED], on_host("O", hindrance="x"), {}, []),
    ("a group that the host lacks, nothing to write", [O_USED], on_host("O", unknown=LACKS), {}, []),
    ("a group that the host lacks", [], HostState(unknown=LACKS), {}, ["require cwagent", "hand over"]),
    ("hindered, a key would be made", [], HostState(hindrance="x"), {}, REFUSED),
    ("hindered, mode is wrong", [O_USED], on_host("O", hindrance="x", mode="0644"), {}, REFUSED),
    ("hindered, key only deleted", [O_USED], on_host("O", hindrance="x"), {"present": False}, ["delete O", "remove AmazonCloudWatchAgent"]),
    ("left by a killed run, nothing to do else", [O_USED], on_host("O", leftover=True), {}, ["remove "]),
    ("left by a killed run, a key comes", [], HostState(leftover=True), {}, ["remove ", NEW_KEY]),
    ("left by a killed run, absent", [], HostState(leftover=True), {"present": False}, ["remove "]),
    ("a session's credentials", [O_QUIET], replace(GONE, session=True), {}, REFUSED),
    ("a session's credentials, meant", [O_QUIET], replace(GONE, session=True), {"replace_foreign": True}, [NEW_KEY, "retire O"]),
    ("a session's credentials, absent", [], replace(GONE, session=True), {"present": False}, REFUSED),
    # absent
    ("absent: nothing there", [], NONE, {"present": False}, []),
    ("absent: H is proven", [O_USED], on_host("O"), {"present": False}, ["delete O", "remove AmazonCloudWatchAgent"]),
    ("absent: H retired", [O_RETIRED], on_host("O", Proof.UNKNOWN), {"present": False}, ["delete O", "remove AmazonCloudWatchAgent"]),
    ("absent: secret wrong, used", [O_USED], on_host("O", Proof.WRONG), {"present": False}, ["remove AmazonCloudWatchAgent"]),
    ("absent: secret wrong, quiet", [O_QUIET], on_host("O", Proof.WRONG), {"present": False}, ["retire O", "remove AmazonCloudWatchAgent"]),
    ("absent: secret wrong, virgin", [key("O", DAY)], on_host("O", Proof.WRONG), {"present": False}, ["delete O", "remove AmazonCloudWatchAgent"]),
    ("absent: another is used", [O_USED, N], on_host("O"), {"present": False}, ["delete O", "remove AmazonCloudWatchAgent"]),
    ("absent: H contained by somebody", [O_STOPPED], on_host("O", Proof.UNKNOWN), {"present": False}, REFUSED),
    ("absent: an unknown id", [], GONE, {"present": False}, ["remove AmazonCloudWatchAgent"]),
    ("absent: somebody else's key", [], HostState("X", Proof.FOREIGN, "arn"), {"present": False}, REFUSED),
    ("absent: fresh one stays", [key("N", MINUTE)], NONE, {"present": False}, []),
    ("absent: retired beyond grace", [O_EXPIRED], NONE, {"present": False}, ["delete O"]),
    ("absent: named", [N], NONE, {"present": False, "drop_key": "N"}, ["delete N"]),
]  # fmt: skip


def steps(decision):
    return [
        change.step if change.step in ("hand over", "wait for", "restart") else f"{change.step} {change.key}" for change in decision.changes
    ]


@pytest.mark.parametrize(("keys", "host", "rules", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_table(keys, host, rules, expected):
    state = State(NOW, USER, tuple(keys), host)
    if expected == REFUSED:
        with pytest.raises(Refusal, match=r"[.?]$"):
            decide(state, replace(RULES, **rules))
        return
    decision = decide(state, replace(RULES, **rules))
    assert steps(decision) == expected
    assert decision.reason


def test_rotation_in_one_run():
    old = key("O", 91 * DAY, used=HOUR)
    for settle, expected in (
        ("next_run", [NEW_KEY]),
        ("wait", [NEW_KEY, "wait for", "retire O"]),
        ("restart", [NEW_KEY, "restart", "retire O"]),
    ):
        assert steps(decide(State(NOW, USER, (old,), on_host("O")), replace(RULES, settle=settle))) == expected


def test_missing_user_comes_first():
    decision = decide(State(NOW, None, (), NONE), RULES)
    assert [str(change) for change in decision.changes] == ["require user web1", "hand over access key of user web1"]
    assert decide(State(NOW, None, (), GONE), replace(RULES, present=False)).changes[0].what == "profile"


@pytest.mark.parametrize(
    ("user", "rules", "says"),
    [
        (replace(USER, owner=""), {}, "no tag hybridops.aws_agents/owner"),
        (replace(USER, owner="other"), {}, "owner=other"),
        (replace(USER, owner="default"), {"owned_by": "other"}, "owned_by: other"),
        (replace(USER, console_password=True), {}, "console password"),
        (replace(USER, groups=("admins",)), {}, "admins"),
        (replace(USER, groups=("admins", "agents")), {"groups": ("agents",)}, "admins."),
    ],
)
def test_users_that_get_no_key(user, rules, says):
    with pytest.raises(Refusal, match=says.replace(".", r"\.")):
        decide(State(NOW, user, (), NONE), replace(RULES, **rules))


@pytest.mark.parametrize(
    ("user", "rules"),
    [
        (replace(USER, owner=""), {"adopt": True}),
        (replace(USER, groups=("agents",)), {"groups": ("agents",)}),
        (replace(USER, owner="x"), {"owned_by": "x"}),
    ],
)
def test_users_that_do(user, rules):
    assert steps(decide(State(NOW, user, (), NONE), replace(RULES, **rules))) == [NEW_KEY]


def test_refusal_of_two_lists_both_and_names_the_switch():
    with pytest.raises(Refusal) as refused:
        decide(State(NOW, USER, (O_USED, N), NONE), RULES)
    for words_of_it in ("O (Active, made 30 days ago, last used 60 minutes ago by monitoring in eu-west-1)", "N (Active", "drop_key"):
        assert words_of_it in str(refused.value)


def test_after_is_the_state_the_changes_lead_to():
    after = decide(State(NOW, USER, (O_QUIET,), NONE), RULES).after
    assert [(k.id, k.active, k.retired) for k in after.keys] == [("O", False, True), (words.NEW, True, False)]
    assert (after.host.key_id, after.host.proof, after.host.mode) == (words.NEW, Proof.PROVEN, "0600")


def test_after_an_update_is_what_was_asked_for():
    state = State(NOW, USER, (O_USED,), on_host("O", mode="0644", region="us-east-1"))
    after = decide(state, replace(RULES, owner="cwagent", group="cw", mode="0640")).after.host
    assert (after.region, after.owner, after.group, after.mode) == ("eu-west-1", "cwagent", "cw", "0640")
    assert (after.key_id, after.proof) == ("O", Proof.PROVEN)


def test_settled_needs_nothing_more():
    state = State(NOW, USER, (O_USED,), on_host("O"))
    assert words.settled(state, RULES)
    for other in (
        replace(state, keys=(O_USED, N)),
        replace(state, keys=(key("O", 91 * DAY),)),
        replace(state, host=on_host("O", Proof.WRONG)),
        replace(state, host=NONE),
    ):
        assert not words.settled(other, RULES)
    assert not words.settled(state, replace(RULES, present=False))
