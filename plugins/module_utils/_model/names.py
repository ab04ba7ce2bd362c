# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IAM's rules for names, paths, tags, descriptions and ARNs, checked before the first call.

The limits are those of the IAM API reference and of "IAM and AWS STS quotas" in the IAM user guide.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, Mapping, Optional

from .errors import InputError
from .tags import TAG_PREFIX

NAME_LIMITS = {"managed policy": 128, "role": 64, "user": 64, "instance profile": 128, "inline policy": 128}
SESSION_SECONDS = (3600, 43200)
TAGS_PER_OBJECT = 50

_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
_PATH = re.compile(r"/(?:[\x21-\x7e]+/)?", re.ASCII)
_POLICY_PATH = re.compile(r"(?:/[A-Za-z0-9.,+@=_-]+)*/")
_TAG = re.compile(r"[\w .:/=+\-@]*")
_DESCRIPTION = re.compile(r"[\t\n\r\x20-\x7e\xa1-\xff]*")
_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):iam::(?P<account>aws|\d{12}):policy(?P<path>/(?:[\x21-\x7e]+/)?)(?P<name>[\w+=,.@-]+)", re.ASCII
)


def name(kind: str, value: Any, entry: str) -> str:
    """Return ``value`` when it is a valid name of ``kind``.

    :raises InputError: naming ``entry`` and the rule.
    """
    limit = NAME_LIMITS[kind]
    if not isinstance(value, str) or not _NAME.fullmatch(value) or len(value) > limit:
        raise InputError(
            f"{entry}: {_show(value)} is not a valid {kind} name: 1 to {limit} letters, digits and any of _+=,.@- are allowed."
        )
    return value


def path(kind: str, value: str, entry: str) -> str:
    """Return ``value`` when it is a valid path of ``kind``; a managed policy's rule is stricter than the others'."""
    rule = _POLICY_PATH if kind == "managed policy" else _PATH
    if not rule.fullmatch(value) or len(value) > 512:
        raise InputError(
            f"{entry}: the path {_show(value)} is not valid: it begins and ends with /, as in /hybridops/, and has at most 512 characters."
        )
    return value


def description(value: str, entry: str) -> str:
    """Return ``value`` when IAM can store it: at most 1,000 characters of Latin-1."""
    if not _DESCRIPTION.fullmatch(value) or len(value) > 1000:
        raise InputError(
            f"{entry}: the description must have at most 1,000 characters, all of them Latin-1 (no typographic dashes or quotes, no emoji)."
        )
    return value


def session_duration(value: int, entry: str) -> int:
    """Return ``value`` (seconds) when a role may have it."""
    low, high = SESSION_SECONDS
    if not low <= value <= high:
        raise InputError(f"{entry}: max_session_duration={value} is out of range: {low} to {high} seconds.")
    return value


def tags(value: Mapping[str, Any], entry: str) -> Dict[str, str]:
    """Return ``value`` with text values when IAM can store it as the tags of one object."""
    if len(value) > TAGS_PER_OBJECT:
        raise InputError(f"{entry}: {len(value)} tags are more than the {TAGS_PER_OBJECT} that IAM stores.")
    unique([str(key) for key in value], "tag key", entry)
    result = {}
    for key, content in value.items():
        if content is None:
            raise InputError(f"{entry}: the tag {_show(key)} has no value. Write an empty text for an empty one.")
        key, content = str(key), str(content)
        if key.lower().startswith("aws:"):
            raise InputError(f"{entry}: the tag key {_show(key)} begins with aws:, which is reserved for AWS. Choose another key.")
        if key.lower().startswith(TAG_PREFIX):
            raise InputError(f"{entry}: the tag key {_show(key)} is kept by this collection; use the option owned_by to name the owner.")
        if not 1 <= len(key) <= 128 or not _TAG.fullmatch(key):
            raise InputError(
                f"{entry}: the tag key {_show(key)} is not valid: 1 to 128 letters, digits, spaces and any of _.:/=+-@ are allowed."
            )
        if len(content) > 256 or not _TAG.fullmatch(content):
            raise InputError(
                f"{entry}: the value of the tag {_show(key)} is not valid: at most 256 letters, digits, spaces and any of _.:/=+-@ are "
                "allowed."
            )
        result[key] = content
    return result


def owner(value: str) -> str:
    """Return ``value`` when it can say whose an object is: it becomes the value of a tag."""
    return tags({"owner": value}, "owned_by")["owner"]


def unique(values: Iterable[str], kind: str, entry: str) -> None:
    """Refuse values that differ in nothing but letter case: IAM takes them for the same."""
    seen: Dict[str, str] = {}
    for value in values:
        other = seen.get(value.lower())
        if other is not None:
            same = "twice" if other == value else f"besides {_show(other)}, and IAM ignores letter case"
            raise InputError(f"{entry}: the {kind} {_show(value)} is given {same}. Give it once.")
        seen[value.lower()] = value


def policy_arn(value: str, entry: str) -> Dict[str, str]:
    """Return partition, account, path and name of a managed policy's ARN."""
    match = _ARN.fullmatch(value)
    if not match:
        raise InputError(
            f"{entry}: {_show(value)} is not the ARN of a managed policy, which reads "
            "arn:PARTITION:iam::ACCOUNT:policy/NAME with the account aws for AWS managed policies."
        )
    return match.groupdict()


def _show(value: Any, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def optional(check: Any, value: Optional[Any], *where: str) -> Any:
    """Apply ``check`` unless the option was left out."""
    return None if value is None else check(value, *where)
