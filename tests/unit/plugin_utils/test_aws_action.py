# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that an action plugin refuses before anything is made, or that let nobody in."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError
from ansible_collections.hybridops.aws_agents.plugins.action import (
    cloudwatch_agent,
    host_access_key,
    iam_identities,
    ssm_registration,
)

KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PLUGINS = [cloudwatch_agent, host_access_key, ssm_registration]
SECRET = [host_access_key, ssm_registration]


def refuse(plugin, shell="sh", pipelining=True):
    action = plugin.ActionModule.__new__(plugin.ActionModule)
    action._connection = SimpleNamespace(
        _shell=SimpleNamespace(SHELL_FAMILY=shell), has_pipelining=pipelining, transport="community.docker.docker"
    )
    action._refuse_unfit()


@pytest.mark.parametrize("plugin", PLUGINS)
@pytest.mark.parametrize("shell", ["powershell", "cmd"])
def test_windows(plugin, shell):
    with pytest.raises(AnsibleActionFail, match=f"^{plugin.__name__.rpartition('.')[2]} works on hosts with a POSIX shell"):
        refuse(plugin, shell=shell)


@pytest.mark.parametrize(
    ("plugin", "travels"),
    [
        (cloudwatch_agent, "what the host is asked"),
        (host_access_key, "a secret"),
        (ssm_registration, "the code of an activation"),
    ],
)
def test_connections_that_pass_no_standard_input(plugin, travels):
    with pytest.raises(AnsibleActionFail, match=rf"docker does not pass .* and {travels} travels no other way\. Use ssh, or local\.$"):
        refuse(plugin, pipelining=False)


@pytest.mark.parametrize("plugin", PLUGINS)
@pytest.mark.parametrize("kept", [False, True])
def test_remote_files_that_are_kept(plugin, kept, monkeypatch):
    monkeypatch.setattr(constants.config, "get_config_value", lambda name: kept and name == "DEFAULT_KEEP_REMOTE_FILES")
    if kept and plugin in SECRET:
        with pytest.raises(AnsibleActionFail, match="keep_remote_files"):
            refuse(plugin)
    else:
        refuse(plugin)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (AnsibleError("Missing sudo password"), "^Missing sudo password on the host. Give the password with --ask-become-pass"),
        (AnsibleError("Incorrect sudo password"), "^Incorrect sudo password on the host. Give"),
        (AnsibleError("Timeout (12s) waiting for privilege escalation prompt"), "ansible_become_password"),
        (AnsibleError("something else"), "^something else$"),
        (AnsibleConnectionFailure("Incorrect sudo password, or so it seems"), "^Incorrect sudo password, or so it seems$"),
    ],
)
def test_a_host_that_lets_nobody_in(error, says):
    action = host_access_key.ActionModule.__new__(host_access_key.ActionModule)

    def ends(_command, **_more):
        raise error

    action._low_level_execute_command = ends
    with pytest.raises(type(error), match=says):
        action._on_host("python3", b"")


def validated(options):
    action = iam_identities.ActionModule.__new__(iam_identities.ActionModule)
    action._task = SimpleNamespace(args=options)
    return action._validated()


@pytest.mark.parametrize("name", ["secret_key", "aws_secret_key", "aws_secret_access_key"])
@pytest.mark.parametrize(
    "wrong", [{"no_such_option": 1}, {"validate_certs": KEY}, {"users": [{"nmae": "web1"}]}, {"users": [{"name": "a", "tags": 5}]}]
)
def test_options_that_are_wrong_show_no_key(name, wrong):
    with pytest.raises(AnsibleActionFail) as failed:
        validated({name: KEY, **wrong})
    assert next(iter(wrong)) in str(failed.value) and KEY not in repr(failed.value) and failed.value.obj is None


def test_options_have_one_name():
    options = validated({"aws_secret_key": KEY, "aws_region": "eu-west-1", "users": [{"name": "web1"}]})
    assert options["secret_key"] == KEY and options["region"] == "eu-west-1"
    assert not {"aws_secret_key", "aws_region"} & set(options)


def test_an_unknown_option_is_told_as_of_a_module():
    with pytest.raises(AnsibleActionFail, match=r"^Unsupported parameters for \(hybridops\.aws_agents\.iam_identities\) module: nmae\. "):
        validated({"nmae": 1})
