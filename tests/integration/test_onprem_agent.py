# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role for hosts: a key, and an agent that is pointed at it."""

from __future__ import annotations

import os
import stat
import tomllib

import pytest

from tests.integration.key_site import PROFILE, USER, Site
from tests.support.playbook import HOST, run_playbook


@pytest.fixture
def site(ministack, tmp_path):
    made = Site(ministack, tmp_path)
    made.make_user()
    return made


def role(site, arguments=(), environment=None, **variables):
    site.runs += 1
    play = {"hosts": "all", "gather_facts": False, "roles": ["hybridops.aws_agents.onprem_agent"]}
    variables = {
        "onprem_agent_region": site.emulator.region,
        "onprem_agent_credentials_file": str(site.path),
        "onprem_agent_package_source": "none",
        "onprem_agent_config": {},
        "onprem_agent_run_as_user": "",
        "onprem_agent_root": str(site.scratch / "agent"),
        **variables,
    }
    variables = {**site.emulator.environment(), **(environment or {})}, variables
    return run_playbook(
        [play], site.scratch / f"role{site.runs}", arguments, {"all": {"hosts": {"web1": HOST}}}, variables[1], variables[0]
    )


def test_role(site):
    checked = role(site, ["--check", "--diff"])
    assert len(checked.ok().changed) == 2 and not site.keys() and not site.path.parent.exists()
    assert len(role(site).ok().changed) == 2
    config = site.scratch / "agent" / "etc" / "common-config.toml"
    expected = {"shared_credential_profile": PROFILE, "shared_credential_file": str(site.path)}
    assert tomllib.loads(config.read_text()) == {"credentials": expected} and site.caller()
    assert not role(site).ok().changed
    gone = role(site, onprem_agent_state="absent").ok()
    assert len(gone.changed) == 2 and not site.keys() and not site.path.exists()
    assert not role(site, onprem_agent_state="absent").ok().changed


def test_a_number_of_none_and_a_package_of_somebody_elses(site):
    role(site, onprem_agent_imds_retries=0).ok()
    config = site.scratch / "agent" / "etc" / "common-config.toml"
    assert tomllib.loads(config.read_text())["imds"] == {"imds_retries": 0}
    removed = {"onprem_agent_package_remove": True, "onprem_agent_package_name": "a-package-that-is-nowhere"}
    gone = role(site, onprem_agent_state="absent", **removed).ok()
    assert gone.task("Install or remove the agent's package").outcome == "ok"


def test_role_with_the_owner_of_the_whole_run(ministack, tmp_path):
    """What aws_access was told of the users' owner holds for the hosts as well."""
    site = Site(ministack, tmp_path)
    site.iam.create_user(UserName=USER, Tags=[{"Key": "hybridops.aws_agents/owner", "Value": "blue"}])
    refused = role(site)
    assert refused.rc and "owned_by: default" in refused.failures[0].msg
    assert role(site, ["--check"], aws_agents_adopt=True).ok()
    assert len(role(site, aws_agents_owned_by="blue").ok().changed) == 2 and site.caller()


def test_config_that_every_user_can_reach(site):
    """The agent may run as a user of its own, and the umask of root may be a narrow one."""
    before = os.umask(0o077)
    try:
        role(site).ok()
    finally:
        os.umask(before)
    config = site.scratch / "agent" / "etc" / "common-config.toml"
    assert (stat.S_IMODE(config.parent.stat().st_mode), stat.S_IMODE(config.stat().st_mode)) == (0o755, 0o644)


def test_config_that_cannot_be_read(site):
    config = site.scratch / "agent" / "etc" / "common-config.toml"
    config.mkdir(parents=True)
    failed = role(site)
    assert failed.rc and f"{config}: it is no regular file. Nothing was changed" in failed.failures[0].msg, failed


def test_role_on_windows(site):
    failed = role(site, ansible_shell_type="powershell")
    assert failed.rc and any("Windows" in task.msg for task in failed.failures), failed


def test_role_without_a_user(ministack, tmp_path):
    site = Site(ministack, tmp_path)
    assert role(site, ["--check", "--diff"]).ok()
    failed = role(site)
    assert "hybridops.aws_agents.aws_access" in failed.failures[0].msg and not site.path.exists()


def test_role_with_the_credentials_of_ssm_agent(site):
    """No user is asked for and no key is made: the keys in the file are SSM Agent's, and stay."""
    ssm = {"onprem_agent_credentials": "ssm", "onprem_agent_credentials_group": "0"}
    refused = role(site, **ssm)
    assert refused.rc and "SSM Agent has written no credentials" in refused.failures[0].msg
    assert role(site, ["--check"], **ssm).ok().changed, "in check mode it may be about to be registered"
    site.path.parent.mkdir(parents=True)
    keys = "aws_access_key_id     = ASIA1\naws_secret_access_key = s3cret-of-ssm\naws_session_token     = t0ken\n"
    site.path.write_text(f"[{PROFILE}]\n{keys}")
    site.path.chmod(0o600)
    opened = role(site, ["--diff", "-vvv"], **ssm).ok()
    assert opened.task("Hand over the access key").outcome == "skipped" and not site.keys()
    result = opened.task("Configure the agent and see it send").result
    assert result["changes"][0] == f"update profile region, mode of {site.path}"
    assert result["shared_profile"] == {"region": site.emulator.region, "owner": "root", "group": "0", "mode": "0640"}
    assert site.path.read_text().endswith(f"t0ken\nregion = {site.emulator.region}\n") and stat.S_IMODE(site.path.stat().st_mode) == 0o640
    assert "s3cret-of-ssm" not in str(opened) and "t0ken" not in str(opened)
    assert not role(site, **ssm).ok().changed
