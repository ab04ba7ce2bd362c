# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From EC2 instances to hosts of the inventory, and what became of their SSM agents."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping

from .errors import InputError

IDS = ("instance_id", "ec2_instance_id", "ansible_host")
"""Variables that may hold a host's instance id. The first is what the inventory plugin ``amazon.aws.aws_ec2`` gives."""
RESULT = "aws_agents_ssm_agent"
"""What the playbook registers the restart as."""
_WINDOWS = ("winrm", "psrp")
Hostvars = Mapping[str, Mapping[str, Any]]


def restart_hosts(instances: Iterable[Mapping[str, Any]], hostvars: Hostvars, which: str = "changed") -> List[str]:
    """Return the hosts whose SSM agent is to be restarted.

    :param instances: as ``instance_profile_association`` returns them.
    :param which: ``changed`` (those that need it), ``always`` (all running ones that have the profile) or ``never``.
    :raises InputError: for any other word.
    """
    hosts = _hosts(hostvars)
    found = [hosts[instance["id"]] for instance in _to_restart(instances, which) if instance["id"] in hosts]
    return [host for host in found if not _is_windows(hostvars[host])]


def restart_report(instances: Iterable[Mapping[str, Any]], hostvars: Hostvars, which: str = "changed") -> Dict[str, Any]:
    """Return which agents were restarted, which instances rebooted, and which still work with their former credentials, and why."""
    instances = list(instances)
    hosts = _hosts(hostvars)
    restarted: List[str] = []
    left: Dict[str, str] = {}
    for instance in _to_restart(instances, which):
        host = hosts.get(instance["id"], "")
        why = _why_not(host, hostvars)
        if why:
            left[instance["id"]] = why
        else:
            restarted.append(instance["id"])
    pending = [instance["id"] for instance in instances if instance["needs_restart"] and instance["id"] not in restarted]
    return {
        "changed": [instance["id"] for instance in instances if instance["changed"]],
        "restarted": restarted,
        "rebooted": [instance["id"] for instance in instances if instance["rebooted"]],
        "not_restarted": {**dict.fromkeys(pending, "nobody asked for it"), **left},
        "passed_over": {instance["id"]: instance["passed_over"] for instance in instances if instance["passed_over"]},
    }


def _to_restart(instances: Iterable[Mapping[str, Any]], which: str) -> List[Mapping[str, Any]]:
    if which not in ("changed", "always", "never"):
        raise InputError(f"{which!r} says of no agent whether to restart it. Write changed, always or never.")
    if which == "never":
        return []
    running = [one for one in instances if one["state"] == "running" and one["after"] and not one["rebooted"] and not one["passed_over"]]
    return [one for one in running if one["needs_restart"] or which == "always"]


def _hosts(hostvars: Hostvars) -> Dict[str, str]:
    """Return instance id to host, of all hosts of the inventory that say which instance they are."""
    found: Dict[str, str] = {}
    for host in sorted(hostvars):
        for value in (*(hostvars[host].get(name) for name in IDS), host):
            if str(value or "").startswith("i-"):
                found.setdefault(str(value), host)
                break
    return found


def _is_windows(variables: Mapping[str, Any]) -> bool:
    return variables.get("ansible_connection") in _WINDOWS or variables.get("ansible_shell_type") in ("powershell", "cmd")


def _why_not(host: str, hostvars: Hostvars) -> str:
    """Return why the agent was not restarted, in words; empty when it was."""
    if not host:
        return "no host of the inventory says that it is this instance"
    if _is_windows(hostvars[host]):
        return f"{host} runs Windows: restart the service AmazonSSMAgent there"
    result = hostvars[host].get(RESULT)
    if result is None:
        return f"{host} was no part of this run"
    parts = result.get("results", [])
    if any(part.get("changed") and not part.get("failed") for part in parts):
        return ""
    # Up to ansible-core 2.18 a loop's result says of its parts alone that the host did not answer.
    if any(part.get("unreachable") for part in (result, *parts)):
        return f"{host} does not answer"
    if any(part.get("failed") for part in parts):
        return f"{host}: the restart failed"
    return f"{host} has no SSM agent that systemd runs"
