# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decisions on a host that gets its key from a store, row by row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_key import NEW, HostState, Key, Proof, Rules, State, User
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.shared_key import Stored
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.shared_key_delivery import decide, wants_store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = Rules(user="shared", path="/etc/creds", region="eu-west-1")
USER = User("shared", "arn:aws:iam::123456789012:user/shared", owner="default", console_password=False, groups=())
OK = {"region": "eu-west-1", "owner": "root", "group": "root", "mode": "0600"}
REFUSED = "refused"


def key(name, days, active=True, retired=False):
    return Key(name, active, NOW - timedelta(days=days), tagged=NOW if retired else None)


def on_host(key_id, proof=Proof.PROVEN, **more):
    return HostState(key_id, proof, **{**OK, **more})


def stored(key_id, proof=Proof.PROVEN, **more):
    return Stored("parameter /k", True, **{"key_id": key_id, "user": "shared", "proof": proof, **more})


NONE = HostState()
O, N, O_RETIRED, O_STOPPED = key("O", 91), key("N", 1), key("O", 91, False, True), key("O", 91, False)
DELIVER, REQUIRE = ["deliver N"], ["require", "deliver (new)"]

# A row a line.
# ruff: noqa: E741
TABLE = [
    ("nothing on the host", [N], NONE, stored("N"), {}, DELIVER),
    ("the store was not read: H is its key", [N], on_host("N"), None, {}, []),
    ("H is the stored key", [O, N], on_host("N"), stored("N"), {}, []),
    ("H is the old key", [O, N], on_host("O"), stored("N"), {}, DELIVER),
    ("H is the newer key, the store has the older", [O, N], on_host("N"), stored("O"), {}, ["deliver O"]),
    ("H is retired", [O_RETIRED, N], on_host("O", Proof.UNKNOWN), stored("N"), {}, DELIVER),
    ("H was deactivated by somebody, and the store has another", [O_STOPPED, N], on_host("O", Proof.UNKNOWN), stored("N"), {}, DELIVER),
    ("an id IAM does not know", [N], on_host("GONE", Proof.UNKNOWN), stored("N"), {}, DELIVER),
    ("secret wrong", [N], on_host("N", Proof.WRONG), stored("N"), {}, DELIVER),
    ("not accepted on the host, accepted here", [N], on_host("N", Proof.UNKNOWN, says="x"), stored("N"), {}, REFUSED),
    # the same refusals as for a host's own key
    ("somebody else's key", [N], on_host("X", Proof.FOREIGN, says="arn"), stored("N"), {}, REFUSED),
    ("somebody else's key, meant", [N], on_host("X", Proof.FOREIGN, says="arn"), stored("N"), {"replace_foreign": True}, DELIVER),
    ("another user's key", [N], on_host("X", Proof.UNKNOWN, holder="web1"), stored("N"), {}, REFUSED),
    ("a session's", [N], on_host("X", Proof.UNKNOWN, session=True), stored("N"), {}, REFUSED),
    ("the file does not parse", [N], HostState(error="line 3"), stored("N"), {}, REFUSED),
    ("cannot be written", [N], replace(NONE, hindrance="x"), stored("N"), {}, REFUSED),
    ("cannot be written, and need not be", [N], on_host("N", hindrance="x"), None, {}, []),
    # the store has nothing to deliver
    ("store empty", [N], NONE, Stored("parameter /k"), {}, REQUIRE),
    ("its key is gone", [N], NONE, stored("X", Proof.UNKNOWN), {}, REQUIRE),
    ("its key is retired", [O_RETIRED, N], NONE, stored("O", Proof.UNKNOWN), {}, REQUIRE),
    ("its key was deactivated", [O_STOPPED], NONE, stored("O", Proof.UNKNOWN), {}, REQUIRE),
    ("its secret is wrong", [N], NONE, stored("N", Proof.WRONG), {}, REQUIRE),
    ("its key is not accepted", [N], NONE, stored("N", Proof.UNKNOWN, says="x"), {}, REFUSED),
    ("its key is new", [key("N", 0)], NONE, stored("N", Proof.UNKNOWN, says="x"), {}, REFUSED),
    ("it is somebody else's", [N], NONE, stored("N", user="other"), {}, REFUSED),
    ("its key is somebody else's", [N], NONE, stored("X", Proof.FOREIGN, says="arn"), {}, REFUSED),
    ("it cannot be read", [N], NONE, Stored("p", True, error="no."), {}, REFUSED),
    # the file's own attributes
    ("mode too wide", [N], on_host("N", mode="0644"), None, {}, ["update AmazonCloudWatchAgent"]),
    ("mode too wide, but the key comes", [O, N], on_host("O", mode="0644"), stored("N"), {}, DELIVER),
    # absent
    ("absent: H is the stored key", [N], on_host("N"), None, {"present": False}, ["remove AmazonCloudWatchAgent"]),
    ("absent: H is the old key", [O, N], on_host("O"), None, {"present": False}, ["remove AmazonCloudWatchAgent"]),
    ("absent: nothing there", [N], NONE, None, {"present": False}, []),
    ("absent: somebody else's", [N], on_host("X", Proof.FOREIGN, says="arn"), None, {"present": False}, REFUSED),
]  # fmt: skip


def steps(decision):
    return [change.step if change.step == "require" else f"{change.step} {change.key}" for change in decision.changes]


@pytest.mark.parametrize(("keys", "host", "store", "rules", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_table(keys, host, store, rules, expected):
    state, wanted = State(NOW, USER, tuple(keys), host), replace(RULES, **rules)
    if expected == REFUSED:
        with pytest.raises(Refusal, match=r"[.?]$"):
            decide(state, store, wanted)
        return
    decision = decide(state, store, wanted)
    assert steps(decision) == expected and decision.reason
    assert decision.after.keys == state.keys, "no key is made or ended"


def test_missing_user_comes_first():
    decision = decide(State(NOW, None, (), NONE), None, RULES)
    assert steps(decision) == ["require", f"deliver {NEW}"]


@pytest.mark.parametrize(
    ("keys", "host", "newest", "wanted"),
    [
        ([N], on_host("N"), "", False),
        ([O_RETIRED, N], on_host("N"), "", False),
        ([O, N], on_host("N"), "", True),
        ([O, N], on_host("N"), "N", False),
        ([O, N], on_host("O"), "N", True),
        ([N], on_host("N"), "M", True),
        ([N], on_host("N", Proof.WRONG), "N", True),
        ([N], on_host("N", Proof.UNKNOWN), "N", True),
        ([N], NONE, "N", True),
        ([O_RETIRED], on_host("O"), "O", True),
    ],
)
def test_when_the_store_is_read(keys, host, newest, wanted):
    state = State(NOW, USER, tuple(keys), host)
    assert wants_store(state, RULES, newest) == wanted
    assert not wants_store(state, replace(RULES, present=False), newest)
    assert not wants_store(replace(state, user=None), RULES, newest)


def test_after_is_what_the_host_will_hold():
    after = decide(State(NOW, USER, (O, N), on_host("O", mode="0644")), stored("N"), RULES).after
    assert (after.host.key_id, after.host.proof, after.host.mode, after.host.owner) == ("N", Proof.PROVEN, "0600", "root")
