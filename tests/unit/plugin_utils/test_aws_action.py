# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that an action plugin refuses before anything is made, or that let nobody in."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError
from ansible_collections.hybridops.aws_agents.plugins.action import cloudwatch_agent, host_access_key, ssm_registration

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
