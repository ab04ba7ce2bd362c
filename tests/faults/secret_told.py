# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks that have AWS's keys as options, in a run whose environment has none."""

from __future__ import annotations

from dataclasses import astuple

from tests.faults.secret_site import PREFIX

NOTHING_TOLD = {
    "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_SESSION_TOKEN": None, "ANSIBLE_DEBUG_BOTOCORE_LOGS": "false",
}  # fmt: skip
"""The environment of runs whose tasks have the keys as options."""

_CALLS_AWS = (
    "iam_identities", "agent_config_parameter", "shared_access_key", "policy_migration", "iam_user_offboarding", "session_preferences",
)  # fmt: skip


def told(site):
    """Return a play whose tasks have the operator's keys as options, some of them with others that are wrong."""
    keys = {}
    for option, value in zip(("access_key", "secret_key", "session_token"), astuple(site.operator), strict=True):
        file = site.scratch / "given" / option
        file.write_text(value)
        keys[option] = f"{{{{ lookup('ansible.builtin.file', '{file}') }}}}"
    user = {"name": "cwagent-told", "policies": ["CloudWatchAgentServerPolicy"]}
    store = {"parameter": "/hybridops/told", "kms_key_id": "alias/cwagent"}
    right = [
        ("iam_identities", {"users": [user]}),
        ("iam_identities", {"users": [user], "aws_secret_key": keys["secret_key"]}),
        ("agent_config_parameter", {"name": "AmazonCloudWatch-told", "config": site.sealed(), "type": "SecureString"}),
        ("shared_access_key", {"user": user["name"], "store": store, "credentials_region": site.emulator.region}),
        ("policy_migration", {}),
        ("iam_user_offboarding", {"users": ["cwagent-gone"]}),
        ("instance_profile_association", {"instance_profile": "Told", "filters": {"tag:Role": "told"}, "allow_no_match": True}),
    ]
    wrong = [
        ("iam_identities", {"users": [{**user, "policies": ["NoSuchPolicy"]}]}),
        ("iam_identities", {"users": [user], "validate_certs": keys["secret_key"]}),
        ("policy_migration", {"state": "migrated", "identities": ["role/told"]}),
        ("instance_profile_association", {"instance_profile": "Told"}),
        ("iam_user_offboarding", {"users": ["told"], "protected": ["told"]}),
        ("session_preferences", {"idle_timeout": 100}),
        *[(name, {"no_such_option": 1}) for name in _CALLS_AWS],
    ]
    tasks = [{f"{PREFIX}.{name}": {**keys, **options}} for name, options in right]
    tasks += [{f"{PREFIX}.{name}": {**keys, **options}, "ignore_errors": True} for name, options in wrong]
    python = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    return {"name": "Keys as options", "hosts": "localhost", "gather_facts": False, "vars": python, "tasks": tasks}
