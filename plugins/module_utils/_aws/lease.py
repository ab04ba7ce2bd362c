# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a lease leaves in AWS while it lasts: tags on instances and users, inline policies on roles and users. Nothing about when.

Calls: ec2 DescribeInstances, CreateTags, DeleteTags; iam GetRole, GetRolePolicy, PutRolePolicy, DeleteRolePolicy, GetUser, GetUserPolicy,
PutUserPolicy, DeleteUserPolicy, TagUser, UntagUser; sts AssumeRole.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, Callable, Dict, Mapping, Optional, Set, Tuple

from .._model.errors import Outdated, Refusal
from .._model.instance_association import GONE
from .._model.lease import LEASE_POLICY, LEASE_TAG
from .._model.tags import OWNER_TAG
from .session import CLIENT_CONFIG, NOT_YET_VISIBLE, VISIBLE_SECONDS, Retry, error_code

with suppress(ImportError):  # the plugin says so before anything is called
    from botocore import exceptions as boto

_DENIED = ("AccessDenied", "UnauthorizedOperation")


class NoSession(Exception):
    """There is none that can be used. The text holds no credentials."""


@dataclass(frozen=True)
class Holder:
    """A role or user, as far as a lease is concerned."""

    arn: str
    owner: str = ""
    lease: Optional[str] = None
    """The value of its tag."""


