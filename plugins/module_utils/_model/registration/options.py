# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of ``ssm_registration``, as a person writes them, to the rules of a decision."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any, Dict, Mapping, Optional

from .. import names
from ..duration import duration
from ..errors import InputError
from .state import SHARED_FILE, Rules

MINUTES = (2, 1440)
"""How long an activation may live. AWS allows 30 days, which nothing here needs."""

ARGUMENT_SPEC: Dict[str, Dict[str, Any]] = {
    "iam_role": {"type": "str"},
    "name": {"type": "str"},
    "tags": {"type": "dict", "default": {}},
    "expires_in": {"type": "int", "default": 15},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "force": {"type": "bool", "default": False},
    "http_proxy": {"type": "str"},
    "https_proxy": {"type": "str"},
    "no_proxy": {"type": "str"},
    "agent_config": {"type": "dict", "default": {}},
    "share_credentials": {"type": "bool"},
    "share_profile": {"type": "str"},
    "credentials_file": {"type": "str"},
    "verify": {"type": "bool", "default": True},
    "verify_timeout": {"type": "str", "default": "3m"},
    "owned_by": {"type": "str", "default": "default"},
}
"""Without those of the AWS connection, to which ``region`` belongs."""

_PROFILE = "Profile"
_SHARES = {"share_credentials": "ShareCreds", "share_profile": "ShareProfile"}


def rules(options: Mapping[str, Any], host: str) -> Rules:
    """Return the rules that the options stand for.

    :param options: validated against ``ARGUMENT_SPEC``, with the Region of the connection as ``region``.
    :param host: the host's name in the inventory.
    :raises InputError: with the option, the rule and the remedy.
    """
    present = options["state"] == "present"
    low, high = MINUTES
    if not low <= options["expires_in"] <= high:
        raise InputError(f"expires_in: {options['expires_in']} is no number of minutes from {low} to {high}.")
    settings = _settings(options)
    return Rules(
        region=_region(options.get("region") or ""),
        name=_name(options.get("name") or host),
        iam_role=_role(options.get("iam_role") or "", present),
        tags=_tags(options["tags"] or {}),
        expires_in=timedelta(minutes=options["expires_in"]),
        present=present,
        force=options["force"],
        environment=_environment(options, present),
        settings=settings,
        shared=(options["credentials_file"], _profile(settings)) if options.get("credentials_file") else ("", ""),
        verify=options["verify"],
        verify_timeout=duration(options["verify_timeout"], "verify_timeout"),
        owned_by=names.owner(options["owned_by"]),
    )


def leaver(options: Mapping[str, Any]) -> Rules:
    """Return the rules of a host that leaves without being asked.

    :param options: ``name``, ``owned_by``, and the Region of the connection as ``region``.
    :raises InputError: as ``rules``.
    """
    return Rules(
        region=_region(options.get("region") or ""),
        name=_name(options["name"]),
        present=False,
        owned_by=names.owner(options["owned_by"]),
    )


def _region(region: str) -> str:
    if not re.fullmatch(r"[a-z]{2,}(-[a-z]+)+-\d+", region):
        raise InputError(f"region: {region!r} is no Region. Name the one that the host is to be a node of, such as eu-west-1.")
    return region


def _name(name: str) -> str:
    if not 1 <= len(name) <= 256 or not re.fullmatch(r"[\w .:/=+\-@]+", name):
        raise InputError(
            f"name: {name!r} cannot be the name of a node: at most 256 letters, digits, spaces and any of _.:/=+-@ are allowed."
        )
    return name


def _role(role: str, present: bool) -> str:
    """CreateActivation takes the name of a role, with its path in front and without the slash that the path begins with."""
    if not role and not present:
        return ""
    plain = role[1:] if role.startswith("/") else role
    if plain.startswith("arn:"):
        raise InputError(f"iam_role: {role} is an ARN. Give the role's name, with its path in front where it has one: service-role/NAME.")
    if not re.fullmatch(r"([\x21-\x2e\x30-\x7e]+/)*[\w+=,.@-]{1,64}", plain, re.ASCII) or len(plain) > 64:
        raise InputError(
            f"iam_role: {role!r} is no name of a role, with its path in front where it has one, as in SSMServiceRole or "
            "service-role/SSMServiceRole. Systems Manager takes 64 characters at most, path included."
        )
    return plain


def _tags(tags: Mapping[str, Any]) -> Dict[str, str]:
    found = names.tags(tags, "tags")
    if len(found) > names.TAGS_PER_OBJECT - 2:
        raise InputError(f"tags: {len(found)} are too many. A node has {names.TAGS_PER_OBJECT} at most, and two are this collection's own.")
    return found


def _environment(options: Mapping[str, Any], present: bool) -> Dict[str, Optional[str]]:
    found: Dict[str, Optional[str]] = {}
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        value = options.get(name)
        if value is None:
            continue
        is_address = name == "no_proxy" or re.fullmatch(r"(https?|socks5h?)://[^\s/]+/?", value)
        if re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", value) or (value and not is_address):
            raise InputError(f"{name}: not {'a list of hosts' if name == 'no_proxy' else 'the address of a proxy'}. {_PROXY[name]}")
        found[name] = value or None
    path = options.get("credentials_file")
    if path is not None:
        if path and (not path.startswith("/") or path.endswith("/") or re.search(r"[\x00-\x1f\x7f\ud800-\udfff]|//|(^|/)\.\.?(/|$)", path)):
            raise InputError(
                f"credentials_file: {path!r} is no absolute path. Write it in full, without '~', '.', '..' and a slash at the end."
            )
        found[SHARED_FILE] = path or None
    return found if present else {}


_PROXY = {
    "http_proxy": "Write it as http://host:port.",
    "https_proxy": "Write it as http://host:port.",
    "no_proxy": "Write names or addresses with commas, on one line.",
}


def _settings(options: Mapping[str, Any]) -> Dict[str, Any]:
    settings = _plain(options["agent_config"] or {})
    shares = {key: options[option] for option, key in _SHARES.items() if options.get(option) is not None}
    profile = settings.get(_PROFILE, {})
    if shares and not isinstance(profile, dict):
        raise InputError(f"agent_config: {_PROFILE} must be a mapping.")
    for option, key in _SHARES.items():
        if key in shares and key in profile and profile[key] != shares[key]:
            raise InputError(f"agent_config: {_PROFILE}.{key} is not what {option} says. Leave one of them out.")
    if not re.fullmatch(r"[A-Za-z0-9_.@+=/-]{0,128}", str(shares.get("ShareProfile", ""))):
        raise InputError(
            f"share_profile: {shares['ShareProfile']!r} cannot be the name of a profile. Use letters, digits and _ . @ + = / -"
        )
    return dict(settings, **{_PROFILE: {**profile, **shares}}) if shares else settings


def _profile(settings: Mapping[str, Any]) -> str:
    """Return the profile that the agent shares its credentials in, whichever option names it."""
    found = settings.get(_PROFILE)
    return str(found.get("ShareProfile") or "default") if isinstance(found, dict) else "default"


def _plain(config: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a configuration free of a caller's own types."""
    try:
        found: Dict[str, Any] = json.loads(json.dumps(config, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"agent_config cannot be written as JSON: {error}.") from None
    return found
