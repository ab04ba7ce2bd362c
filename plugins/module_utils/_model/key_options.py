# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of ``host_access_key``, as a person writes them, to the rules of a decision."""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping

from .access_key import Rules
from .duration import duration
from .errors import InputError
from .file_options import account, mode
from .names import owner
from .user_name import check_user_name

STORE: Dict[str, Any] = {
    "type": "dict",
    "options": {
        "parameter": {"type": "str"},
        "kms_key_id": {"type": "str", "no_log": False},
        "vault_file": {"type": "path"},
        "vault_id": {"type": "str"},
    },
}
"""Where a key lies that several hosts share."""

ARGUMENT_SPEC: Dict[str, Dict[str, Any]] = {
    "user": {"type": "str", "required": True},
    "path": {"type": "str", "required": True},
    "credentials_profile": {"type": "str", "default": "AmazonCloudWatchAgent"},
    "credentials_region": {"type": "str"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "raw", "default": "0600"},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "rotate_after": {"type": "str"},
    "in_use_within": {"type": "str", "default": "24h"},
    "orphan_grace": {"type": "str", "default": "15m"},
    "grace": {"type": "str", "default": "7d"},
    "settle": {"type": "str", "default": "next_run", "choices": ["next_run", "wait", "restart"]},
    "verify_timeout": {"type": "str", "default": "2m"},
    "owned_by": {"type": "str", "default": "default"},
    "adopt": {"type": "bool", "default": False},
    "groups": {"type": "list", "elements": "str", "default": []},
    "replace_foreign": {"type": "bool", "default": False},
    "replace_inactive": {"type": "bool", "default": False},
    "drop_key": {"type": "str", "no_log": False},
    "store": STORE,
    "stored_key_id": {"type": "str", "no_log": False},
}
"""Without those of the AWS connection."""


def rules(options: Mapping[str, Any]) -> Rules:
    """Return the rules that the options stand for.

    :param options: validated against ``ARGUMENT_SPEC``; ``region`` is the fallback of ``credentials_region``.
    :raises InputError: with the option, the rule and the remedy.
    """
    check_user_name(options["user"])
    return Rules(
        user=options["user"],
        profile=_profile(options["credentials_profile"]),
        path=absolute("path", options["path"]),
        present=options["state"] == "present",
        region=sending_region(options),
        owner=account("owner", options.get("owner")),
        group=account("group", options.get("group")),
        mode=mode("mode", options["mode"]),
        owned_by=owner(options["owned_by"]),
        adopt=options["adopt"],
        groups=tuple(options["groups"] or ()),
        rotate_after=duration(options["rotate_after"], "rotate_after") if options.get("rotate_after") else None,
        in_use_within=duration(options["in_use_within"], "in_use_within"),
        orphan_grace=duration(options["orphan_grace"], "orphan_grace"),
        grace=duration(options["grace"], "grace"),
        settle=options["settle"],
        verify_timeout=duration(options["verify_timeout"], "verify_timeout"),
        replace_foreign=options["replace_foreign"],
        replace_inactive=options["replace_inactive"],
        drop_key=options.get("drop_key") or "",
    )


def _profile(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.@+=/-]{1,128}", name):
        raise InputError(f"credentials_profile: {name!r} cannot be the name of a profile. Use letters, digits and _ . @ + = / -")
    return name


def sending_region(options: Mapping[str, Any]) -> str:
    """Return the Region that the hosts send to."""
    region = options.get("credentials_region") or options.get("region") or ""
    if not re.fullmatch(r"[a-z]{2,}(-[a-z]+)+-\d+", region):
        raise InputError(f"credentials_region: {region!r} is no Region. Name the one the host sends to, such as eu-west-1.")
    return str(region)


def absolute(option: str, path: str) -> str:
    """Return a path of a file, if it is absolute and plain."""
    if not path.startswith("/") or path.endswith("/") or re.search(r"[\x00-\x1f\x7f\ud800-\udfff]|(^|/)\.\.?(/|$)", path):
        raise InputError(f"{option}: {path!r} is no absolute path of a file. Write it in full, without '~', '.' and '..'.")
    return path
