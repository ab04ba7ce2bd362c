# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads and changes the users of hosts that leave.

Calls besides those of ``identities``: sts GetCallerIdentity, iam ListAccessKeys, GetAccessKeyLastUsed, UpdateAccessKey.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any, Callable, Optional, Tuple

from .._model.access_key import Key
from .._model.context import Context
from .._model.identities.records import User
from .._model.offboarding import Account, Rules
from .._model.plan import Change
from . import session
from .access_keys import AccessKeys
from .identities.apply import Writer
from .identities.read import Reader


class Offboarding:
    """The users of one task.

    :param client: makes a boto3 client of a service, with the caller's options.
    :param wait_timeout: seconds to wait at most for IAM to see its own changes.
    :param sleep: sleeps so many seconds.
    """

    def __init__(
        self, client: Callable[..., Any], rules: Rules, allow_root: bool, wait_timeout: float, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._rules = rules
        self._allow_root = allow_root
        self._wait_timeout = wait_timeout
        self._sleep = sleep
        self.partition = ""

    def read(self) -> Account:
        who = session.caller(self._client("sts", config=session.CLIENT_CONFIG), self._allow_root)
        self.partition = who.partition
        self._iam = self._client("iam", config=session.CLIENT_CONFIG)
        reader = Reader(self._iam, self._rules.request, Context(who.partition, who.account))
        self._writer = Writer(self._iam, reader, self._wait_timeout, self._sleep)
        users = reader.identities().users
        self._now: Optional[datetime] = None
        keys = {name: self._keys(user) for name, user in users.items() if user}
        return Account(users, keys, who.arn, self._now)

    def apply(self, change: Change) -> None:
        if change.step != "deactivate":
            self._writer.apply(change)
            return
        arguments = {"UserName": change.of.rpartition(" ")[2], "AccessKeyId": change.key, "Status": "Inactive"}
        session.Retry(self._wait_timeout, sleep=self._sleep)(self._deactivate, arguments)

    def _deactivate(self, **arguments: str) -> Any:
        try:
            return self._iam.update_access_key(**arguments)
        except self._iam.exceptions.NoSuchEntityException:
            return {}  # gone meanwhile, which is as good

    def _keys(self, user: User) -> Tuple[Key, ...]:
        keys = AccessKeys(lambda *_service, **_options: self._iam, user.name, None, time.sleep)
        found = tuple(self._with_use(keys, key) for key in keys.keys({}))
        self._now = keys.now
        return found

    def _with_use(self, keys: AccessKeys, key: Key) -> Key:
        """The last use is for the report alone: that it may not be read must not keep a stolen key alive."""
        try:
            return keys.with_use(key)
        except self._iam.exceptions.ClientError as error:
            if session.error_code(error) not in ("AccessDenied", "NoSuchEntity"):
                raise
            return key
