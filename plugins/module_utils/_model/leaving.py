# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who still uses a user when hosts leave, and which keys are on no host: shapes for the playbooks that end a key's life."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping

from .inventory import OVERRIDE
from .user_name import user_name

RESULT = "onprem_agent_key"
"""Where the role onprem_agent registers the result of ``host_access_key``."""
_SHOWN = ("id", "status", "age_days", "last_used", "last_used_service", "last_used_region", "retired")


def kept_users(hosts: Iterable[str], leaving: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> List[str]:
    """Return the names of the users of all hosts but those that leave."""
    staying = set(hosts) - set(leaving)
    return sorted({str(hostvars[host].get(OVERRIDE) or user_name(host)) for host in staying})


def key_report(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> Dict[str, Any]:
    """Return what a run did to the keys of hosts, what it waits for, and the keys that no host of theirs holds.

    Several hosts of one user report its keys once: a key that one of them holds is nobody's spare.
    """
    results: Dict[str, Mapping[str, Any]] = {}
    silent = []
    for host in hosts:
        result = hostvars[host].get(RESULT) or {}
        if "access_keys" in result:
            results[host] = result
        elif not result.get("skipped"):  # skipped: a host without a key of ours
            silent.append(host)
    held = {result["key_id"] for result in results.values()}
    spare: Dict[str, Dict[str, Any]] = {}
    for host, result in results.items():
        for key in result["access_keys"]:
            if key["id"] not in held:
                spare.setdefault(key["id"], {"host": host, "user": result["user"], **{name: key[name] for name in _SHOWN}})
    return {
        "changes": {host: list(result["changes"]) for host, result in results.items() if result["changes"]},
        "awaiting": {host: result["awaiting"] for host, result in results.items() if result["awaiting"]},
        "spare": sorted(spare.values(), key=lambda key: (-key["age_days"], key["id"])),
        "unknown": sorted(silent),
    }
