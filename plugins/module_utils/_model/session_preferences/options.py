# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task asks of session preferences, checked before the first call.

Names and types of the inputs are those of "Session document schema" in the Systems Manager user guide: durations are texts, switches are
real booleans (SSM Agent cannot read a document in which ``cloudWatchStreamingEnabled`` is text).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple

from ..catalogue.preset import bucket_arn, key_arn, objects_arn
from ..context import Context
from ..errors import InputError
from ..names import owner

ENTRY = "session preferences"
TIERS = ("standard", "advanced")
RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""What "PutRetentionPolicy" of CloudWatch Logs takes."""

_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,128}")
_RESERVED = ("aws", "amazon", "amzn")
_LOG_GROUP = re.compile(r"[A-Za-z0-9_./#-]{1,512}")
_KEY_FORMS = re.compile(
    r"(mrk-)?[0-9a-f][0-9a-f-]{31,35}|alias/[A-Za-z0-9/_-]+|arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:(key/[A-Za-z0-9-]+|alias/[A-Za-z0-9/_-]+)"
)
_MINUTES = {"idle_timeout": (1, 60), "max_duration": (1, 1440)}
_TEXTS = {
    "s3_bucket": "s3BucketName",
    "s3_prefix": "s3KeyPrefix",
    "log_group": "cloudWatchLogGroupName",
    "kms_key": "kmsKeyId",
    "run_as_user": "runAsDefaultUser",
}
_SWITCHES = {
    "s3_encrypted": "s3EncryptionEnabled",
    "log_group_encrypted": "cloudWatchEncryptionEnabled",
    "log_streaming": "cloudWatchStreamingEnabled",
    "run_as": "runAsEnabled",
}
_DURATIONS = {"idle_timeout": "idleSessionTimeout", "max_duration": "maxSessionDuration"}
_PROFILES = {"shell_profile_linux": "linux", "shell_profile_windows": "windows"}
_NEED = {"s3_prefix": "s3_bucket", "s3_encrypted": "s3_bucket", "log_group_encrypted": "log_group", "log_streaming": "log_group"}
"""What says nothing without something else."""


@dataclass(frozen=True)
class Wanted:
    """What the task asked for."""

    name: str
    present: bool = True
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """Only the inputs that were given, by their names in the document and as they stand there."""
    description: Optional[str] = None
    """``None`` when left out."""
    allow_weaker: bool = False
    verify: bool = True
    create: bool = False
    cross_account: bool = False
    """The bucket is another account's."""
    bucket_key: str = ""
    """ARN of the KMS key of the bucket; empty for a key of S3 itself."""
    group_key: str = ""
    retention: Optional[int] = None
    """Days that a log group which is made keeps its events; ``None`` for ever."""
    tier: str = ""
    """``look``, one of ``TIERS``, or empty for not asked."""
    owned_by: str = "default"
    delete_unowned: bool = False


def wanted(options: Mapping[str, Any]) -> Wanted:
    """Return what the module's options ask for.

    :raises InputError: naming the option and the remedy.
    """
    name = options["name"]
    if not _NAME.fullmatch(name) or name.lower().startswith(_RESERVED):
        raise InputError(
            f"{ENTRY}: {name!r} is no name of a document of yours: 3 to 128 letters, digits and any of _.- are allowed, and it must not "
            "begin with aws, amazon or amzn."
        )
    if not options["owned_by"].strip():
        raise InputError(f"{ENTRY}: owned_by must not be empty: without a tag, what others made would pass for this owner's.")
    given = {option: options[option] for option in (*_TEXTS, *_SWITCHES, *_DURATIONS, *_PROFILES) if options.get(option) is not None}
    given = {option: value.strip() if option in _TEXTS else value for option, value in given.items()}
    _check_targets(given)
    _check_contradictions(given)
    for option in ("s3_kms_key_arn", "log_group_kms_key_arn"):
        if options[option]:
            key_arn(options[option], Context.placeholder(), f"{ENTRY}: {option}")
    retention = options["log_group_retention"]
    if retention is not None and retention not in RETENTION_DAYS:
        days = ", ".join(map(str, RETENTION_DAYS))
        raise InputError(f"{ENTRY}: log_group_retention: CloudWatch Logs keeps events for {days} days, and not for {retention}.")
    return Wanted(
        name=name,
        present=options["state"] == "present",
        inputs=_inputs(given),
        description=options["description"],
        allow_weaker=options["allow_weaker"],
        verify=options["verify"],
        create=options["create"],
        cross_account=options["s3_cross_account"],
        bucket_key=options["s3_kms_key_arn"] or "",
        group_key=options["log_group_kms_key_arn"] or "",
        retention=retention,
        tier=options["activation_tier"] or "",
        owned_by=owner(options["owned_by"]),
        delete_unowned=options["delete_unowned"],
    )


def _check_targets(given: Mapping[str, Any]) -> None:
    """The bucket and its prefix are judged by the rules of the node's policy, so that both can name them."""
    where = f"{ENTRY}: s3_bucket"
    if given.get("s3_bucket"):
        bucket_arn(given["s3_bucket"], Context.placeholder(), where)
    if given.get("s3_prefix"):
        objects_arn("", given["s3_prefix"], f"{ENTRY}: s3_prefix")
    group = given.get("log_group")
    if group and not _LOG_GROUP.fullmatch(group):
        raise InputError(
            f"{ENTRY}: log_group: {group!r} is no name of one log group. Session Manager writes to a group of this account and Region: "
            "give its name, without wildcards, not its ARN."
        )
    key = given.get("kms_key")
    if key and not _KEY_FORMS.fullmatch(key):
        raise InputError(f"{ENTRY}: kms_key: {key!r} is no KMS key. Give its id, its ARN, alias/NAME, or the ARN of an alias.")
    user = given.get("run_as_user")
    if user and re.search(r"[\s:/]|^-", user):
        raise InputError(f"{ENTRY}: run_as_user: {user!r} is no name of an operating system's user.")
    for option, (low, high) in _MINUTES.items():
        minutes = given.get(option)
        unlimited = option == "max_duration" and minutes == 0
        if minutes is not None and not unlimited and not low <= minutes <= high:
            no_limit = "; 0 is no limit" if option == "max_duration" else ""
            raise InputError(f"{ENTRY}: {option}: {minutes} is out of range: {low} to {high} minutes{no_limit}.")


def _check_contradictions(given: Mapping[str, Any]) -> None:
    for option, needed in _NEED.items():
        if given.get(option) and given.get(needed) == "":
            raise InputError(f"{ENTRY}: {option} needs {needed}, which is empty here. Name one, or leave {option} out.")
    if given.get("run_as_user") and given.get("run_as") is False:
        raise InputError(f"{ENTRY}: run_as_user names a user while run_as is false, so no session would use it. Leave one of them out.")


def _inputs(given: Mapping[str, Any]) -> Dict[str, Any]:
    inputs = {name: given[option] for option, name in {**_TEXTS, **_SWITCHES}.items() if option in given}
    if "s3KeyPrefix" in inputs:
        inputs["s3KeyPrefix"] = inputs["s3KeyPrefix"].strip("/")
    inputs.update({name: str(given[option] or "") for option, name in _DURATIONS.items() if option in given})
    profiles = {system: given[option] for option, system in _PROFILES.items() if option in given}
    return {**inputs, "shellProfile": profiles} if profiles else inputs


def option_of(name: str) -> str:
    """Return the option that sets an input of the document, for messages."""
    by_input: Tuple[Mapping[str, str], ...] = (_TEXTS, _SWITCHES, _DURATIONS)
    return next((option for options in by_input for option, other in options.items() if other == name), name)
