# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an inventory to IAM users, and from results to what a run publishes."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Set

from .errors import InputError
from .user_name import user_name

OVERRIDE = "onprem_agent_user_name"


def agent_user_names(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> List[str]:
    """Return the name of each host's IAM user: the host's ``onprem_agent_user_name``, or else one made of its inventory name.

    :raises InputError: when two hosts would share a user, since a key belongs to one host.
    """
    owners: Dict[str, str] = {}
    names = []
    for host in hosts:
        name = str(hostvars[host].get(OVERRIDE) or user_name(host))
        other = owners.setdefault(name.lower(), host)
        if other != host:
            raise InputError(f"host {host}: its user {name} is that of the host {other} too. Give one of them another {OVERRIDE}.")
        names.append(name)
    return names


def identity_arns(results: Iterable[Mapping[str, Any]]) -> Dict[str, Any]:
    """Return the ARNs of what several results of ``iam_identities`` hold, and how many changes they made.

    Results of tasks that were skipped, or did not run, hold nothing.
    """
    arns: Dict[str, Set[str]] = {"policies": set(), "roles": set(), "instance_profiles": set(), "users": set()}
    changes = 0
    for result in results:
        changes += len(result.get("changes", ()))
        for kind in ("policies", "roles", "users"):
            arns[kind].update(record["arn"] for record in result.get(kind, {}).values())
        profiles = [record.get("instance_profile") for record in result.get("roles", {}).values()]
        arns["instance_profiles"].update(profile["arn"] for profile in profiles if profile)
    return {**{kind: sorted(found) for kind, found in arns.items()}, "changes": changes}
