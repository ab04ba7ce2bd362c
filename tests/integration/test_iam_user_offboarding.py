# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users of hosts that leave, on both emulators: the order, what is left, and runs that are broken off."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from ansible_collections.hybridops.aws_agents.plugins.modules.iam_user_offboarding import DOCUMENTATION

from tests.integration.test_iam_identities import lacking
from tests.support import iam_state
from tests.support.emulators import Credentials
from tests.support.playbook import WAYS, run_playbook, run_task
from tests.support.recording_proxy import Dropped, RecordingProxy, failure

MODULE = "hybridops.aws_agents.iam_user_offboarding"
USER = "cwagent-web1"
POLICY = "hybridops-aws_agents-deny-all"


@pytest.fixture
def site(aws, tmp_path):
    with RecordingProxy(aws.endpoint_url) as proxy:
        yield Site(aws, proxy, tmp_path)


@pytest.fixture
def enforced(ministack, tmp_path):
    with RecordingProxy(ministack.endpoint_url) as proxy:
        yield Site(ministack, proxy, tmp_path)


class Site:
    def __init__(self, aws, proxy, scratch):
        self.aws, self.proxy, self.scratch = aws, proxy, scratch
        self.iam = aws.client("iam")
        proxy.handler = lacking
        aws.operator()

    def make_user(self, name=USER, owner="default"):
        """A user with all that a host's user may have, and a bit more."""
        self.iam.create_user(UserName=name, Path="/hybridops/", Tags=[{"Key": "hybridops.aws_agents/owner", "Value": owner}])
        self.iam.attach_user_policy(UserName=name, PolicyArn=iam_state.AWS + "CloudWatchAgentServerPolicy")
        grant = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["iam:*", "sts:*"], "Resource": "*"}]}
        self.iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(grant))
        keys = [self.iam.create_access_key(UserName=name)["AccessKey"] for _count in range(2)]
        return [Credentials(key["AccessKeyId"], key["SecretAccessKey"]) for key in keys]

    def run(self, *arguments, environment=None, **options):
        self.proxy.clear()
        variables = {**self.aws.environment(), "AWS_ENDPOINT_URL": self.proxy.url, **(environment or {})}
        return run_task(MODULE, {"users": [USER], **options}, self.scratch, arguments, environment=variables)

    def users(self):
        return iam_state.of(self.aws)["users"]


def test_a_host_that_leaves(site):
    keys = site.make_user()
    site.make_user("cwagent-web2")
    predicted = site.run("--check", "--diff")
    assert predicted.changed and not site.proxy.writes
    result = site.run("--diff")
    assert result.outcome == "ok" and result.result["changes"] == predicted.result["changes"], result
    assert result.result["changes"][0] == f"delete access key {keys[0].access_key_id} from user {USER}"
    assert {key["id"]: key["status"] for key in result.result["access_keys"]} == {key.access_key_id: "deleted" for key in keys}
    assert set(result.result["diff"]["before"]["users"]) == {USER} and result.result["diff"]["after"]["users"] == {}
    assert list(site.users()) == ["cwagent-web2"]
    again = site.run()
    assert (again.outcome, again.changed, again.result["changes"]) == ("ok", False, []) and not site.proxy.writes


def test_a_host_that_somebody_broke_into(site):
    first, second = (key.access_key_id for key in site.make_user())
    result = site.run(compromised=True)
    assert result.result["changes"] == [
        f"put inline policy {POLICY} on user {USER}",
        f"deactivate access key {first} of user {USER}",
        f"deactivate access key {second} of user {USER}",
        f"delete access key {first} from user {USER}",
        f"delete access key {second} from user {USER}",
        f"detach managed policy {iam_state.AWS}CloudWatchAgentServerPolicy from user {USER}",
        f"delete inline policy own from user {USER}",
        f"delete inline policy {POLICY} from user {USER}",
        f"delete user {USER}",
    ]
    assert [call.operation for call in site.proxy.writes] == [
        "PutUserPolicy", "UpdateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "DeleteAccessKey", "DetachUserPolicy",
        "DeleteUserPolicy", "DeleteUserPolicy", "DeleteUser",
    ]  # fmt: skip
    documented = set(re.findall(r"C\((\w+)\)", " ".join(yaml.safe_load(DOCUMENTATION)["notes"])))
    assert {call.operation for call in site.proxy.calls if call.service == "iam"} <= documented
    assert site.users() == {} and not site.run(compromised=True).changed


