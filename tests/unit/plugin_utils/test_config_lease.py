# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lease ends whatever becomes of the save, and says what is left where its end fails."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.agent_parameter import NotSaved
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.lease import Holder, LeaseMarks
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_key import Key
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent_parameter import Parameter, Rules
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent_parameter_options import LeaseRules, Sink
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.lease import LEASE_TAG, policy, tag_value
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.lease import Lease as Told
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils import agent_config_parameter, config_lease
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.config_lease import Failed, Lease, Saving
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.config_lease_role import AssumedRole
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.config_lease_user import KeyFile, UserKey
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.controller import Interrupted, Trap
from botocore.exceptions import ClientError

NOW = datetime.now(UTC).replace(microsecond=0)
NAME = "AmazonCloudWatch-linux"
SAVING = Saving(None, NAME, "arn", Parameter("{}"), exists=False)


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
        self._opens("the mark stays", lambda: self.do("unmark"), lambda: self.do("mark"), bounds=True)
        self._opens("the limit stays", lambda: self.do("unlimit"), lambda: self.do("limit"), bounds=True)
        self._opens("it stays open", lambda: self.do("close"), lambda: self.do("open"))
        self.while_saving()
        self._trap.check()
        self.do("save")
        return 7


def test_saved_and_ended():
    lease = Two()
    assert lease.hold(SAVING) == 7 and lease.did == ["mark", "limit", "open", "save", "close", "unlimit", "unmark"]