class LeaseMarks:
    """Reads and writes them.

    :param client: makes a boto3 client of a service, with the caller's options.
    """

    def __init__(self, client: Callable[..., Any]) -> None:
        self._client = client
        self._iam = client("iam", config=CLIENT_CONFIG)
        self._put: Set[Tuple[str, str]] = set()
        """Whose policies are this run's own."""
        self._heard_at = time.monotonic()
        self._date = datetime.now(timezone.utc)

    @property
    def now(self) -> datetime:
        """The date of AWS's latest answer and the time since; the controller's clock until there is one."""
        return self._date + timedelta(seconds=time.monotonic() - self._heard_at)

    # Roles and users

    def holder(self, kind: str, name: str) -> Optional[Holder]:
        """Return a role or user; ``None`` for one that is not there.

        :param kind: ``Role`` or ``User``.
        """
        call = self._iam.get_role if kind == "Role" else self._iam.get_user
        try:
            found = self._heard(call(**{f"{kind}Name": name}))[kind]
        except boto.ClientError as error:
            if error_code(error) != "NoSuchEntity":
                raise
            return None
        tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags") or []}
        return Holder(found["Arn"], tags.get(OWNER_TAG, ""), tags.get(LEASE_TAG))

    def policy(self, kind: str, name: str) -> Optional[Mapping[str, Any]]:
        """Return the inline policy of a lease; ``None`` without one, and where the caller may not look."""
        call = self._iam.get_role_policy if kind == "Role" else self._iam.get_user_policy
        try:
            document = self._heard(call(**{f"{kind}Name": name}, PolicyName=LEASE_POLICY))["PolicyDocument"]
        except boto.ClientError as error:
            if error_code(error) not in ("NoSuchEntity", *_DENIED):
                raise
            return None
        return json.loads(document) if isinstance(document, str) else document

    def put_policy(self, kind: str, name: str, document: Mapping[str, Any]) -> None:
        call = self._iam.put_role_policy if kind == "Role" else self._iam.put_user_policy
        self._on_known(call, **{f"{kind}Name": name}, PolicyName=LEASE_POLICY, PolicyDocument=json.dumps(document))
        self._put.add((kind, name))

    def delete_policy(self, kind: str, name: str) -> None:
        """Delete it; one that is gone already is as good. What this run put there is not believed to be gone at once."""
        call = self._iam.delete_role_policy if kind == "Role" else self._iam.delete_user_policy
        repeat = self._on_known if (kind, name) in self._put else self._once
        try:
            repeat(call, **{f"{kind}Name": name}, PolicyName=LEASE_POLICY)
        except boto.ClientError as error:
            if error_code(error) != "NoSuchEntity":
                raise

    def tag_user(self, name: str, value: str) -> None:
        self._on_known(self._iam.tag_user, UserName=name, Tags=[{"Key": LEASE_TAG, "Value": value}])

    def untag_user(self, name: str) -> None:
        self._on_known(self._iam.untag_user, UserName=name, TagKeys=[LEASE_TAG])

    # Instances

    @cached_property
    def ec2(self) -> Any:
        """EC2's is the largest of botocore's models: it is loaded once, and only where it is needed."""
        return self._client("ec2", config=CLIENT_CONFIG)

    def instances(self) -> Dict[str, str]:
        """Return the values of the tag by instance, of all instances of the Region that have it and are not about to be gone.

        :raises Refusal: when the caller may not look.
        """
        found = {}
        pages = self.ec2.get_paginator("describe_instances").paginate(Filters=[{"Name": "tag-key", "Values": [LEASE_TAG]}])
        try:
            for page in pages:
                for instance in (each for reservation in self._heard(page)["Reservations"] for each in reservation["Instances"]):
                    if instance["State"]["Name"] not in GONE:
                        found[instance["InstanceId"]] = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}[LEASE_TAG]
        except boto.ClientError as error:
            if error_code(error) not in _DENIED:
                raise
            raise Refusal(
                f"The caller may not see which instances have a lease, so that none could be ended safely: {error}. Allow "
                "ec2:DescribeInstances, or have an administrator run this once."
            ) from error
        return found

    def tag_instance(self, instance: str, value: str) -> None:
        self.ec2.create_tags(Resources=[instance], Tags=[{"Key": LEASE_TAG, "Value": value}])

    def untag_instance(self, instance: str) -> None:
        self.ec2.delete_tags(Resources=[instance], Tags=[{"Key": LEASE_TAG}])

    # Sessions

    def session(self, role_arn: str, policy: Mapping[str, Any], seconds: int, external_id: str) -> Dict[str, str]:
        """Return the credentials of a session of a role, as arguments of a client. They end by themselves.

        :raises Outdated: when the role does not let the caller in, or not yet.
        :raises NoSession: when the answer cannot be read. A session that it may have told of ends by itself.
        """
        more = {"ExternalId": external_id} if external_id else {}
        try:
            made = self._client("sts", config=CLIENT_CONFIG).assume_role(
                RoleArn=role_arn, RoleSessionName=LEASE_POLICY, DurationSeconds=seconds, Policy=json.dumps(policy), **more
            )["Credentials"]
            return as_arguments(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
        except boto.ClientError as error:
            if error_code(error) not in _DENIED:
                raise
            raise Outdated(
                f"Role {role_arn} does not let the caller in: {error}. It must trust the caller (role cwagent_admin: "
                "cwagent_admin_trusted_principals), and the caller be allowed sts:AssumeRole on it. A trust that was just changed takes "
                "some seconds to be known everywhere. Nothing was changed."
            ) from error
        except boto.BotoCoreError:
            raise
        except Exception as error:  # noqa: BLE001  (an unreadable answer is quoted in the error's text, and holds the credentials)
            unread = type(error).__name__
        # Outside of the handler, so that no traceback leads to that text.
        raise NoSession(f"AWS's answer to AssumeRole of {role_arn} could not be read ({unread}). Nothing was changed; run again.")

    def _on_known(self, operation: Callable[..., Any], **arguments: Any) -> None:
        """Call on what was seen a moment ago. IAM may say of it for a while that it is not there, and would be believed."""
        self._heard(Retry(VISIBLE_SECONDS)(operation, arguments, NOT_YET_VISIBLE))

    def _once(self, operation: Callable[..., Any], **arguments: Any) -> None:
        self._heard(operation(**arguments))

    def _heard(self, answer: Any) -> Any:
        date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if date:
            self._date, self._heard_at = parsedate_to_datetime(date).astimezone(timezone.utc), time.monotonic()
        return answer


def as_arguments(key_id: str, secret: str, token: Optional[str] = None) -> Dict[str, Any]:
    """Return credentials as arguments of a client, which win over the caller's own and over a profile's."""
    return {"aws_access_key_id": key_id, "aws_secret_access_key": secret, "aws_session_token": token, "profile_name": None}
