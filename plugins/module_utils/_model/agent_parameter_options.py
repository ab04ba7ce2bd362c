# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of ``agent_config_parameter``, as a person writes them, to the rules of a decision and of a lease."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Dict, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from . import names
from .agent_parameter import PREFIX, SECURE, STRING, Rules, text_of, tier_for
from .errors import InputError
from .key_options import absolute
from .user_name import check_user_name

ARGUMENT_SPEC: Dict[str, Dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "config": {"type": "raw"},
    "type": {"type": "str", "choices": [STRING, SECURE]},
    "kms_key_id": {"type": "str", "no_log": False},
    "tier": {"type": "str", "default": "auto", "choices": ["auto", "standard", "advanced"]},
    "description": {"type": "str"},
    "tags": {"type": "dict", "default": {}},
    "parameter_prefixes": {"type": "list", "elements": "str", "default": [PREFIX]},
    "owned_by": {"type": "str", "default": "default"},
    "adopt": {"type": "bool", "default": False},
    "delete_unowned": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 120},
    "lease": {
        "type": "dict",
        "options": {
            "via": {"type": "str", "choices": ["assume_role", "instance", "user", "none"]},
            "role": {"type": "str"},
            "external_id": {"type": "str"},
            "user": {"type": "str"},
            "minutes": {"type": "int", "default": 15},
            "take_over": {"type": "bool", "default": False},
            "instance_id": {"type": "str"},
            "instance_profile": {"type": "str"},
            "metadata_endpoint": {"type": "str", "default": "http://169.254.169.254"},
            "ssm_endpoint": {"type": "str"},
            "sink": {
                "type": "dict",
                "options": {"file": {"type": "path"}, "vault_file": {"type": "path"}, "vault_id": {"type": "str"}},
            },
        },
    },
}
"""Without those of the AWS connection."""

SESSION_SECONDS = 900
"""How long a session of the role lives: the shortest that AWS gives."""
_MINUTES = (2, 60)
_ROLE_ARN = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/.+")
_INSTANCE = re.compile(r"i-([0-9a-f]{8}|[0-9a-f]{17})")


@dataclass(frozen=True)
class Sink:
    """Where a key of a lease lies while the lease lasts, besides this process's memory."""

    file: str = ""
    vault_file: str = ""
    vault_id: str = ""

    @property
    def path(self) -> str:
        return self.file or self.vault_file


@dataclass(frozen=True)
class LeaseRules:
    """How the permission to write is had."""

    via: str = "none"
    role: str = ""
    """Name or ARN."""
    external_id: str = ""
    user: str = ""
    length: timedelta = timedelta(minutes=15)
    instance_id: str = ""
    """Empty for the one that the task's host says it is."""
    instance_profile: str = ""
    metadata_endpoint: str = ""
    ssm_endpoint: str = ""
    """Empty for that of the controller's own connection."""
    sink: Optional[Sink] = None
    wait_timeout: float = 120.0

    @property
    def role_name(self) -> str:
        return self.role.rpartition("/")[2]


def rules(options: Mapping[str, Any]) -> Tuple[Rules, LeaseRules]:
    """Return what the options ask for; the configuration itself is found later.

    :param options: validated against ``ARGUMENT_SPEC``.
    :raises InputError: with the option, the rule and the remedy.
    """
    present = options["state"] == "present"
    if present == (options.get("config") is None):
        raise InputError("config: state: present needs a configuration, and state: absent takes none.")
    if options.get("kms_key_id") and options.get("type") == STRING:
        raise InputError("kms_key_id: a String is not encrypted. Set type: SecureString, or leave the key out.")
    names.tags(options["tags"] or {}, "tags")
    lease = options.get("lease") or {}
    wanted = Rules(
        name=_name(options["name"]),
        present=present,
        kind=options.get("type"),
        kms_key_id=_kms_key(options.get("kms_key_id") or ""),
        tier=options["tier"],
        description=_description(options.get("description")),
        tags={str(key): str(value) for key, value in (options["tags"] or {}).items()},
        owned_by=names.owner(options["owned_by"]),
        adopt=options["adopt"],
        delete_unowned=options["delete_unowned"],
        prefixes=tuple(options["parameter_prefixes"] or ()),
        take_over=bool(lease.get("take_over")),
    )
    return wanted, lease_rules(lease, options["wait_timeout"])


def with_config(wanted: Rules, config: Mapping[str, Any]) -> Rules:
    """Return the rules with the configuration, refused where it fits no parameter.

    :raises InputError: for one that is too large.
    """
    tier_for(text_of(config), wanted.tier)
    return replace(wanted, config=config)


