# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One SecureString parameter that holds a secret: what is called, and nothing about when.

Calls: ssm GetParameter, DescribeParameters, ListTagsForResource, PutParameter; kms DescribeKey.

No error leaves here with the parameter's value in it: botocore quotes what it cannot read, and AWS what it does not like.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Optional

from .._model.gives_away import gives_away
from .._model.tags import OWNER_TAG
from .session import error_code

with suppress(ImportError):  # the plugin says so before anything is called
    from botocore import exceptions as boto

SECURE = "SecureString"
_CONFIG = {"retries": {"mode": "standard", "total_max_attempts": 3}, "connect_timeout": 15, "read_timeout": 30}
"""A secret that only this process knows waits for the answer."""


class ParameterFailed(Exception):
    """A call did not succeed, or it is not known whether it did. The text holds no value."""


@dataclass(frozen=True)
class Value:
    """What a parameter holds."""

    text: str = field(repr=False)
    kind: str = SECURE


@dataclass(frozen=True)
class KmsKey:
    """A key of KMS, as far as it matters for who can decrypt with it."""

    arn: str
    of_aws: bool
    usable: bool


class Parameter:
    """A parameter by its name.

    :param client: makes a boto3 client of a service, with the caller's options.
    """

    def __init__(self, client: Callable[..., Any], name: str) -> None:
        self._client = client
        self._ssm = client("ssm", config=_CONFIG)
        self._name = name

    def value(self) -> Optional[Value]:
        """Return what it holds, decrypted; ``None`` when it is not there."""
        found = self._call("GetParameter", lambda: self._ssm.get_parameter(Name=self._name, WithDecryption=True)["Parameter"])
        return Value(found["Value"], found["Type"]) if found else None

    def kms_key(self) -> Optional[str]:
        """Return the KMS key it is encrypted with, as whoever wrote it named it; ``None`` where the list has not got it yet."""
        filters = [{"Key": "Name", "Option": "Equals", "Values": [self._name]}]
        pages = self._ssm.get_paginator("describe_parameters").paginate(ParameterFilters=filters)
        return next((str(entry.get("KeyId") or "") for page in pages for entry in page["Parameters"]), None)

    def owner(self) -> str:
        """Return the value of its ownership tag, empty without one."""
        tags = self._ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=self._name)["TagList"]
        return next((str(tag["Value"]) for tag in tags if tag["Key"] == OWNER_TAG), "")

    def put(self, text: str, kms_key_id: str, owner: str, exists: bool) -> None:
        """Write a value; whoever made the parameter meanwhile is not overwritten where ``exists`` is false.

        :param owner: ownership tag of a parameter that is made.
        """
        more: Dict[str, Any] = {"Overwrite": True} if exists else {"Tags": [{"Key": OWNER_TAG, "Value": owner}]}
        self._call(
            "PutParameter",
            lambda: self._ssm.put_parameter(Name=self._name, Value=text, Type=SECURE, KeyId=kms_key_id, **more),
            (text,),
        )

    def describe_key(self, kms_key_id: str) -> Optional[KmsKey]:
        """Return a KMS key; ``None`` for one that is not there."""
        try:
            found = self._client("kms", config=_CONFIG).describe_key(KeyId=kms_key_id)["KeyMetadata"]
        except boto.ClientError as error:
            if error_code(error) not in ("NotFound", "InvalidArn"):
                raise
            return None
        usable = found.get("KeyState") == "Enabled" and found.get("KeySpec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT"
        return KmsKey(found["Arn"], found.get("KeyManager") == "AWS", usable)

    def _call(self, operation: str, call: Callable[[], Any], secrets: Any = ()) -> Any:
        failed = ""
        try:
            return call()
        except boto.ClientError as error:
            if error_code(error) == "ParameterNotFound" and operation == "GetParameter":
                return None
            failed = said(error)
        except (boto.EndpointConnectionError, boto.HTTPClientError, boto.ConnectionError, boto.NoCredentialsError) as error:
            failed = str(error)
        except Exception as error:  # noqa: BLE001  (an unreadable answer is quoted in the error's text, and holds the secret)
            failed = type(error).__name__
        if any(gives_away(failed, secret) for secret in secrets):
            failed = "AWS refused the value"
        # Outside of the handler, so that no traceback leads to a text with the value in it.
        raise ParameterFailed(f"{operation} of parameter {self._name}: {failed}")


def said(error: Any) -> str:
    """Return what AWS said, where it was AWS: an answer of a gateway's, without a code, is all text, which may be that of a lost answer."""
    code = error_code(error)
    return str(error) if code and not code.isdigit() else f"HTTP status {code or 'unknown'}, and nothing else that could be understood"
