# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that leave, by the playbook: this machine is the host, or a host is one that does not answer."""

from __future__ import annotations

import gzip
import json
import re

import pytest

from tests.integration.key_site import USER, Site
from tests.integration.registration_site import TRUST
from tests.integration.shared_key_site import HURRY
from tests.ssm_agent.stand_in import aws as agent
from tests.support import iam_state
from tests.support.playbook import HOST, run_playbook
from tests.support.recording_proxy import RecordingProxy, Response

OFFBOARD = "hybridops.aws_agents.offboard"
SILENT = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_ssh_retries": 0}
OTHER = "cwagent-web2"


class Leaving(Site):
    """web1, which is this machine and has its key, and web2, which stays."""

    def __init__(self, emulator, proxy, scratch):
        super().__init__(emulator, scratch)
        self.proxy = proxy
        self.host, self.other = {}, {}
        self.make_user()
        self.iam.create_user(UserName=OTHER, Path="/hybridops/", Tags=[{"Key": "hybridops.aws_agents/owner", "Value": "default"}])

    def offboard(self, *arguments, **variables):
        self.runs += 1
        self.proxy.clear()
        given = {
            "onprem_agent_credentials_file": str(self.path),
            "onprem_agent_root": str(self.scratch / "agent"),
            "onprem_agent_credentials_group": "",
            "onprem_agent_region": self.emulator.region,
        }
        hosts = {"web1": {**HOST, **given, **self.host}, "web2": {**SILENT, **given, **self.other}}
        where = {"aws_agents_endpoint_url": self.proxy.url, "aws_agents_region": self.emulator.region}
        environment = {"PYTHONPATH": str(HURRY), **self.emulator.environment()}
        del environment["AWS_ENDPOINT_URL"], environment["AWS_REGION"]
        inventory = {"all": {"children": {"onprem": {"hosts": hosts}}}}
        scratch = self.scratch / f"offboard{self.runs}"
        return run_playbook(OFFBOARD, scratch, arguments, inventory, {**where, **variables}, environment)

    def users(self):
        return sorted(iam_state.of(self.emulator)["users"])


@pytest.fixture
def site(ministack, tmp_path):
    with RecordingProxy(ministack.endpoint_url) as proxy:
        yield Leaving(ministack, proxy, tmp_path)


def went(run):
    return run.custom_stats["_run"]["aws_agents_offboard"]


def test_a_host_that_leaves(site):
    key_id = site.result().result["key_id"]
    predicted = site.offboard("--check", "--diff", aws_agents_hosts="web1").ok()
    assert not site.proxy.writes and site.path.exists()
    run = site.offboard(aws_agents_hosts="web1").ok()
    assert went(run)["web1"][-3:] == [
        f"delete access key {key_id} from user {USER}",
        f"remove profile AmazonCloudWatchAgent from {site.path}",
        f"delete user {USER}",
    ]
    assert f"delete user {USER}" in went(predicted)["web1"]
    (said,) = run.task("Say what was done").result["msg"]
    assert said.startswith("Changes: web1: ") and said.endswith(f", delete user {USER}."), said
    assert site.users() == [OTHER] and not site.path.exists()
    again = site.offboard(aws_agents_hosts="web1").ok()
    assert again.changed == [] and went(again) == {"web1": []} and not site.proxy.writes


def test_a_host_that_somebody_broke_into(site):
    """AWS first; then what can be done on the host, whose file names a key that is worth nothing."""
    site.run().ok()
    run = site.offboard(aws_agents_hosts="web1", offboard_compromised="true").ok()
    assert [call.operation for call in site.proxy.writes][:3] == ["PutUserPolicy", "UpdateAccessKey", "DeleteAccessKey"]
    assert went(run)["web1"][0].startswith("put inline policy") and site.users() == [OTHER]
    assert not site.path.exists()
    assert site.offboard(aws_agents_hosts="web1", offboard_compromised=True).ok().changed == []


def test_a_host_that_somebody_broke_into_and_that_fails(site):
    site.run().ok()
    site.path.write_text("[broken\n")
    run = site.offboard(aws_agents_hosts="web1", offboard_compromised=True)
    assert run.rc == 0 and site.users() == [OTHER], run
    assert site.path.exists() and "worth nothing" in run.stdout
    site.make_user()
    failed = site.offboard(aws_agents_hosts="web1")
    assert failed.rc and "so its user stays" in failed.failures[-1].msg and site.users() == [USER, OTHER], failed


@pytest.mark.parametrize("flag", ["offboard_unreachable", "offboard_compromised"])
def test_a_host_that_does_not_answer(site, flag):
    site.host = SILENT
    failed = site.offboard(aws_agents_hosts="web1")
    assert failed.rc and "offboard_unreachable=true" in failed.failures[-1].msg, failed
    assert site.users() == [USER, OTHER] and not site.proxy.calls
    run = site.offboard(aws_agents_hosts="web1", **{flag: True})
    assert run.rc == 0 and site.users() == [OTHER], run
    assert went(run)["web1"][-1] == f"delete user {USER}"


