# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done to the profile that SSM Agent shares, and in which order with the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent import plan as deciding
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent.options import ARGUMENT_SPEC, rules
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent.shared import SharedProfile, Sharing, required
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent.state import AgentState, Reader, Rules, Wanted
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.plan import Change

FILE = "/etc/c"
RULES = Rules(
    config_path="/c/config.json",
    credentials_file=FILE,
    sharing=Sharing(group="cwagent"),
    region="eu-west-1",
    wanted=Wanted("{}\n", "file_config.json", "file:/c/config.json"),
)
ALONE = replace(RULES, wanted=None)
FRESH = SharedProfile(temporary=True, owner="root", group="root", mode="0600")
OPEN = replace(FRESH, region="eu-west-1", group="cwagent", mode="0640")
LOAD = ["create file /c/config.json", "load configuration file_config.json", "enable service", "start service"]
SHUT = Reader("cwagent", True, False, FILE, "root", "root", "0600")
FOLDER = replace(SHUT, barrier="/etc")
NO_GROUP = (("group", "cwagent"),)


def planned(shared, rules, reader=None):
    actual = AgentState(installed=True, shared=shared, reader=reader)
    wanted = deciding.target(actual, rules)
    changes = [str(change) for change in deciding.plan(wanted, actual, rules)]
    assert deciding.plan(deciding.target(wanted, rules), wanted, rules) == [], "what is reached is left alone"
    return changes


@pytest.mark.parametrize(
    ("shared", "rules", "reader", "changes"),
    [
        (OPEN, ALONE, None, []),
        (None, replace(ALONE, sharing=None), None, []),
        (FRESH, ALONE, None, [f"update profile region, group, mode of {FILE}"]),
        (replace(OPEN, mode="0600"), ALONE, None, [f"update profile mode of {FILE}"]),
        (replace(OPEN, region="us-east-1"), ALONE, None, [f"update profile region of {FILE}"]),
        (replace(OPEN, region="us-east-1"), replace(ALONE, region=""), None, []),
        (replace(OPEN, owner="agent"), ALONE, None, []),
        (replace(OPEN, owner="agent"), replace(ALONE, sharing=Sharing("root", "cwagent")), None, [f"update profile owner of {FILE}"]),
        (FRESH, RULES, SHUT, [f"update profile region, group, mode of {FILE}", *LOAD]),
        (FRESH, RULES, FOLDER,
         [f"require credentials readable by cwagent of {FILE}", f"update profile region, group, mode of {FILE}", *LOAD]),
        (OPEN, RULES, SHUT, [f"require credentials readable by cwagent of {FILE}", *LOAD]),
        (SharedProfile(unknown=NO_GROUP), RULES, None,
         [f"require shared credentials AmazonCloudWatchAgent of {FILE}", "require system group cwagent",
          f"update profile region, group, mode of {FILE}", *LOAD]),
        (FRESH, replace(RULES, present=False), None, []),
    ],
)  # fmt: skip
def test_changes(shared, rules, reader, changes):
    assert planned(shared, rules, reader) == changes


def test_a_file_that_is_none_is_refused():
    with pytest.raises(Refusal, match="/etc/c on the host cannot be worked on: it is a symbolic link"):
        planned(SharedProfile(unfit="it is a symbolic link"), ALONE)


def test_the_refusals_say_what_to_do():
    text = str(required(Change("require", "shared credentials", "P", FILE), "P", FILE))
    assert "profile P of /etc/c" in text and "onprem_ssm" in text and "Nothing was changed" in text
    assert "no group cwagent, which /etc/c" in str(required(Change("require", "system group", "cwagent"), "P", FILE))


@pytest.mark.parametrize(
    ("given", "file", "words"),
    [
        ({"mode": "0644"}, FILE, "shared_credentials.mode: 0644 lets everybody"),
        ({"group": "a b", "mode": "0640"}, FILE, "shared_credentials.group: 'a b' is no name or number of a group"),
        ({"mode": "0640"}, None, "shared_credentials: name the file"),
    ],
)
def test_wrong_options(given, file, words):
    options = {name: spec.get("default") for name, spec in ARGUMENT_SPEC.items()}
    with pytest.raises(InputError, match=words):
        rules(dict(options, credentials_file=file, shared_credentials=given))