def lease_rules(lease: Mapping[str, Any], wait_timeout: float) -> LeaseRules:
    """Return how the permission is had: with a role and no word of how, by assuming it.

    :raises InputError: with the option, the rule and the remedy.
    """
    via = lease.get("via") or ("assume_role" if lease.get("role") else "none")
    _refuse_misfits(via, lease)
    role = lease.get("role") or ""
    if role and not _ROLE_ARN.fullmatch(role):
        names.name("role", role, "lease.role")
    if lease.get("user"):
        check_user_name(lease["user"])
    minutes = lease.get("minutes") or 15
    if not _MINUTES[0] <= minutes <= _MINUTES[1]:
        raise InputError(f"lease.minutes: {minutes} is not between {_MINUTES[0]} and {_MINUTES[1]}. A save takes one or two.")
    instance = lease.get("instance_id") or ""
    if instance and not _INSTANCE.fullmatch(instance):
        raise InputError(f"lease.instance_id: {instance!r} is no id of an instance. Write it as i-0123456789abcdef0.")
    found = LeaseRules(
        via=via,
        role=role,
        external_id=_external_id(lease.get("external_id") or ""),
        user=lease.get("user") or "",
        length=timedelta(minutes=minutes),
        instance_id=instance,
        metadata_endpoint=_endpoint("metadata_endpoint", lease.get("metadata_endpoint") or ""),
        ssm_endpoint=_endpoint("ssm_endpoint", lease.get("ssm_endpoint") or ""),
        sink=_sink(lease.get("sink")),
        wait_timeout=float(wait_timeout),
    )
    if via != "instance":
        return found
    profile = lease.get("instance_profile") or found.role_name
    names.name("instance profile", profile, "lease.instance_profile")
    return replace(found, instance_profile=profile)


_NEEDS = {"assume_role": "role", "instance": "role", "user": "user"}
_BELONGS = {
    "role": ("assume_role", "instance"),
    "external_id": ("assume_role",),
    "user": ("user",),
    "sink": ("user",),
    "instance_id": ("instance",),
    "instance_profile": ("instance",),
    "ssm_endpoint": ("instance",),
}
"""Which options each way has."""


def _refuse_misfits(via: str, lease: Mapping[str, Any]) -> None:
    needed = _NEEDS.get(via)
    if needed and not lease.get(needed):
        raise InputError(f"lease.{needed}: via: {via} needs it. Name the {needed} that may write the parameter.")
    for option, ways in _BELONGS.items():
        if lease.get(option) and via not in ways:
            raise InputError(f"lease.{option}: it belongs to via: {' or '.join(ways)}, and this is via: {via}. Leave one of them out.")


def _name(name: str) -> str:
    if not re.fullmatch(r"/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*", name) or len(name) > 1011 or name.count("/") > 15:
        raise InputError(f"name: {name!r} is no name of a parameter. Use letters, digits and _ . - in up to 15 levels split by /")
    if "/" in name and not name.startswith("/"):
        raise InputError(f"name: {name!r} has levels, and such names begin with /. Write /{name}, or leave the levels out.")
    if re.match(r"/?(aws|ssm)", name.lower()):
        raise InputError(f"name: {name!r} begins with aws or ssm, which AWS keeps for itself. Choose another, such as {PREFIX}linux.")
    return name


def _kms_key(key: str) -> str:
    if key and not re.fullmatch(r"[A-Za-z0-9:/_-]{1,256}", key):
        raise InputError(f"kms_key_id: {key!r} is no KMS key. Give its id, its ARN, alias/NAME, or the ARN of an alias.")
    return key


def _description(text: Optional[str]) -> Optional[str]:
    if text and (len(text) > 1024 or re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text)):
        raise InputError("description: it must have at most 1,024 characters, and no control characters.")
    return text


def _external_id(text: str) -> str:
    if text and not re.fullmatch(r"[A-Za-z0-9_+=,.@:/-]{2,1224}", text):
        raise InputError(f"lease.external_id: {text!r} is none. Use 2 to 1,224 letters, digits and any of _+=,.@:/-")
    return text


def _endpoint(option: str, url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query):
        raise InputError(f"lease.{option}: {url!r} is no address. Write it as http://169.254.169.254.")
    return url.rstrip("/")


def _sink(given: Optional[Mapping[str, Any]]) -> Optional[Sink]:
    if not given or not any(given.values()):
        return None
    sink = Sink(*(given.get(name) or "" for name in ("file", "vault_file", "vault_id")))
    if bool(sink.file) == bool(sink.vault_file):
        raise InputError("lease.sink: name either a file or a vault_file, and not both.")
    absolute("lease.sink", sink.path)
    return sink
