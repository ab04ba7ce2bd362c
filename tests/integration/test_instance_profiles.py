# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Instance profiles on instances that run, on both emulators, by the module and by the playbook."""

from __future__ import annotations

import json
import os
import re
from types import SimpleNamespace

import pytest
import yaml
from ansible_collections.hybridops.aws_agents.plugins.modules.instance_profile_association import DOCUMENTATION

from tests.support.playbook import WAYS, clean_environment, run_playbook
from tests.support.recording_proxy import RecordingProxy, Response

MODULE = "hybridops.aws_agents.instance_profile_association"
PLAYBOOK = "hybridops.aws_agents.instance_profiles"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class Site:
    """An account with the profiles Web and Old, both old, and instances."""

    def __init__(self, aws, proxy, scratch, way="in this process"):
        self.aws, self.proxy, self.scratch, self.inventory = aws, proxy, scratch, WAYS[way]
        self.iam, self.ec2 = aws.client("iam"), aws.client("ec2")
        aws.operator()
        self.arns = {name: self.make_profile(name) for name in ("Web", "Old")}

    def make_profile(self, name, path="/hybridops/"):
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        made = self.iam.create_instance_profile(InstanceProfileName=name, Path=path)["InstanceProfile"]["Arn"]
        self.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        return made

    def make_instance(self, profile=None, **tags):
        with_profile = {"IamInstanceProfile": {"Name": profile}} if profile else {}
        made = self.ec2.run_instances(
            ImageId="ami-12345678",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}],
            **with_profile,
        )
        return made["Instances"][0]["InstanceId"]

    def run(self, **tasks):
        """Run one task after the other, each by its name and options, and return their results. One that fails ends nothing."""
        self.proxy.clear()
        steps = []
        for name, options in tasks.items():
            given = {"instance_profile": "Web", **options}
            keywords = {"check_mode": given.pop("check", False), "diff": True, "ignore_errors": True}
            steps.append({"name": name, MODULE: given, **keywords})
        play = {"name": "play", "hosts": "localhost", "gather_facts": False, "tasks": steps}
        environment = {**self.aws.environment(), "AWS_ENDPOINT_URL": self.proxy.url}
        run = run_playbook([play], self.scratch, inventory=self.inventory, environment=environment)
        return SimpleNamespace(stderr=run.stderr, **{name: run.task(name) for name in tasks})

    def profiles(self):
        found = self.ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
        return {one["InstanceId"]: one["IamInstanceProfile"]["Arn"] for one in found if one["State"] == "associated"}


@pytest.fixture(params=WAYS)
def site(aws, tmp_path, request):
    with RecordingProxy(aws.endpoint_url) as proxy:
        yield Site(aws, proxy, tmp_path, request.param)


@pytest.fixture
def one(ministack, tmp_path):
    with RecordingProxy(ministack.endpoint_url) as proxy:
        yield Site(ministack, proxy, tmp_path)


def test_a_fleet(site):
    """Those of a filter: one without a profile, one with the former, one that has it, one that ended; and one that it does not find."""
    first, former, has = (
        site.make_instance(Role="web", Name="web1"),
        site.make_instance("Old", Role="web"),
        site.make_instance("Web", Role="web"),
    )
    ended, other = site.make_instance(Role="web"), site.make_instance(Role="db")
    site.ec2.terminate_instances(InstanceIds=[ended])
    assert site.profiles() == {former: site.arns["Old"], has: site.arns["Web"]}
    by_tag = {"filters": {"tag:Role": "web"}}

    run = site.run(
        refused=by_tag,
        predicted={"check": True, "replace": ["Old"], "reboot": True, **by_tag},
        done={"replace": ["Old"], "reboot": True, **by_tag},
        again={"reboot": True, **by_tag},
        off={"instance_ids": [first, other], "state": "absent", "instance_profile": site.arns["Web"]},
        off_again={"instance_ids": [first, other], "state": "absent"},
    )
    assert run.refused.outcome == "ignored" and f"{former} has Old" in run.refused.msg
    assert run.done.outcome == "ok" and run.done.result["changes"] == run.predicted.result["changes"], run.done
    # The prediction, the refusal and the repetitions wrote nothing.
    assert sorted(call.operation for call in site.proxy.writes) == [
        "AssociateIamInstanceProfile", "DisassociateIamInstanceProfile", "RebootInstances", "RebootInstances",
        "ReplaceIamInstanceProfileAssociation",
    ]  # fmt: skip
    documented = set(re.findall(r"C\(\w+:(\w+)\)", " ".join(yaml.safe_load(DOCUMENTATION)["notes"])))
    assert {call.operation for call in site.proxy.calls} <= documented
    told = {instance["id"]: instance for instance in run.done.result["instances"]}
    assert {name: one["changed"] for name, one in told.items()} == {first: True, former: True, has: False, ended: False}
    assert told[first]["name"] == "web1" and told[first]["rebooted"] and "terminated" in told[ended]["passed_over"]
    assert (told[former]["before"], told[former]["after"]) == (site.arns["Old"], site.arns["Web"])
    diff = run.done.result["diff"]
    assert diff["before"]["profiles"][first] is None and diff["after"]["profiles"][first] == site.arns["Web"]
    assert not run.again.changed and run.again.result["instance_profile"] is None
    assert run.off.result["changes"] == [f"detach instance profile Web from instance {first}"] and not run.off_again.changed
    assert site.profiles() == dict.fromkeys((former, has), site.arns["Web"])


