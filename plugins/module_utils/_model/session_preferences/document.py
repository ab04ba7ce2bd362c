# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document that holds session preferences: what it may be, how options are laid over it, and what would make it weaker."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ..errors import InputError, Refusal
from .options import Wanted, option_of

KIND = "Session"
SCHEMA = "1.0"
TYPE = "Standard_Stream"
DESCRIPTION = "Document to hold regional settings for Session Manager"
NEW_INPUTS: Mapping[str, Any] = {
    "s3BucketName": "",
    "s3KeyPrefix": "",
    "s3EncryptionEnabled": True,
    "cloudWatchLogGroupName": "",
    "cloudWatchEncryptionEnabled": True,
    "cloudWatchStreamingEnabled": False,
    "kmsKeyId": "",
    "runAsEnabled": False,
    "runAsDefaultUser": "",
}
"""What a new document holds where the task says nothing: the sample of "Create Session Manager preferences (command line)"."""

_PROTECTIONS = {
    "s3BucketName": "logs to the bucket {s3BucketName}",
    "s3EncryptionEnabled": "the demand that the bucket {s3BucketName} is encrypted",
    "cloudWatchLogGroupName": "logs to the log group {cloudWatchLogGroupName}",
    "cloudWatchEncryptionEnabled": "the demand that the log group {cloudWatchLogGroupName} is encrypted",
    "cloudWatchStreamingEnabled": "logs while the session runs",
    "kmsKeyId": "session data encrypted with the KMS key {kmsKeyId}",
    "runAsEnabled": "sessions as a user of their own",
    "maxSessionDuration": "an end after {maxSessionDuration} minutes",
}
_NEEDS = (
    ("s3KeyPrefix", "s3BucketName"),
    ("s3EncryptionEnabled", "s3BucketName"),
    ("cloudWatchEncryptionEnabled", "cloudWatchLogGroupName"),
    ("cloudWatchStreamingEnabled", "cloudWatchLogGroupName"),
)
"""Inputs that do nothing without another one."""


@dataclass(frozen=True)
class Version:
    """One version of the document."""

    number: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Document:
    """A session document with the two versions that matter: the one that AWS's guide changes, and the one that is used by default."""

    name: str
    latest: Version
    default: Version
    owner: str = ""
    """Value of its ownership tag; empty without one, as in the one that the console makes."""
    kind: str = KIND

    @property
    def inputs(self) -> Mapping[str, Any]:
        found = self.latest.content.get("inputs")
        return found if isinstance(found, Mapping) else {}


def parse(text: str, name: str, number: str) -> Version:
    """Return a version from the text that AWS keeps.

    :raises Refusal: when it is no JSON object.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refusal(f"document {name}: version {number} is no JSON: {error}. Look at it: aws ssm get-document --name {name}.") from error
    if not isinstance(content, dict):
        raise Refusal(f"document {name}: version {number} holds no JSON object. Look at it: aws ssm get-document --name {name}.")
    return Version(number, content)


def same(one: Any, other: Any) -> bool:
    """Return whether two contents are the same, types included: ``true`` and ``"true"`` are not."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def render(content: Mapping[str, Any], spaces: int = 2) -> str:
    """Return the text to send. Texts with different ``spaces`` mean the same."""
    return json.dumps(content, indent=spaces, ensure_ascii=False)


def refuse_other_kinds(document: Document) -> None:
    """Refuse what cannot hold the preferences of a shell session.

    :raises Refusal: naming what it is.
    """
    if document.kind != KIND:
        raise Refusal(
            f"document {document.name} is of type {document.kind}, and session preferences are of type {KIND}. Choose another name."
        )
    for version in (document.latest, document.default):
        for member, needed in (("schemaVersion", SCHEMA), ("sessionType", TYPE)):
            found = version.content.get(member)
            if found != needed:
                raise Refusal(
                    f"document {document.name}: in version {version.number}, {member} is {found!r}; session preferences have {needed!r}. "
                    "It serves another purpose: choose another name."
                )
        if not isinstance(version.content.get("inputs", {}), Mapping):
            raise Refusal(f"document {document.name}: in version {version.number}, inputs is no object. Correct it by hand.")


def merged(wanted: Wanted, document: Optional[Document]) -> Dict[str, Any]:
    """Return the content that the document shall have: what was asked for, over what its newest version holds.

    :raises InputError: when an option has no effect on the merged whole, since what it needs is named nowhere.
    """
    if document is None:
        inputs = _over(NEW_INPUTS, wanted.inputs)
        content: Dict[str, Any] = {"schemaVersion": SCHEMA, "description": wanted.description or DESCRIPTION, "sessionType": TYPE}
    else:
        inputs = _over(document.inputs, wanted.inputs)
        content = dict(document.latest.content)
        if wanted.description is not None:
            content["description"] = wanted.description
    _refuse_idle(wanted, inputs)
    return {**content, "inputs": inputs}


def _over(base: Mapping[str, Any], given: Mapping[str, Any]) -> Dict[str, Any]:
    result = {**base, **given}
    profile = given.get("shellProfile")
    if profile:
        before = base.get("shellProfile")
        result["shellProfile"] = {**(before if isinstance(before, Mapping) else {}), **profile}
    return result


def _refuse_idle(wanted: Wanted, inputs: Mapping[str, Any]) -> None:
    for name, needed in _NEEDS:
        if wanted.inputs.get(name) and not inputs.get(needed):
            option, other = option_of(name), option_of(needed)
            raise InputError(
                f"session preferences: {option} needs {other}, which neither the task nor the document {wanted.name} names. Give {other}, "
                f"or leave {option} out."
            )


def on(value: Any) -> bool:
    """Return whether an input is set. SSM Agent takes the texts ``true`` and ``false`` for most switches too; ``{{parameter}}`` is set."""
    return value.strip().lower() not in ("", "false") if isinstance(value, str) else bool(value)


def weaknesses(before: Mapping[str, Any], after: Mapping[str, Any]) -> List[str]:
    """Return in words the protections that ``before`` has and ``after`` lacks. Both are inputs of a document."""
    needs = dict(_NEEDS)
    return [
        f"{words.format(**before)} ({option_of(name)})"
        for name, words in _PROTECTIONS.items()
        if on(before.get(name)) and not on(after.get(name)) and (name not in needs or on(before.get(needs[name])))
    ]


def refuse_weaker(wanted: Wanted, document: Document, after: Mapping[str, Any]) -> None:
    """Refuse a change that takes a protection away, unless the task allows it.

    Both versions count: which one a session follows is for AWS to say, and neither may become weaker unnoticed.

    :param after: the inputs that the document shall have; none when it is deleted.
    :raises Refusal: naming each.
    """
    if wanted.allow_weaker:
        return
    lost: Dict[str, Tuple[str, ...]] = {}
    for version in (document.default, document.latest):
        for words in weaknesses(version.content.get("inputs") or {}, after):
            lost[words] = (*lost.get(words, ()), version.number)
    if lost:
        each = "; ".join(f"{words}, in version {' and '.join(dict.fromkeys(numbers))}" for words, numbers in lost.items())
        what = "this" if wanted.present else "deleting it"
        raise Refusal(f"document {document.name}: {what} would end {each}. Nothing was changed. Set allow_weaker: true if that is meant.")
