# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the roles of this collection, predicted by Ansible, to what an audit asks about their identities."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping

from ..access_check.expectations import DEFAULT_NAMESPACE, NAMESPACE, PARAMETERS

_UNTOLD = "it ended before its identities were planned; the output above says why"


def predicted(roles: Iterable[str], variables: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return what each role would change, or why that is not known, as ``access_info`` takes it.

    :param roles: names without the collection's.
    :param variables: those of the host that ran them. Each role's result is in ``<role>_result``.
    """
    found: List[Dict[str, Any]] = []
    for role in roles:
        result = variables.get(f"{role}_result")
        if result is None or result.get("failed"):
            found.append({"name": f"role {role} of this collection", "changes": [], "refusal": (result or {}).get("msg") or _UNTOLD})
        else:
            found.append({"name": f"role {role} of this collection", "changes": list(result.get("changes", ())), "refusal": ""})
    return found


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
                asked.append({"principals": arns, "preset": preset, **_more(preset, variables)})
    return asked


_PRESETS: Mapping[str, Mapping[str, str]] = {
    "cwagent_server": {"role": "cwagent_server", "user": "cwagent_user"},
    "cwagent_admin": {"role": "cwagent_admin"},
    "ssm_profile": {"role": "ssm_node"},
    "session_manager": {"role": "session_manager"},
}


def _more(preset: str, variables: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what the variables of the roles say of namespaces and parameters."""
    if preset == "cwagent_admin":
        named = variables.get("cwagent_admin_parameters") or ["AmazonCloudWatch-linux"]
        return {"may": [{"actions": ["ssm:PutParameter"], "resources": [f"{PARAMETERS}{str(named[0]).lstrip('/')}"]}]}
    scopes = {
        "cwagent_server": variables.get("cwagent_server_scope"),
        "cwagent_user": variables.get("cwagent_server_user_scope") or variables.get("cwagent_server_scope"),
    }
    if preset not in scopes:
        return {}
    namespaces = (scopes[preset] or {}).get("namespaces") or [DEFAULT_NAMESPACE]
    return {"context": {NAMESPACE: namespaces[0] if isinstance(namespaces, (list, tuple)) else str(namespaces).split(",")[0].strip()}}
