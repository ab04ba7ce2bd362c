# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an inventory to IAM users, and from results to what a run publishes."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Set, Tuple

from .errors import InputError
from .user_name import user_name

OVERRIDE = "onprem_agent_user_name"
SCOPE = "onprem_agent_user_scope"
CREDENTIALS = "onprem_agent_credentials"
KEY = "onprem_agent_key"
"""What the role registers the result of ``host_access_key`` as."""
SHARED_OPTIONS = {
    "store": "onprem_agent_store",
    "region": "onprem_agent_region",
    "groups": "onprem_agent_user_groups",
    "rotate_after": "onprem_agent_key_rotate_after",
    "grace": "onprem_agent_key_grace",
    "verify_timeout": "onprem_agent_key_verify_timeout",
    "replace_inactive": "onprem_agent_replace_inactive",
    "drop_key": "onprem_agent_drop_key",
    "owned_by": "onprem_agent_owned_by",
    "adopt": "onprem_agent_adopt",
}
"""What a shared user's key is kept by: options of ``shared_access_key``, and the variables of its hosts."""


def agent_user_names(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> List[str]:
    """Return the names of the hosts' IAM users, each once: a host's ``onprem_agent_user_name``, or else one made of its inventory name.

    Hosts whose ``onprem_agent_user_scope`` is ``shared`` are one user where their ``onprem_agent_user_name`` is the same. A host whose
    ``onprem_agent_credentials`` is ``ssm`` has none.

    :raises InputError: when two hosts would share a user without that, or a shared one has no name.
    """
    owners: Dict[str, Tuple[str, str, bool]] = {}
    for host in _with_users(hosts, hostvars):
        name, shared = _user_of(host, hostvars[host])
        seen, other, both = owners.setdefault(name.lower(), (name, host, shared))
        if other != host and not (shared and both):
            raise InputError(
                f"host {host}: its user {name} is that of the host {other} too. Give one of them another {OVERRIDE}, "
                f"or both {SCOPE}: shared."
            )
        if seen != name:
            raise InputError(
                f"host {host}: its {OVERRIDE} {name} differs from {seen} of the host {other} in letter case alone. Write both alike."
            )
    return [name for name, _host, _shared in owners.values()]


def shared_users(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """Return each user that some of the hosts share: its name, its key's options, and what each of its hosts was seen with in this run.

    :param hosts: those of the run.
    :param hostvars: of the whole inventory: a host of the user that is not in the run was not seen, and may hold an old key.
    :raises InputError: when hosts of one user want different things of its key, or one of the inventory would have it without sharing it.
    """
    users: Dict[str, Tuple[str, Dict[str, Any]]] = {}
    for host in _with_users(hosts, hostvars):
        name, shared = _user_of(host, hostvars[host])
        if not shared:
            continue
        wanted = {option: hostvars[host].get(variable) or "" for option, variable in SHARED_OPTIONS.items()}
        other, options = users.setdefault(name, (host, wanted))
        for option, variable in SHARED_OPTIONS.items():
            if options[option] != wanted[option]:
                raise InputError(
                    f"host {host}: its {variable} is not that of the host {other}, and both share the user {name}. Give both the same."
                )
    _refuse_strangers(users, hostvars)
    seen = {name: _held_keys(hostvars, name) for name in users}
    return [{"user": name, **options, "hosts": seen[name]} for name, (_host, options) in sorted(users.items())]


def _refuse_strangers(users: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a host that has a shared user as its own: it would retire the keys that others hold."""
    shared = {name.lower(): name for name in users}
    for host in hostvars:
        name = str(hostvars[host].get(OVERRIDE) or "")
        if name.lower() in shared and (name, str(hostvars[host].get(SCOPE))) != (shared[name.lower()], "shared"):
            raise InputError(
                f"host {host}: its {OVERRIDE} is {name}, and other hosts share the user {shared[name.lower()]}. "
                f"Write the name alike and {SCOPE}: shared, or give it another user."
            )


def _held_keys(hostvars: Mapping[str, Mapping[str, Any]], user: str) -> Dict[str, str]:
    """Return the key id that each host of a shared user was seen with; empty for one that was not seen, or failed."""
    held = {}
    for host in hostvars:
        variables = hostvars[host]
        if variables.get(SCOPE) == "shared" and _has_user(host, variables) and _user_of(host, variables) == (user, True):
            result = variables.get(KEY) or {}
            seen = not (result.get("failed") or result.get("unreachable") or result.get("skipped"))
            held[host] = str(result.get("key_id") or "") if seen else ""
    return held


def _with_users(hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> List[str]:
    return [host for host in hosts if _has_user(host, hostvars[host])]


def _has_user(host: str, variables: Mapping[str, Any]) -> bool:
    source = str(variables.get(CREDENTIALS) or "access_key")
    if source not in ("access_key", "ssm"):
        raise InputError(f"host {host}: {CREDENTIALS} is {source!r}. Write access_key or ssm.")
    return source == "access_key"


def _user_of(host: str, variables: Mapping[str, Any]) -> Tuple[str, bool]:
    """Return the name of a host's user, and whether it shares it."""
    scope = str(variables.get(SCOPE) or "host")
    if scope not in ("host", "shared"):
        raise InputError(f"host {host}: {SCOPE} is {scope!r}. Write host or shared.")
    name = str(variables.get(OVERRIDE) or "")
    if scope == "shared" and not name:
        raise InputError(f"host {host}: its {SCOPE} is shared and it has no {OVERRIDE}. Name the user that the hosts share.")
    return name or user_name(host), scope == "shared"


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
