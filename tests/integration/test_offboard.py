# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that leave, by the playbook: this machine is the host, or a host is one that does not answer."""

from __future__ import annotations

import pytest

from tests.integration.key_site import USER, Site
from tests.support import iam_state
from tests.support.playbook import run_playbook
from tests.support.recording_proxy import RecordingProxy

OFFBOARD = "hybridops.aws_agents.offboard"
SILENT = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_ssh_retries": 0}
OTHER = "cwagent-web2"


class Leaving(Site):
    """web1, which is this machine and has its key, and web2, which stays."""

    def __init__(self, emulator, proxy, scratch):
        super().__init__(emulator, scratch)
        self.proxy = proxy
        self.host = {}
        self.make_user()
        self.iam.create_user(UserName=OTHER, Path="/hybridops/", Tags=[{"Key": "hybridops.aws_agents/owner", "Value": "default"}])

    def offboard(self, *arguments, **variables):
        self.runs += 1
        self.proxy.clear()
        local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        given = {
            "onprem_agent_credentials_file": str(self.path),
            "onprem_agent_root": str(self.scratch / "agent"),
            "onprem_agent_credentials_group": "",
            "onprem_agent_region": self.emulator.region,
        }
        hosts = {"web1": {**local, **given, **self.host}, "web2": {**SILENT, **given}}
        where = {"aws_agents_endpoint_url": self.proxy.url, "aws_agents_region": self.emulator.region}
        environment = self.emulator.environment()
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


@pytest.mark.parametrize("silent", [False, True])
def test_a_shared_user_stays(site, silent):
    """Its key is the others' as well. Here the role's part for the shared scope is not looked at, only what is never done."""
    site.host = {**(SILENT if silent else {}), "onprem_agent_user_scope": "shared"}
    if silent:
        run = site.offboard(aws_agents_hosts="web1", offboard_unreachable=True)
        assert run.rc == 0 and "Replace it on all of them now" in run.stdout, run
    else:
        run = site.offboard(aws_agents_hosts="web1", offboard_compromised=True)
        assert run.task("Say that the shared key must be replaced").outcome == "ok", run
    assert site.users() == [USER, OTHER] and "DeleteUser" not in {call.operation for call in site.proxy.calls}


def test_a_user_that_another_host_has_too(site):
    site.host = {**SILENT, "onprem_agent_user_name": OTHER.upper()}
    refused = site.offboard(aws_agents_hosts="web1", offboard_unreachable=True)
    assert "named in protected" in refused.failures[-1].msg and OTHER in site.users(), refused


REFUSED = {
    "no host named": ({}, "No host is named"),
    "a host that is not there": ({"aws_agents_hosts": "web9"}, "No host is named"),
    "everybody": ({"aws_agents_hosts": "all"}, "All 2 hosts of the group onprem"),
    "everybody by name": ({"aws_agents_hosts": "web1,web2", "offboard_compromised": True}, "offboard_all=true"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(site, name):
    variables, says = REFUSED[name]
    run = site.offboard(**variables)
    assert run.rc and [says in task.msg for task in run.failures] == [True] and not site.proxy.calls, run


def test_all_of_them(site):
    site.host = SILENT
    run = site.offboard(offboard_all="true", offboard_unreachable="true")
    assert run.rc == 0 and site.users() == [] and set(went(run)) == {"web1", "web2"}, run
