# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who calls, and how calls are repeated."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Callable, Dict, FrozenSet, Mapping, Optional

from .._model.errors import Outdated, Refusal
from .._model.says_aws import repeats

CLIENT_CONFIG = {"retries": {"mode": "adaptive", "max_attempts": 10}, "max_pool_connections": 10}
"""botocore repeats throttled, failed and broken calls by itself. Options of the user's ``aws_config`` win over these."""

READERS = 8
"""Reads at a time. IAM throttles per account, so more would only wait."""

_BOTOCORES_OWN = 5
"""How often botocore tries where nobody says."""
NOT_YET_VISIBLE = frozenset({"NoSuchEntity", "DeleteConflict"})
"""Answers to a call on something that this run has just changed, while IAM still sees the state of before."""
_CONTRADICTS = frozenset(
    {
        "BucketAlreadyOwnedByYou",
        "DocumentAlreadyExists",
        "InvalidAssociationID.NotFound",
        "InvalidDocument",
        "InvalidResourceId",
        "ResourceAlreadyExists",
    }
)
"""The same of Systems Manager, EC2, CloudWatch Logs and S3, to what others have changed as well, or a call whose answer was lost."""
VISIBLE_SECONDS = 20.0
"""For how long these answers are not believed. AWS's copies usually agree after less."""
NOT_YET_KNOWN = frozenset({"Invalid principal"})
"""The same for somebody that a trust policy names, in place of the code of so general an error."""


@dataclass(frozen=True)
class Caller:
    """The identity behind the credentials, as ``sts:GetCallerIdentity`` names it."""

    arn: str
    account: str

    @property
    def partition(self) -> str:
        return self.arn.split(":")[1]

    @property
    def is_root(self) -> bool:
        return self.arn.endswith(":root")


def caller(sts: Any, allow_root: bool) -> Caller:
    """Return who calls.

    :raises Refusal: for the account's root user, which "Identity and Access Management for Amazon CloudWatch"
        advises to use for nothing but making the first administrator.
    """
    answer = sts.get_caller_identity()
    who = Caller(answer["Arn"], answer["Account"])
    if who.is_root and not allow_root:
        raise Refusal(
            f"The credentials are those of the root user of account {who.account}. AWS advises to use that user only to make an "
            "administrator. Use an IAM user or role with limited permissions, or set allow_root: true."
        )
    return who


def patient(client: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``client``, which makes boto3 clients, so that they repeat what is refused for now as well: see ``repeats``.

    They do so as often as they repeat anything: a client that is to try once tries once.
    """

    def make(service: str, **options: Any) -> Any:
        made = client(service, **options)
        attempts = int((made.meta.config.retries or {}).get("total_max_attempts", _BOTOCORES_OWN))

        def again(attempts_made: int, response: Any) -> Optional[float]:
            code = response[1].get("Error", {}).get("Code", "") if response else ""
            return repeats.pause(str(code), attempts_made, attempts, random.random())  # noqa: S311  (spreads calls, hides nothing)

        # After botocore's own, whose answer counts where there is one.
        made.meta.events.register_last(
            "needs-retry", lambda attempts, response, **_event: again(attempts, response), unique_id="hybridops.aws_agents"
        )
        return made

    return make


def error_code(error: Exception) -> str:
    """Return AWS's code of an error, without the suffix that some services add; empty when AWS did not answer."""
    response = getattr(error, "response", None) or {}
    return repeats.bare(str(response.get("Error", {}).get("Code", "")))


def outdated(error: Exception) -> bool:
    """Return whether an answer of AWS contradicts what was read: copies lag behind, and others change things meanwhile."""
    return isinstance(error, Outdated) or error_code(error) in NOT_YET_VISIBLE | _CONTRADICTS


def not_now(error: Exception) -> bool:
    """Return whether AWS refused a call for the moment, having done nothing."""
    return repeats.not_now(error_code(error))


class Retry:
    """Repeats a call that IAM turns down for a moment.

    IAM changes take time to be seen everywhere ("Troubleshooting IAM", *Changes that I make are not always immediately
    visible*): what this run has just made may not be found at once. What others made is never waited for.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep

    def __call__(
        self, operation: Callable[..., Dict[str, Any]], arguments: Mapping[str, Any], passing: FrozenSet[str] = frozenset()
    ) -> Dict[str, Any]:
        """Call ``operation``.

        :param passing: which answers, besides those of a busy IAM, are sure to pass: see ``NOT_YET_VISIBLE``, ``NOT_YET_KNOWN``.
        """
        deadline = self._clock() + self._seconds
        pause = 0.5
        while True:
            try:
                return operation(**arguments)
            except Exception as error:
                if not self._passes(error, passing) or self._clock() + pause > deadline:
                    raise
            self._sleep(pause)
            pause = min(pause * 2, 8)

    @staticmethod
    def _passes(error: Exception, passing: FrozenSet[str]) -> bool:
        code = error_code(error)
        if code == "MalformedPolicyDocument":
            return any(text.lower() in str(error).lower() for text in passing & NOT_YET_KNOWN)
        return code in repeats.BUSY or code in passing


def wait_until_stable(
    reads: Mapping[str, Callable[[], bool]], seconds: float, times: int = 3, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait until each read says yes several times in a row: single answers come from copies that may lag behind.

    :param reads: by what they look for. They are asked side by side.
    :param seconds: how long to wait at most.
    :raises Refusal: when that time has passed, naming what is not seen.
    """
    deadline = time.monotonic() + seconds
    in_a_row = dict.fromkeys(reads, 0)
    pause = 0.0
    with ThreadPoolExecutor(READERS) as pool:
        while missing := [what for what, seen in in_a_row.items() if seen < times]:
            if pause and time.monotonic() + pause > deadline:
                made = "was made, but IAM did not show it" if len(missing) == 1 else "were made, but IAM did not show them"
                raise Refusal(
                    f"{' and '.join(missing)} {made} {times} times in a row within {seconds:g} s. What was made usually appears later: run "
                    "the task again, or raise wait_timeout."
                )
            sleep(pause)
            for what, seen in zip(missing, pool.map(lambda what: reads[what](), missing)):
                in_a_row[what] = in_a_row[what] + 1 if seen else 0
            pause = 0.2 if all(in_a_row.values()) else 1.0