def refusal(status, code, message):
    body = f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>"
    return Response(status, (("Content-Type", "text/xml"),), body.encode())


def test_what_is_refused_and_what_is_waited_for(one):
    """A role that may not be passed, and a profile made moments ago that EC2 knows at the third time."""
    instance, new = one.make_instance("Old"), one.make_instance()
    late = []

    def handler(call, forward):
        if call.operation == "ReplaceIamInstanceProfileAssociation":
            return refusal(403, "UnauthorizedOperation", "User: x is not authorized to perform: iam:PassRole on resource: y")
        if call.operation == "AssociateIamInstanceProfile" and len(late) < 2:
            late.append(call)
            return refusal(400, "InvalidParameterValue", "Value (x) for parameter y is invalid. Invalid IAM Instance Profile ARN")
        return forward()

    one.proxy.handler = handler
    slip = {"instance_profile": "Wbe", "instance_ids": [instance], "replace": True}
    run = one.run(
        slip=slip,
        predicted={"check": True, **slip},
        missing={"instance_ids": [instance, "i-0123456789abcdef0"], "replace": True},
        everybody={"filters": {}},
        nobody={"filters": {"tag:Role": "wbe"}},
        passing={"instance_ids": [instance], "replace": True},
        fresh={"instance_ids": [new]},
        both={"instance_ids": [new], "filters": {"tag:Role": "web"}},
        neither={"reboot": True},
    )
    assert "no instance profile Wbe" in run.slip.msg and run.slip.result["instances"][0]["changed"] is False
    assert run.predicted.changed and run.predicted.result["instance_profile"]["exists"] is False
    assert "i-0123456789abcdef0" in run.missing.msg and "after about an hour" in run.missing.msg
    assert "every instance" in run.everybody.msg and "tag:Role=wbe" in run.nobody.msg
    assert "iam:PassRole on the role" in run.passing.msg and len(run.passing.result["changes_left"]) == 1
    assert "mutually exclusive: instance_ids|filters" in run.both.msg
    assert "one of the following is required: instance_ids, filters" in run.neither.msg
    assert run.fresh.changed and len(late) == 2 and len(one.proxy.writes) == 4
    assert run.stderr.count("localhost: waiting for EC2 to settle the profiles of the instances, 2 minutes at most") == 1
    assert one.profiles() == {instance: one.arns["Old"], new: one.arns["Web"]}


SILENT = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_ssh_retries": 0}
SYSTEMCTL = """#!/bin/sh
echo "$@" >> {log}
case "$*" in
*snap*) [ "$1" = show ] && echo LoadState=not-found; [ "$1" = list-unit-files ] && exit 1 ;;
*) [ "$1" = show ] && printf 'LoadState=loaded\\nActiveState=active\\nId=amazon-ssm-agent.service\\n' ;;
esac
exit 0
"""


def test_the_playbook(one, tmp_path):
    """One instance is this machine, one does not answer, one is not in the inventory, one runs Windows."""
    reached, silent, unknown, windows = (one.make_instance(Role="web") for _count in range(4))
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "systemctl").write_text(SYSTEMCTL.format(log=tmp_path / "systemctl.log"))
    (tools / "systemctl").chmod(0o755)
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    hosts = {
        "web1": {**local, "instance_id": reached},
        "web2": {**SILENT, "ec2_instance_id": silent},
        "win1": {"ansible_connection": "winrm", "instance_id": windows},
        "db1": local,
    }  # fmt: skip
    environment = dict(one.aws.environment(), PATH=os.pathsep.join([str(tools), clean_environment(tmp_path)["PATH"]]))
    del environment["AWS_ENDPOINT_URL"], environment["AWS_REGION"]

    def play(*arguments, **variables):
        given = {
            "aws_agents_endpoint_url": one.proxy.url,
            "aws_agents_region": one.aws.region,
            "instance_profiles_name": "Web",
            **variables,
        }
        one.proxy.clear()
        return run_playbook(PLAYBOOK, tmp_path / "play", arguments, {"all": {"hosts": hosts}}, given, environment)

    predicted = play("--check", instance_profiles_ids=f"{reached}, {silent}")
    assert predicted.rc == 0 and not one.proxy.writes and one.profiles() == {}, predicted
    assert set(predicted.custom_stats["_run"]["aws_agents_instance_profiles"]["changed"]) == {reached, silent}
    run = play(instance_profiles_filters={"tag:Role": "web"})
    assert run.rc == 0 and set(one.profiles()) == {reached, silent, unknown, windows}, run
    report = run.custom_stats["_run"]["aws_agents_instance_profiles"]
    assert report["restarted"] == [reached] and report["rebooted"] == [] and set(report["changed"]) == set(one.profiles())
    assert report["not_restarted"] == {
        silent: "web2 does not answer",
        unknown: "no host of the inventory says that it is this instance",
        windows: "win1 runs Windows: restart the service AmazonSSMAgent there",
    }
    restarts = [line for line in (tmp_path / "systemctl.log").read_text().splitlines() if line.startswith("restart")]
    assert restarts == ["restart amazon-ssm-agent.service"]