def test_a_contained_user_and_its_sessions_can_do_nothing(enforced):
    site = enforced
    key, _other = site.make_user()
    got = site.aws.client("sts", key).get_session_token()["Credentials"]
    session = Credentials(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])
    site.aws.client("iam", session).list_users()
    assert site.run(state="contained").changed
    for who in (session, key):
        iam = site.aws.client("iam", who)
        with pytest.raises(iam.exceptions.ClientError):
            iam.list_users()
    assert {one["Status"] for one in site.iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]} == {"Inactive"}
    assert not site.run(state="contained").changed and list(site.users()) == [USER]
    assert site.run(compromised=True).result["changes"][0].startswith("delete access key") and site.users() == {}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_run_that_is_broken_off_at_each_write_is_finished_by_the_next(enforced, after):
    """At no time does the user lose its denial while it has a permission or a key that works."""
    site = enforced
    operations = ["PutUserPolicy", "UpdateAccessKey", "DeleteAccessKey", "DetachUserPolicy", "DeleteUserPolicy", "DeleteUser"]
    site.make_user()
    for operation in operations:

        def drop(call, forward, operation=operation):
            if call.operation == operation and not after:
                raise Dropped
            answer = forward()
            if call.operation == operation:
                raise Dropped
            return answer

        site.proxy.handler = drop
        failed = site.run(compromised=True, aws_config={"retries": {"total_max_attempts": 1}})
        assert failed.outcome == "failed" and "Could not" in failed.msg, failed
        assert failed.result["changes_left"] and operation in {call.operation for call in site.proxy.writes}
        for user in site.users().values():
            assert "Statement" in user["inline"].get(POLICY, {}) or (operation, after) == ("PutUserPolicy", False) or (
                not user["inline"] and not user["policies"] and not user["keys"]
            )  # fmt: skip
        if after and operation == "DeleteUser":
            break
    site.proxy.handler = lacking
    assert site.run(compromised=True).outcome == "ok" and site.users() == {}


@pytest.mark.parametrize("way", WAYS)
def test_what_iam_does_not_see_yet_is_waited_for(site, way):
    """In the controller's process, where somebody can be told, they are; as a module the same is done."""
    site.make_user()
    answers = ["DeleteConflict"] * 2

    def behind(call, forward):
        if call.operation == "DeleteUser" and answers:
            return failure(call, answers.pop(), status=409)
        return lacking(call, forward)

    site.proxy.handler = behind
    task = {"name": "leave", MODULE: {"users": [USER]}}
    play = {"name": "play", "hosts": "localhost", "gather_facts": False, "tasks": [task]}
    environment = {**site.aws.environment(), "AWS_ENDPOINT_URL": site.proxy.url}
    run = run_playbook([play], site.scratch, inventory=WAYS[way], environment=environment).ok()
    assert run.task("leave").changed and not site.users() and not answers
    said = run.stderr.count("localhost: waiting for IAM to see everywhere what was taken away, 2 minutes at most")
    assert said == (1 if way == "in this process" else 0), str(run)


def test_refused(site):
    site.make_user(owner="blue")
    unowned = site.run(compromised=True)
    assert unowned.outcome == "failed" and "it belongs to 'blue'" in unowned.msg and not site.proxy.writes
    assert "named in protected" in site.run(protected=[USER.upper()]).msg and not site.proxy.calls
    site.iam.create_login_profile(UserName=USER, Password="Some-Password-1")
    person = site.run(owned_by="blue")
    assert "login profile" in person.msg and "delete_people" in person.msg and not site.proxy.writes
    assert site.run(owned_by="blue", delete_people=True).changed and site.users() == {}


def test_last_uses_that_may_not_be_read(enforced):
    """They are for the report alone, and must not keep a stolen key alive."""
    enforced.make_user()
    deny = {"Effect": "Deny", "Action": "iam:GetAccessKeyLastUsed", "Resource": "*"}
    allow = {"Effect": "Allow", "Action": ["iam:*", "sts:*"], "Resource": "*"}
    who = enforced.aws.operator("narrow", policy={"Version": "2012-10-17", "Statement": [allow, deny]})
    assert enforced.run(compromised=True, environment=who.environment()).changed and enforced.users() == {}
