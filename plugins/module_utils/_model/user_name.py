# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of IAM users for hosts: readable, at most 64 characters, and never the same for two hosts."""

from __future__ import annotations

import hashlib
import re

from .errors import InputError

LONGEST = 64
PREFIX = "cwagent-"
_ALLOWED = r"[A-Za-z0-9_+=,.@-]"
_MARK = "+"
"""Stands before a hash, and in no name that is kept as it is."""
_DIGITS = 16


def check_user_name(name: str) -> None:
    """Raise unless IAM takes the name ("IAM and AWS STS quotas": 64 characters; letters, digits and ``_+=,.@-``).

    :raises InputError: with the rule.
    """
    if not re.fullmatch(_ALLOWED + "{1,64}", name):
        raise InputError(f"user: {name!r} is no name of an IAM user. Use 1 to 64 of: letters without accents, digits, _ + = , . @ -")


def user_name(host: str, prefix: str = PREFIX) -> str:
    """Return the name of a host's user.

    IAM takes names as equal that differ in case alone. So a host name stays as it is when it is in lower case, short enough and
    made of allowed characters; every other one becomes a readable part and a hash of the exact host name.

    :param host: the name in the inventory.
    :param prefix: put in front, at most 40 characters. Names are unique among hosts that have the same prefix.
    :raises InputError: for an empty host name, or a prefix that cannot be.
    """
    if not isinstance(host, str) or not host:
        raise InputError(f"iam_user_name: {host!r} is no host name.")
    if not re.fullmatch(_ALLOWED + "{0,40}", prefix):
        raise InputError(
            f"iam_user_name: prefix {prefix!r} cannot begin a user name. Use at most 40 of: letters without accents, digits, _ + = , . @ -"
        )
    room = LONGEST - len(prefix)
    if len(host) <= room and re.fullmatch(r"[a-z0-9_=,.@-]+", host):
        return prefix + host
    readable = re.sub(r"[^a-z0-9_=,.@-]+", "-", host.lower())[: room - _DIGITS - len(_MARK)]
    return prefix + readable + _MARK + hashlib.sha256(host.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
