# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of AWS's refusals mean "not now", so that the same call succeeds a moment later.

botocore repeats what was throttled, what failed with status 500, 502, 503 or 504, and what was never answered ("Retries" in the Boto3
documentation). It does not repeat ``BUSY``, which "Common Errors" and the errors of each operation in the API references of IAM, Systems
Manager, CloudWatch Logs and Amazon S3 ask to repeat.
"""

from __future__ import annotations

from typing import Optional

BUSY = frozenset(
    {
        "ConcurrentModification",  # IAM: several requests to change the object at the same time
        "EntityTemporarilyUnmodifiable",  # IAM: a user that was deleted and made again moments ago
        "OperationAborted",  # CloudWatch Logs and S3: another request on the same group or bucket is being worked on
        "TooManyUpdates",  # Systems Manager: concurrent updates of a parameter or a node
    }
)
"""Refusals of an object that somebody else is changing. Nothing was done."""

THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2Throttled",
        "RateExceeded",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttled",
        "Throttling",
        "TooManyRequests",
    }
)
"""Refusals of a caller or account that asks too often, whatever status they come with. Nothing was done."""

LONGEST = 20.0
"""Seconds of a single pause, as botocore has it."""


def bare(code: str) -> str:
    """Return a code without the suffix that some services add."""
    return code[: -len("Exception")] if code.endswith("Exception") else code


def not_now(code: str) -> bool:
    """Return whether a refusal of that code is sure to have done nothing, and passes: the call may be repeated, whatever it makes."""
    return bare(code) in BUSY | THROTTLED


def pause(code: str, attempt: int, attempts: int, draw: float) -> Optional[float]:
    """Return the seconds after which a refused call is to be repeated; ``None`` where it is not.

    :param attempt: which attempt was refused, from 1 on.
    :param attempts: how many the caller wants at most.
    :param draw: from 0 to 1, by chance: callers that were refused together must not return together.
    """
    if attempt >= attempts or not not_now(code):
        return None
    return float(draw * min(2 ** (attempt - 1), LONGEST))