def test_one_of_two_does_not_answer(site):
    run = site.offboard(aws_agents_hosts="web1,web2", offboard_all=True)
    assert run.rc and site.users() == [OTHER], run
    changed, failed = run.task("Say what was done").result["msg"]
    assert changed.startswith("Changes: web1: ") and failed.startswith("Failed: web2: "), (changed, failed)


@pytest.fixture
def shared(site):
    """web1 has the key of a user that it shares with web2, from a parameter."""
    key = site.emulator.client("kms").create_key()["KeyMetadata"]["KeyId"]
    store = {"parameter": "/hybridops/fleet", "kms_key_id": key}
    site.host = {"onprem_agent_user_scope": "shared", "onprem_agent_user_name": OTHER, "onprem_agent_store": store}
    site.other = dict(site.host)
    assert site.run(user=OTHER).rc == 0, site.last
    # As if it lay there for long: one that was made moments ago is not replaced.
    site.old = site.profile()["aws_access_key_id"]
    content = {
        "user": OTHER,
        "access_key_id": site.old,
        "secret_access_key": site.profile()["aws_secret_access_key"],
        "created": "2026-01-01T00:00:00Z",
    }
    tags = [{"Key": "hybridops.aws_agents/owner", "Value": "default"}]
    site.ssm = site.emulator.client("ssm")
    site.ssm.put_parameter(Name=store["parameter"], Value=json.dumps(content), Type="SecureString", KeyId=key, Tags=tags)
    site.proxy.handler = lambda call, forward: aged(call, forward(), site.old)
    site.stored = lambda: json.loads(site.ssm.get_parameter(Name=store["parameter"], WithDecryption=True)["Parameter"]["Value"])
    return site


def aged(call, answer, key_id):
    """Return the answer with a key of days ago."""
    if call.operation != "ListAccessKeys":
        return answer
    body = gzip.decompress(answer.body) if answer.body[:2] == b"\x1f\x8b" else answer.body
    made = rb"(<AccessKeyId>%s<(?:(?!</member>).)*<CreateDate>)[^<]*" % key_id.encode()
    headers = tuple((name, value) for name, value in answer.headers if name.lower() != "content-encoding")
    return Response(answer.status, headers, re.sub(made, rb"\g<1>2026-01-01T00:00:00Z", body, flags=re.DOTALL))


def fleet(site):
    return {key["AccessKeyId"]: key["Status"] for key in site.iam.list_access_keys(UserName=OTHER)["AccessKeyMetadata"]}


def test_a_host_with_a_shared_user_leaves(shared):
    """User, key and store are those of others as well."""
    run = shared.offboard(aws_agents_hosts="web1").ok()
    assert not shared.path.exists() and shared.users() == [USER, OTHER]
    assert fleet(shared) == {shared.old: "Active"} and shared.stored()["access_key_id"] == shared.old and not shared.proxy.writes
    assert went(run)["web1"] == [f"remove profile AmazonCloudWatchAgent from {shared.path}"]


@pytest.mark.parametrize("flag", ["offboard_unreachable", "offboard_compromised"])
def test_a_shared_key_that_somebody_may_still_have(shared, flag):
    """The store gets another, and nothing is deleted: the others still use the old one. A second run finds it done."""
    silent = flag == "offboard_unreachable"
    shared.host.update(SILENT if silent else {})
    predicted = shared.offboard("--check", aws_agents_hosts="web1", **{flag: True})
    assert predicted.rc == 0 and not shared.proxy.writes and fleet(shared) == {shared.old: "Active"}, predicted
    assert went(predicted)["web1"][0] == f"create access key for user {OTHER}"
    run = shared.offboard(aws_agents_hosts="web1", **{flag: True})
    new = shared.stored()["access_key_id"]
    assert run.rc == 0 and new != shared.old and fleet(shared) == {shared.old: "Active", new: "Active"}, run
    assert [str(call) for call in shared.proxy.writes] == ["iam:CreateAccessKey", "ssm:PutParameter"]
    says = run.task("Say how all other hosts get the other key").msg
    assert f"Keys besides the one in the store: {shared.old}." in says and "out of the inventory" in says
    assert shared.path.exists() == silent and shared.stored()["secret_access_key"] not in run.stdout
    repeated = shared.offboard(aws_agents_hosts="web1", **{flag: True})
    assert repeated.rc == 0 and fleet(shared) == {shared.old: "Active", new: "Active"} and not shared.proxy.writes, repeated


