# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lease ends whatever becomes of the save, and says what is left where its end fails."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.agent_parameter import NotSaved
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_key import Key
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent_parameter import Parameter
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent_parameter_options import LeaseRules
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.lease import Lease as Told
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils import config_lease
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.config_lease import Failed, Lease, Saving
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.config_lease_user import UserKey
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.controller import Interrupted, Trap

NOW = datetime.now(UTC)
SAVING = Saving(None, "AmazonCloudWatch-linux", "arn", Parameter("{}"), exists=False)


def client(*_service, **_options):
    return None


class Two(Lease):
    """Marks, opens, saves."""

    def __init__(self, **fails):
        super().__init__(LeaseRules(wait_timeout=10), client, Trap())
        self.fails, self.did = fails, []
        self.while_saving = lambda: None

    def do(self, what):
        self.did.append(what)
        if self.fails.get(what):
            raise self.fails[what]

    def _save(self, saving):
        self._opens("the mark stays", lambda: self.do("unmark"), lambda: self.do("mark"))
        self._opens("it stays open", lambda: self.do("close"), lambda: self.do("open"))
        self.while_saving()
        self._trap.check()
        self.do("save")
        return 7


def test_saved_and_ended():
    lease = Two()
    assert lease.hold(SAVING) == 7 and lease.did == ["mark", "open", "save", "close", "unmark"]


@pytest.mark.parametrize(
    ("fails", "did"),
    [
        # What failed may have happened all the same, so it is undone too.
        ("mark", ["mark", "unmark"]),
        ("open", ["mark", "open", "close", "unmark"]),
        ("save", ["mark", "open", "save", "close", "unmark"]),
    ],
)
@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_whatever_fails_the_lease_ends(fails, did, error):
    lease = Two(**{fails: error})
    with pytest.raises(type(error)):
        lease.hold(SAVING)
    assert lease.did == did


def test_a_signal_waits_for_the_end():
    lease = Two()
    lease.while_saving = lambda: os.kill(os.getpid(), signal.SIGTERM)
    got = []
    before = signal.signal(signal.SIGTERM, lambda *_signal: got.append(list(lease.did)))
    try:
        with pytest.raises(Interrupted, match="SIGTERM"):
            lease.hold(SAVING)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert got == [["mark", "open", "close", "unmark"]]


def test_what_does_not_end_is_named_and_stays_marked():
    lease = Two(close=ValueError("denied"))
    with pytest.raises(Failed, match=r"saved as version 7\. The lease has not ended: it stays open \(denied\)\. The next run"):
        lease.hold(SAVING)
    assert "unmark" not in lease.did
    both = Two(save=ValueError("full"), close=ValueError("denied"))
    with pytest.raises(Failed, match="full.*it stays open"):
        both.hold(SAVING)
    mark = Two(unmark=ValueError("denied"))
    with pytest.raises(Failed, match="the mark stays"):
        mark.hold(SAVING)


def test_a_fresh_grant_is_waited_for_and_a_refusal_is_not(monkeypatch):
    monkeypatch.setattr(config_lease, "GAP", 0.01)
    lease, answers = Two(), [NotSaved("not yet", passing=True), NotSaved("not yet", passing=True), None]

    def attempt():
        answer = answers.pop(0)
        if answer:
            raise answer
        return 1

    assert lease._until_known(attempt) == 1
    answers[:] = [NotSaved("wrong")]
    with pytest.raises(NotSaved, match="wrong"):
        lease._until_known(attempt)
    lease._rules = LeaseRules(wait_timeout=0)
    answers[:] = [NotSaved("not yet", passing=True)]
    with pytest.raises(NotSaved, match="not yet"):
        lease._until_known(attempt)


# The key of a lease that could not say which it is


class Keys:
    now = NOW

    def __init__(self, *keys):
        self.listed, self.deleted = list(keys), []

    def keys(self, _retired):
        return tuple(self.listed)

    def with_use(self, key):
        return key

    def delete(self, key_id):
        self.deleted.append(key_id)


class Marks:
    def __init__(self):
        self.did = []

    def delete_policy(self, kind, name):
        self.did.append(f"policy of {kind} {name}")

    def untag_user(self, name):
        self.did.append(f"tag of {name}")


def user(*keys):
    lease = object.__new__(UserKey)
    lease._rules, lease._aws, lease._marks, lease._sink = LeaseRules("user", user="admin"), Keys(*keys), Marks(), None
    return lease


class Left:
    lease = Told(NOW + timedelta(minutes=9), NOW - timedelta(minutes=1), kept=("OLD",))


OLD = Key("OLD", True, NOW - timedelta(days=9))


def test_a_key_that_nobody_used_goes_with_its_lease():
    lease = user(OLD, Key("NEW", True, NOW))
    lease.end_left(Left())
    assert lease._aws.deleted == ["NEW"] and lease._marks.did == ["policy of User admin", "tag of admin"]


def test_a_key_that_was_used_is_a_persons_to_judge():
    lease = user(OLD, Key("NEW", True, NOW, used=NOW, used_service="s3"))
    with pytest.raises(Refusal, match=r"NEW .* was made while a lease was open"):
        lease.end_left(Left())
    assert not lease._aws.deleted and not lease._marks.did
