# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the roles of this collection, predicted by Ansible, to what an audit asks about their identities."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping

from ..access_check.expectations import DEFAULT_NAMESPACE, NAMESPACE, PARAMETERS, PRESETS, SESSION_CHANNELS
from ..grants import listed
from ..options import Option, read

_UNTOLD = "it ended before its identities were planned; the output above says why"


def predicted(roles: Iterable[str], variables: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return what each role would change, or why that is not known, as ``access_info`` takes it.

    :param roles: names without the collection's.
    :param variables: those of the host that ran them. Each role's result is in ``<role>_result``.
    """
    found: List[Dict[str, Any]] = []
    for role in roles:
        result = variables.get(f"{role}_result")
        entry: Dict[str, Any] = {
            "name": f"role {role} of this collection",
            "changes": [],
            "refusal": "",
            "users": [],
            "inline_policies": {},
        }
        if result is None or result.get("failed"):
            found.append({**entry, "refusal": (result or {}).get("msg") or _UNTOLD})
            continue
        inline = _inline(result) if _flag(variables.get(f"{role}_inline")) else {}
        users = sorted(result.get("users") or ())
        found.append({**entry, "changes": list(result.get("changes", ())), "users": users, "inline_policies": inline})
        more = variables.get(f"{role}_preferences_result") or {}
        if not more.get("skipped") and (more.get("failed") or more.get("changes")):
            refusal = (more.get("msg") or _UNTOLD) if more.get("failed") else ""
            changes = [] if refusal else list(more["changes"])
            found.append({**entry, "name": f"preferences of role {role}", "changes": changes, "refusal": refusal})
    return found


def _inline(result: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the inline policies that its identities are to have: a run that makes some, and purges, leaves no others."""
    return {
        f"{kind} {name}": sorted(identity["inline_policies"])
        for kind in ("role", "user")
        for name, identity in (result.get(f"{kind}s") or {}).items()
        if identity.get("inline_policies")
    }


def checks(roles: Iterable[str], variables: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return what is asked of the identities of the roles, as ``access_check`` takes it. One that is not there yet is not asked about."""
    asked: List[Dict[str, Any]] = []
    for role in roles:
        result = variables.get(f"{role}_result") or {}
        for kind, preset in _PRESETS.get(role, {}).items():
            arns = [
                identity["arn"]
                for name, identity in sorted((result.get(f"{kind}s") or {}).items())
                if f"create {kind} {name}" not in result.get("changes", ())
            ]
            if arns:
                asked.append({"principals": arns, **_expected(preset, variables)})
    return asked


_PRESETS: Mapping[str, Mapping[str, str]] = {
    "cwagent_server": {"role": "cwagent_server", "user": "cwagent_user"},
    "cwagent_admin": {"role": "cwagent_admin"},
    "ssm_profile": {"role": "ssm_node"},
    "session_manager": {"role": "session_manager"},
}
_VARIABLES: Mapping[str, str] = {
    "cwagent_server": "cwagent_server_",
    "cwagent_user": "cwagent_server_user_",
    "cwagent_admin": "cwagent_admin_",
}
"""What the variables of an agent's policy begin with. Those of users are the role's where they are not given."""
_SCOPE = (
    Option("namespaces", "texts", default=(DEFAULT_NAMESPACE,)),
    Option("source_cidrs", "texts", default=()),
    Option("parameters", "texts", default=()),
)


def _expected(preset: str, variables: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what is asked of a kind of identity: its preset, and what the variables of the roles say besides."""
    if preset == "ssm_node":
        return {"preset": preset, "may": [SESSION_CHANNELS]} if _has_sessions(variables) else {"preset": preset}
    if preset not in _VARIABLES:
        return {"preset": preset}
    scope = _scope(preset, variables)
    context = {NAMESPACE: scope["namespaces"][0]} if scope["namespaces"] else {}
    if scope["source_cidrs"]:
        context["aws:SourceIp"] = scope["source_cidrs"][0].partition("/")[0]
    # Whoever names no namespace wants no metrics, so nobody expects that they can be sent.
    asked: Dict[str, Any] = {"preset": preset} if scope["namespaces"] else {"may_not": PRESETS[preset]["may_not"]}
    if preset == "cwagent_admin":
        names = scope["parameters"] or listed(variables.get("cwagent_admin_parameters"), "parameters") or ["AmazonCloudWatch-linux"]
        arn = names[0] if names[0].startswith("arn:") else f"{PARAMETERS}{names[0].lstrip('/')}"
        asked["may"] = [{"actions": ["ssm:PutParameter"], "resources": [arn]}]
    return {**asked, "context": context}


def _scope(preset: str, variables: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the options of an identity's document that decide what is asked; those left out where it has another kind of policy."""
    found: Dict[str, Any] = {}
    for name in ("policy", "scope"):
        own = variables.get(f"{_VARIABLES[preset]}{name}")
        found[name] = variables.get(f"cwagent_server_{name}") if own is None and preset == "cwagent_user" else own
    scope = found["scope"] or {} if found["policy"] == "scoped" else {}
    return read({option.name: scope.get(option.name) for option in _SCOPE}, _SCOPE, preset)


def _has_sessions(variables: Mapping[str, Any]) -> bool:
    core = variables.get("ssm_profile_core") or {}
    return variables.get("ssm_profile_policy") != "custom" or _flag(core.get("sessions"))


def _flag(value: Any) -> bool:
    return bool(read({"flag": value}, (Option("flag", "flag", default=False),), "roles")["flag"])