def test_a_shared_key_that_cannot_be_replaced(shared):
    """What can be done on the host is done, and the run fails."""
    spare = shared.iam.create_access_key(UserName=OTHER)["AccessKey"]["AccessKeyId"]
    run = shared.offboard(aws_agents_hosts="web1", offboard_compromised=True)
    assert run.rc and run.failures[-1].task == "Fail when the shared key was not replaced" and spare in run.failures[-1].msg, run
    assert not shared.path.exists() and set(fleet(shared)) == {shared.old, spare} and not shared.proxy.writes
    assert went(run)["web1"] == [f"remove profile AmazonCloudWatchAgent from {shared.path}"]


def test_a_user_that_another_host_has_too(site):
    site.host = {**SILENT, "onprem_agent_user_name": OTHER.upper()}
    refused = site.offboard(aws_agents_hosts="web1", offboard_unreachable=True)
    assert "named in protected" in refused.failures[-1].msg and OTHER in site.users(), refused


REFUSED = {
    "no host named": ({}, "No host is named"),
    "a host that is not there": ({"aws_agents_hosts": "web9"}, "No host is named"),
    "a limit and no host named": ({"limit": "web1"}, "No host is named"),
    "a limit and another host": ({"limit": "web2", "aws_agents_hosts": "web1"}, "No host is named"),
    "everybody": ({"aws_agents_hosts": "all"}, "All 2 hosts of the group onprem"),
    "everybody by name": ({"aws_agents_hosts": "web1,web2", "offboard_compromised": True}, "offboard_all=true"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(site, name):
    variables, says = REFUSED[name]
    limit = variables.get("limit")
    run = site.offboard(*(["--limit", limit] if limit else []), **variables)
    assert run.rc and [says in task.msg for task in run.failures] == [True] and not site.proxy.calls, run


def test_all_of_them(site):
    site.host = SILENT
    run = site.offboard(offboard_all="true", offboard_unreachable="true")
    assert run.rc == 0 and site.users() == [] and set(went(run)) == {"web1", "web2"}, run


def make_node(site, name, owner="default"):
    """Make a hybrid node as a host would, and return its id."""
    tags = [{"Key": "hybridops.aws_agents/owner", "Value": owner}, {"Key": "hybridops.aws_agents/host", "Value": name}]
    made = site.emulator.client("ssm").create_activation(IamRole="SSMServiceRole", DefaultInstanceName=name, Tags=tags)
    request = {"ActivationId": made["ActivationId"], "ActivationCode": made["ActivationCode"], "PublicKey": "x", "PublicKeyType": "Rsa"}
    return agent.call(site.emulator.endpoint_url, site.emulator.region, "RegisterManagedInstance", request)["InstanceId"]


@pytest.fixture
def hybrid(site):
    """web1 was registered twice, so that it has two nodes; web2 has one, and so has a web1 of somebody else."""
    site.host = {"onprem_agent_credentials": "ssm"}
    site.iam.create_role(RoleName="SSMServiceRole", AssumeRolePolicyDocument=json.dumps(TRUST))
    site.ssm = site.emulator.client("ssm")
    site.own = [make_node(site, "web1"), make_node(site, "web1")]
    site.others = sorted([make_node(site, "web2"), make_node(site, "web1", "somebody")])
    site.nodes = lambda: sorted(node["InstanceId"] for node in site.ssm.describe_instance_information()["InstanceInformationList"])
    return site


@pytest.mark.parametrize("flag", ["offboard_unreachable", "offboard_compromised"])
def test_the_nodes_of_a_host_that_is_not_asked_to_leave(hybrid, flag):
    """One that does not answer, and one that does and cannot be trusted: what it was goes in AWS, and first."""
    hybrid.host.update(SILENT if flag == "offboard_unreachable" else {})
    predicted = hybrid.offboard("--check", aws_agents_hosts="web1", **{flag: True})
    assert predicted.rc == 0 and not hybrid.proxy.writes, predicted
    run = hybrid.offboard(aws_agents_hosts="web1", **{flag: True})
    assert run.rc == 0 and hybrid.nodes() == hybrid.others, run
    gone = [change for change in went(run)["web1"] if change.startswith("deregister node")]
    assert sorted(gone) == sorted(f"deregister node {node}" for node in hybrid.own) and went(predicted) == went(run)
    left = hybrid.ssm.describe_activations()["ActivationList"]
    tags = [{tag["Key"].partition("/")[2]: tag["Value"] for tag in found["Tags"]} for found in left]
    assert sorted((found["host"], found["owner"]) for found in tags) == [("web1", "somebody"), ("web2", "default")]
    if flag == "offboard_unreachable":
        again = hybrid.offboard(aws_agents_hosts="web1", **{flag: True})
        assert again.rc == 0 and went(again) == {"web1": []} and not hybrid.proxy.writes, again