@pytest.mark.parametrize(
    ("fails", "did"),
    [
        # What failed may have happened all the same, so it is undone too.
        ("mark", ["mark", "unmark"]),
        ("open", ["mark", "limit", "open", "close", "unlimit", "unmark"]),
        ("save", ["mark", "limit", "open", "save", "close", "unlimit", "unmark"]),
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
    assert got == [["mark", "limit", "open", "close", "unlimit", "unmark"]]


def test_what_does_not_end_is_named_and_stays_marked_and_limited():
    lease = Two(close=ValueError("denied"))
    with pytest.raises(Failed, match=r"saved as version 7\. The lease has not ended: it stays open \(denied\)\. The next run"):
        lease.hold(SAVING)
    assert lease.did[-1] == "close"
    both = Two(save=ValueError("full"), close=ValueError("denied"))
    with pytest.raises(Failed, match="full.*it stays open"):
        both.hold(SAVING)
    limit = Two(unlimit=ValueError("denied"))
    with pytest.raises(Failed, match="the limit stays"):
        limit.hold(SAVING)
    assert "unmark" not in limit.did
    mark = Two(unmark=ValueError("denied"))
    with pytest.raises(Failed, match="the mark stays"):
        mark.hold(SAVING)


def test_a_fresh_grant_is_waited_for_and_a_refusal_is_not(monkeypatch):
    lease, answers, slept, told = Two(), [NotSaved("not yet", passing=True), NotSaved("not yet", passing=True), None], [], []
    monkeypatch.setattr(lease._trap, "pause", slept.append)
    lease.announce = lambda *words: told.append(words)

    def attempt():
        answer = answers.pop(0)
        if answer:
            raise answer
        return 1

    assert lease._until_known(attempt) == 1
    assert slept == [config_lease.GAP] * 2 and told == [("AWS to know everywhere what was granted", 10)]
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
    lease._ended, lease._owned_by = [], "default"
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


def test_a_key_of_a_lease_that_goes_takes_no_room():
    """A run was killed before it could say which key is its own: the key goes with the lease, and does not keep it from going."""
    lease = user(OLD, Key("NEW", True, NOW))
    lease._user = Holder("arn", "default", tag_value(Left.lease))
    lease.prepare()
    lease._user = Holder("arn", "default")
    with pytest.raises(Refusal, match=r"as many keys as it may \(OLD, NEW\)"):
        lease.prepare()


def test_a_sink_without_a_folder_is_refused_before_a_key_is_made(tmp_path):
    lease = user(OLD)
    lease._user, lease._sink = Holder("arn", "default"), KeyFile(Sink(str(tmp_path / "none" / "key")), ())
    with pytest.raises(Refusal, match="folder of .*key is not there"):
        lease.prepare()


# What a killed run left on an instance


class Fleet:
    """A role with the policy of a lease, and instances with tags."""

    now = NOW

    def __init__(self, until, tags, region="eu-west-1"):
        self.document = policy(f"arn:aws:ssm:{region}:111122223333:parameter/{NAME}", until)
        self.tags = tags

    def policy(self, *_role):
        return self.document

    def instances(self):
        return self.tags

    def holder(self, *_user):
        return Holder("arn", "default", self.tags.get("user"))


OVER = NOW - timedelta(hours=1)
CARRIES = {"i-1": tag_value(Told(OVER, profile="Server", role="Admin")), "i-2": tag_value(Told(OVER, role="Other"))}


def assumed(marks):
    lease = AssumedRole(LeaseRules("assume_role", role="Admin"), client, Trap(), "eu-west-1")
    lease._marks = marks
    return lease


@pytest.mark.parametrize(
    ("until", "tags", "holders"),
    [
        (OVER, {}, ["role Admin"]),
        # The denial is all that holds the instance back: it gets its profile back in the same step.
        (OVER, CARRIES, ["instance i-1"]),
        (NOW + timedelta(hours=1), CARRIES, []),
    ],
)
def test_a_denial_goes_with_the_instance_that_it_holds_back(until, tags, holders):
    assert [left.holder for left in assumed(Fleet(until, tags)).left()] == holders


def test_a_denial_of_another_region_stays():
    with pytest.raises(Refusal, match="Run this once with region: us-east-1"):
        assumed(Fleet(OVER, {}, "us-east-1")).left()


def test_a_save_waits_for_the_end_of_a_denial(monkeypatch):
    monkeypatch.setattr(config_lease, "GAP", 0.01)
    answers = [NotSaved("denied", passing=True), 3]

    def put(*_credentials):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    lease = assumed(Fleet(OVER, {}))
    lease._marks.session = lambda *_asked: {}
    lease._rules = LeaseRules("assume_role", role="arn:aws:iam::111122223333:role/Admin")
    saving = SimpleNamespace(arn="arn", encrypts=False, put=put)
    with pytest.raises(NotSaved):
        lease._save(saving)
    answers.insert(0, NotSaved("denied", passing=True))
    lease._ended.append(Told(OVER))
    assert lease._save(saving) == 3


def test_runs_at_the_same_time_do_not_take_each_others_marks():
    lease = user(OLD)
    lease._marks = Fleet(OVER, {"user": tag_value(Left.lease)})
    with pytest.raises(Refusal, match="Another run has opened a lease on user admin meanwhile"):
        lease._save(SAVING)


@pytest.mark.parametrize(("take_over", "looks", "seen"), [(False, 2, []), (True, 1, ["i-1"])])
def test_what_the_task_before_ended_is_looked_at_twice(monkeypatch, take_over, looks, seen):
    monkeypatch.setattr(agent_config_parameter, "_READ_BACKS", (0, 0, 0))
    answers = [[SimpleNamespace(expired=False, holder="i-1")], [], []]
    lease = SimpleNamespace(left=lambda: answers.pop(0))
    resource = agent_config_parameter.AgentConfigParameter(Rules(NAME, take_over=take_over), client, "eu-west-1", lease, [])
    assert [left.holder for left in resource._look_for_leases()] == seen and len(answers) == 3 - looks


def test_instances_that_are_about_to_be_gone_have_no_lease():
    found = [
        {"InstanceId": f"i-{state}", "State": {"Name": state}, "Tags": [{"Key": LEASE_TAG, "Value": "until=x"}]}
        for state in ("running", "stopped", "shutting-down", "terminated")
    ]
    pages = SimpleNamespace(paginate=lambda **_filters: [{"Reservations": [{"Instances": found}]}])
    marks = LeaseMarks(lambda *_service, **_options: SimpleNamespace(get_paginator=lambda _name: pages))
    assert marks.instances() == {"i-running": "until=x", "i-stopped": "until=x"}


def test_who_may_not_see_instances_ends_no_lease():
    def denied(**_filters):
        yield from ()
        raise ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": "no"}}, "DescribeInstances")

    marks = LeaseMarks(lambda *_service, **_options: SimpleNamespace(get_paginator=lambda _name: SimpleNamespace(paginate=denied)))
    with pytest.raises(Refusal, match="Allow ec2:DescribeInstances"):
        marks.instances()
