# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook that replaces keys that are due, and reports those on no host. The rotation itself: see tests/faults/test_rotation.py."""

from __future__ import annotations

import pytest

from tests.integration.key_site import USER, Site
from tests.support.playbook import HOST, run_playbook

ROTATE = "hybridops.aws_agents.rotate_keys"


@pytest.fixture
def site(ministack, tmp_path):
    made = Site(ministack, tmp_path)
    made.make_user()
    return made


def rotate(site, *arguments, **variables):
    site.runs += 1
    given = {
        "onprem_agent_credentials_file": str(site.path),
        "onprem_agent_credentials_group": "",
        "onprem_agent_credentials_mode": "0600",
        "onprem_agent_region": site.emulator.region,
        **variables.pop("inventory", {}),
    }
    # The second is a host of its own only in the inventory: a failure of one must not hide the other from the report.
    hosts = {"web1": {**HOST, **given}, "web2": {**HOST, **given, "onprem_agent_credentials_file": "/proc/nowhere/credentials"}}
    inventory = {"all": {"children": {"onprem": {"hosts": hosts}}}}
    run = run_playbook(ROTATE, site.scratch / f"rotate{site.runs}", arguments, inventory, variables, site.emulator.environment())
    return run, run.custom_stats["_run"]["aws_agents_keys"]


def test_report(site):
    held = site.result().result["key_id"]
    spare = site.iam.create_access_key(UserName=USER)["AccessKey"]["AccessKeyId"]
    run, report = rotate(site)
    assert run.rc == 2 and not run.changed, run
    assert [(key["host"], key["user"], key["id"], key["status"], key["last_used"]) for key in report["spare"]] == [
        ("web1", USER, spare, "Active", None)
    ]
    assert report["changes"] == {} and list(report["awaiting"]) == ["web1"] and report["unknown"] == ["web2"]
    assert run.task("Show them").result["msg"] == report and list(site.keys()) == [held, spare]


@pytest.mark.parametrize(
    ("variables", "due"),
    [
        ({}, False),
        ({"inventory": {"onprem_agent_key_rotate_after": "0"}}, True),
        ({"onprem_agent_key_rotate_after": "0", "rotate_keys_serial": 1}, True),
    ],
    ids=["by default after 90 days", "the inventory's own time", "a time for this run, one host after the other"],
)
def test_keys_that_are_due(site, variables, due):
    site.run().ok()
    _run, report = rotate(site, "--check", **variables)
    assert report["changes"].get("web1", []) == ([f"hand over access key of user {USER}"] if due else [])
