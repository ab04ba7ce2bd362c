# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The access keys of one IAM user: what is called, and nothing about when.

Calls: iam GetUser, ListAccessKeys, GetAccessKeyLastUsed, GetLoginProfile, ListGroupsForUser, CreateAccessKey, UpdateAccessKey,
DeleteAccessKey, TagUser, UntagUser.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Mapping, Optional, Set, Tuple

from .._model.access_key import Key, User
from .._model.errors import Outdated
from .._model.tags import OWNER_TAG, RETIRED_TAG
from .session import CLIENT_CONFIG, NOT_YET_VISIBLE, VISIBLE_SECONDS, Retry, error_code, not_now

with suppress(ImportError):  # the plugin says so before anything is called
    from botocore import exceptions as boto

LIMIT_SECONDS = 120
_GAP = 5
_NOT_SENT = (
    "EndpointConnectionError",
    "ConnectTimeoutError",
    "ProxyConnectionError",
    "NoCredentialsError",
    "ParamValidationError",
)


class NoKey(Exception):
    """No new key came of it. Nothing was deleted."""


class AccessKeys:
    """The keys of a user.

    :param client: makes a boto3 client of a service, with the caller's options: ``client("iam", **more)``.
    :param options: the caller's ``aws_config``, which a client of our own must not let override its retries.
    :param pause: sleeps so many seconds; raises when the run is to end.
    """

    def __init__(self, client: Callable[..., Any], user: str, options: Optional[Mapping[str, Any]], pause: Callable[[float], None]) -> None:
        self._client = client
        self._iam = client("iam", config=CLIENT_CONFIG)
        self._user = user
        self._options = dict(options or {})
        self._pause = pause
        self._made: Set[str] = set()
        self._deleted: Set[str] = set()
        self._stale: Set[str] = set()
        """Keys that are gone and whose tags are still there: a run ended between the two."""
        self._heard_at = time.monotonic()
        self._date = datetime.now(timezone.utc)

    @property
    def now(self) -> datetime:
        """The date of AWS's latest answer and the time since; the controller's clock until there is one, or where it has no date."""
        return self._date + timedelta(seconds=time.monotonic() - self._heard_at)

    def user(self) -> Tuple[Optional[User], Mapping[str, datetime]]:
        """Return the user and the retirement times in its tags; ``None`` for a user that is not there."""
        try:
            found = self._heard(self._iam.get_user(UserName=self._user))["User"]
        except boto.ClientError as error:
            self._heard(error.response)
            if error_code(error) != "NoSuchEntity":
                raise
            return None, {}
        tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags") or []}
        retired = {name[len(RETIRED_TAG) :]: _moment(value) for name, value in tags.items() if name.startswith(RETIRED_TAG)}
        return User(self._user, found["Arn"], tags.get(OWNER_TAG, "")), retired

    def listed(self) -> Optional[Tuple[Key, ...]]:
        """Return the user's keys, without their last uses and retirement; ``None`` for a user that is not there."""
        listed = []
        try:
            for page in self._iam.get_paginator("list_access_keys").paginate(UserName=self._user):
                listed += self._heard(page)["AccessKeyMetadata"]
        except boto.ClientError as error:
            self._heard(error.response)
            if error_code(error) != "NoSuchEntity":
                raise
            return None
        return tuple(Key(entry["AccessKeyId"], entry["Status"] == "Active", entry["CreateDate"]) for entry in listed)

    def tagged(self, keys: Tuple[Key, ...], retired: Mapping[str, datetime]) -> Tuple[Key, ...]:
        """Return keys with their retirement, as the user's tags say it."""
        if retired:
            self._stale = set(retired) - {key.id for key in keys}
        return tuple(replace(key, tagged=retired.get(key.id)) for key in keys)

    def keys(self, retired: Mapping[str, datetime]) -> Tuple[Key, ...]:
        """Return the keys of a user that is there, without their last uses.

        :raises Outdated: when IAM knows no such user here yet. Taken for a user without keys, somebody's key would pass for a new one.
        """
        found = self.listed()
        if found is None:
            raise Outdated(f"IAM lists no keys of user {self._user}, since it does not know the user, or not everywhere yet. Run again.")
        return self.tagged(found, retired)

    def with_use(self, key: Key) -> Key:
        """Return a key with its last use. AWS reports it up to four hours late."""
        try:
            used = self._heard(self._iam.get_access_key_last_used(AccessKeyId=key.id))["AccessKeyLastUsed"]
        except boto.ClientError as error:
            if error_code(error) != "NoSuchEntity":
                raise
            return key  # listed, and not known there yet, or no more
        service, region = (used.get(name, "") if used.get(name) != "N/A" else "" for name in ("ServiceName", "Region"))
        return replace(key, used=used.get("LastUsedDate"), used_service=service, used_region=region)

    def holder(self, key_id: str) -> str:
        """Return the name of the user of this account whose key it is, empty where AWS doesn't say."""
        try:
            return str(self._iam.get_access_key_last_used(AccessKeyId=key_id).get("UserName", ""))
        except boto.ClientError as error:
            if error_code(error) not in ("NoSuchEntity", "AccessDenied", "ValidationError", "InvalidParameterValue"):
                raise
            return ""
        except boto.ParamValidationError:  # a word that stands where an id should: nobody's
            return ""

    def with_rights(self, user: User) -> User:
        """Return the user with its groups, and whether it has a console password."""
        groups = [
            entry["GroupName"]
            for page in self._iam.get_paginator("list_groups_for_user").paginate(UserName=self._user)
            for entry in page["Groups"]
        ]
        try:
            self._iam.get_login_profile(UserName=self._user)
            password = True
        except boto.ClientError as error:
            if error_code(error) != "NoSuchEntity":
                raise
            password = False
        return replace(user, groups=tuple(groups), console_password=password)

    def create(self) -> Tuple[Key, str]:
        """Return a new key and its secret, which AWS says this once.

        One attempt: a repeated call whose first answer was lost would leave a key that nobody holds.

        :raises NoKey: with what to do, when there is none or it is not known whether there is.
        """
        iam = self._client("iam", aws_config=dict(self._options, retries={"mode": "standard", "total_max_attempts": 1}))
        for waited in range(0, LIMIT_SECONDS + 1, _GAP):
            unread = ""
            try:
                made = self._heard(iam.create_access_key(UserName=self._user))["AccessKey"]
                key = Key(made["AccessKeyId"], True, made.get("CreateDate") or self.now), made["SecretAccessKey"]
            except boto.ClientError as error:
                self._raise_unless_stale(error, waited)
            except boto.BotoCoreError as error:
                raise NoKey(_lost(self._user, error)) from error
            except Exception as error:  # noqa: BLE001  (an unreadable answer is quoted in the error's text, and holds the secret)
                unread = type(error).__name__
            else:
                self._made.add(key[0].id)
                return key
            if unread:
                raise NoKey(_lost(self._user, unread))  # outside of the handler, so that no traceback leads to that text
            self._pause(_GAP)
        raise AssertionError("the last round raises")

    def _raise_unless_stale(self, error: Any, waited: int) -> None:
        if not_now(error) and waited < LIMIT_SECONDS:
            return
        if error_code(error) != "LimitExceeded":
            if not not_now(error) and error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
                raise NoKey(_lost(self._user, error)) from error
            raise error
        listed = [key.id for key in self.keys({}) if key.id not in self._deleted]
        if len(listed) >= 2 or waited >= LIMIT_SECONDS:
            held = f"it has {', '.join(listed) or 'none by its list'}"
            # Another run was faster; it may be handing its key to the same host.
            raised = Outdated if len(listed) >= 2 else NoKey
            raise raised(
                f"AWS says that user {self._user} has as many access keys as it may ({held}). Nothing was deleted; run again."
            ) from error

    def retire(self, key_id: str) -> None:
        """Write down when, then deactivate: a key that is Inactive and not tagged would look like somebody else's doing."""
        self.tag(key_id)
        self._heard(self._iam.update_access_key(UserName=self._user, AccessKeyId=key_id, Status="Inactive"))
        self._untag(self._stale)

    def tag(self, key_id: str) -> None:
        """Write down that the key is retired as of now."""
        tag = {"Key": RETIRED_TAG + key_id, "Value": self.now.strftime("%Y-%m-%dT%H:%M:%SZ")}
        self._heard(self._iam.tag_user(UserName=self._user, Tags=[tag]))

    def delete(self, key_id: str, tagged: bool = False) -> None:
        """Delete a key, and its tag; one that is gone already is as good. One that this run made is not believed to be gone at once."""
        passing = NOT_YET_VISIBLE if key_id in self._made else frozenset()
        try:
            self._heard(Retry(VISIBLE_SECONDS)(self._iam.delete_access_key, {"UserName": self._user, "AccessKeyId": key_id}, passing))
        except boto.ClientError as error:
            if error_code(error) != "NoSuchEntity":
                raise
        self._deleted.add(key_id)
        self._untag({*self._stale, key_id} if tagged else self._stale)

    def _untag(self, key_ids: Set[str]) -> None:
        """Take the tags of keys that are gone off the user, which may have fifty."""
        if key_ids:
            self._heard(self._iam.untag_user(UserName=self._user, TagKeys=[RETIRED_TAG + key_id for key_id in sorted(key_ids)]))
            self._stale = set()

    def _heard(self, answer: Any) -> Any:
        date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if date:
            self._date, self._heard_at = parsedate_to_datetime(date).astimezone(timezone.utc), time.monotonic()
        return answer


def _lost(user: str, error: object) -> str:
    if type(error).__name__ in _NOT_SENT:
        return f"CreateAccessKey for user {user} was not sent: {error}"
    return (
        f"AWS's answer to CreateAccessKey for user {user} was lost ({error}): whether a key was made is not known, "
        "and nothing was deleted. Run again later: a key that nobody holds is found by its age and then deleted."
    )


def _moment(text: str) -> datetime:
    """Return a tag's time; an unreadable one counts as now, so that the grace starts again rather than ends."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return datetime.now(timezone.utc)
