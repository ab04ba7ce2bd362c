# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of ``shared_access_key``, and of a store, as a person writes them, to the rules of a decision."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional

from .access_key import Rules
from .duration import duration
from .errors import InputError
from .key_options import STORE, absolute, sending_region
from .names import owner
from .shared_key import SharedRules, partial
from .user_name import check_user_name

ARGUMENT_SPEC: Dict[str, Dict[str, Any]] = {
    "user": {"type": "str", "required": True},
    "store": {**STORE, "required": True},
    "credentials_region": {"type": "str"},
    "rotate": {"type": "bool", "default": False},
    "rotate_after": {"type": "str"},
    "hosts": {"type": "dict"},
    "all_hosts": {"type": "bool", "default": False},
    "host_count": {"type": "int"},
    "in_use_within": {"type": "str", "default": "24h"},
    "orphan_grace": {"type": "str", "default": "15m"},
    "grace": {"type": "str", "default": "7d"},
    "verify_timeout": {"type": "str", "default": "2m"},
    "owned_by": {"type": "str", "default": "default"},
    "adopt": {"type": "bool", "default": False},
    "groups": {"type": "list", "elements": "str", "default": []},
    "replace_inactive": {"type": "bool", "default": False},
    "drop_key": {"type": "str", "no_log": False},
}
"""Without those of the AWS connection."""

READABLE = "AmazonCloudWatch-"
"""How the names of parameters begin that CloudWatchAgentServerPolicy lets every server read."""


@dataclass(frozen=True)
class Place:
    """Where the key is stored: a parameter or a file, never both."""

    parameter: str = ""
    kms_key_id: str = ""
    vault_file: str = ""
    vault_id: str = ""


def place(options: Mapping[str, Any], writes: bool) -> Place:
    """Return where the key is stored.

    :param writes: a parameter is to be written, so its key is named.
    :raises InputError: with the option, the rule and the remedy.
    """
    given = Place(**{name: options.get(name) or "" for name in ("parameter", "kms_key_id", "vault_file", "vault_id")})
    if bool(given.parameter) == bool(given.vault_file):
        raise InputError("store: name either a parameter or a vault_file, and not both.")
    if given.vault_file:
        absolute("store.vault_file", given.vault_file)
        return given
    _check_parameter(given.parameter)
    if writes and not given.kms_key_id:
        raise InputError(
            "store.kms_key_id: name the customer's KMS key that encrypts the parameter. "
            "With AWS's default key, everybody in the account who may read parameters could read this one."
        )
    check_kms_key(given.kms_key_id)
    return given


def _check_parameter(name: str) -> None:
    if not re.fullmatch(r"/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*", name) or len(name) > 1011 or name.count("/") > 15:
        raise InputError(
            f"store.parameter: {name!r} is no name of a parameter. Use letters, digits and _ . - in up to 15 levels split by /"
        )
    if re.match(r"/?(aws|ssm)", name.lower()):
        raise InputError(f"store.parameter: {name!r} begins with aws or ssm, which AWS keeps for itself. Choose another name.")
    if name.lstrip("/").lower().startswith(READABLE.lower()):
        raise InputError(
            f"store.parameter: {name!r} begins with {READABLE}, and every server with CloudWatchAgentServerPolicy may read such. "
            "Choose another name."
        )


def check_kms_key(key: str) -> None:
    """Raise for what is no key, and for one of AWS's own."""
    if key and not re.fullmatch(r"[A-Za-z0-9:/_-]{1,256}", key):
        raise InputError(f"store.kms_key_id: {key!r} is no KMS key. Give its id, its ARN, alias/NAME, or the ARN of an alias.")
    if re.search(r"(^|:)alias/aws/", key):
        raise InputError(
            f"store.kms_key_id: {key} is AWS's own key, with which everybody in the account who may read parameters can read this one. "
            "Name a customer managed key."
        )


def shared_rules(options: Mapping[str, Any], variables: Mapping[str, Any]) -> SharedRules:
    """Return the rules that the options stand for.

    :param options: validated against ``ARGUMENT_SPEC``; ``region`` is the fallback of ``credentials_region``.
    :param variables: of the play, which tell whether it was limited.
    :raises InputError: with the option, the rule and the remedy.
    """
    check_user_name(options["user"])
    hosts = _hosts(options.get("hosts"))
    if hosts is None and (options["all_hosts"] or options.get("host_count") is not None):
        raise InputError(
            "hosts: all_hosts and host_count say how many the hosts are, and there are none. Give hosts, or leave the two out."
        )
    if hosts is not None and options["rotate"]:
        raise InputError("rotate: a task with hosts ends keys and makes none. Rotate in the task before the hosts, without hosts.")
    return SharedRules(
        Rules(
            user=options["user"],
            region=sending_region(options),
            owned_by=owner(options["owned_by"]),
            adopt=options["adopt"],
            groups=tuple(options["groups"] or ()),
            rotate_after=duration(options["rotate_after"], "rotate_after") if options.get("rotate_after") else None,
            in_use_within=duration(options["in_use_within"], "in_use_within"),
            orphan_grace=duration(options["orphan_grace"], "orphan_grace"),
            grace=duration(options["grace"], "grace"),
            verify_timeout=duration(options["verify_timeout"], "verify_timeout"),
            replace_inactive=options["replace_inactive"],
            drop_key=options.get("drop_key") or "",
        ),
        rotate=options["rotate"],
        hosts=hosts,
        partial="" if hosts is None else partial(hosts, options["all_hosts"], options.get("host_count"), variables),
    )


def _hosts(given: Optional[Mapping[str, Any]]) -> Optional[Dict[str, str]]:
    if given is None:
        return None
    wrong = sorted(str(host) for host, key_id in given.items() if not (key_id is None or isinstance(key_id, str)))
    if wrong:
        raise InputError(
            f"hosts: {wrong[0]} has no key id in text. Write the id that the host was seen with, or nothing for one that was not."
        )
    return {str(host): str(key_id or "") for host, key_id in given.items()}
