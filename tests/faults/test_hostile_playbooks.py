# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hostile names through whole playbooks: those of an inventory on their way to AWS, and those that AWS holds on their way to people."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.user_name import user_name

from tests.faults.hostile import obeyed
from tests.support import iam_state
from tests.support.emulators import Emulator
from tests.support.playbook import Run, run_playbook

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
AS_USERS_RUN = {"_ANSIBLE_TEMPLAR_UNTRUSTED_TEMPLATE_BEHAVIOR": "ignore"}
"""What comes from AWS is no template, and Ansible passes it on as it is. The other tests have it fail there, to find our own slips;
a forked run has read that setting already, so this one starts anew (``SCRATCH``)."""
TEMPLATE = "{{ 6 * 111 }}{% if true %}333{% endif %}{{ lookup('ansible.builtin.pipe', 'touch owned') }}"
"""What Ansible would make 666333 of, and a file."""


def run(playbook: str, emulator: Emulator, scratch: Path, hosts: Any, **variables: Any) -> Run:
    emulator.operator()
    as_users_run = {**AS_USERS_RUN, "SCRATCH": str(scratch)} if playbook == "audit" else {}
    environment = {**emulator.environment(), **as_users_run}
    inventory = {"all": {"children": {"onprem": {"hosts": {host: {"ansible_host": "192.0.2.1"} for host in hosts}}}}}
    where = {"aws_agents_region": emulator.region, **variables}
    return run_playbook(
        f"hybridops.aws_agents.{playbook}",
        scratch,
        ["--diff"],
        inventory,
        where,
        environment,
    )


def untouched(done: Run, scratch: Path) -> None:
    """Assert that nothing was templated or run, and that nobody's terminal was told what to do."""
    assert "666333" not in str(done)
    assert not list(scratch.rglob("owned")) and not Path("owned").exists()
    assert not obeyed(done.stdout + done.stderr)


def test_names_of_hosts_become_users_of_their_own(moto: Emulator, tmp_path: Path, ledger: Any) -> None:
    hosts = [
        "web1",
        "Web1",
        "WEB1",
        "wéb",
        "we\u0301b",
        "$(touch owned)",
        "`touch owned`",
        "a'b\"c",
        "-rf",
        "..",
        "x" * 300,
        "\u202egnp",
        "\U0001f600",
    ]
    done = run("aws_access", moto, tmp_path, hosts, aws_agents_roles=["cwagent_server"], cwagent_server_tags={"team": "it's ops"})
    assert done.rc != 0 and "the value of the tag" in str(done), done
    assert not [name for name in iam_state.of(moto)["users"] if name.startswith("cwagent-")], "refused before the first call"
    done = run("aws_access", moto, tmp_path, hosts, aws_agents_roles=["cwagent_server"])
    assert done.rc == 0, done
    users = {name for name in iam_state.of(moto)["users"] if name.startswith("cwagent-")}
    assert users == {user_name(host) for host in hosts}
    assert len({name.lower() for name in users}) == len(hosts)
    untouched(done, tmp_path)
    ledger.add("Hostile input: playbooks", cases=len(hosts) + 1, runs=2, refused=1, converged=1)


def test_what_aws_holds_is_shown_and_never_run(moto: Emulator, tmp_path: Path, ledger: Any) -> None:
    moto.client("iam").create_role(RoleName="Hybrid", AssumeRolePolicyDocument=json.dumps(TRUST), Description=TEMPLATE)
    names = [TEMPLATE, "\x1b[2J\x1b]0;owned\x07\x9b31m", "<script>alert(1)</script>", "a\nhigh: everything is lost", "\u202egnp"]
    ends = datetime.now(UTC) + timedelta(days=20)
    for name in names:
        moto.client("ssm").create_activation(IamRole="Hybrid", DefaultInstanceName=name, RegistrationLimit=50, ExpirationDate=ends)
    page, data = tmp_path / "audit.html", tmp_path / "audit.json"
    done = run(
        "audit",
        moto,
        tmp_path,
        ["web1"],
        aws_agents_roles=["cwagent_server"],
        aws_agents_audit_html=str(page),
        aws_agents_audit_json=str(data),
        aws_agents_audit_checks=[],
    )
    assert done.rc == 0, [task.msg for task in done.failures]
    untouched(done, tmp_path)
    assert "{{ 6 * 111 }}" in done.stdout
    held = json.loads(data.read_text())
    assert {one["name"] for one in held["activations"]} == set(names)
    shown = page.read_text()
    assert "{{" not in shown and "<script" not in shown and not obeyed(shown)
    assert "&#123;&#123; 6 * 111 &#125;&#125;" in shown
    ledger.add("Hostile input: playbooks", cases=len(names), runs=1, converged=1)
