# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proof that an agent sends: its log is watched until an interval is clean, and CloudWatch is asked where that is wanted."""

from __future__ import annotations

import time
from typing import Any, Callable

from ..module_utils._aws.agent_reads import listed
from ..module_utils._model.agent.configuration import Facts
from ..module_utils._model.agent.health import PROVEN, Health, Seen, judge
from ..module_utils._model.agent.log import Circumstances
from ..module_utils._model.errors import Refusal

_POLL = 15.0
"""Seconds between two questions to CloudWatch, which lists a new metric after minutes."""


def prove(look: Callable[[], Seen], seen: Seen, facts: Facts, around: Circumstances, limit: float,
          sleep: Callable[[float], None] = time.sleep) -> Health:  # fmt: skip
    """Return the verdict after as many looks as it takes.

    The host is looked at when the next look can tell more, and no longer waited for than the time left can bring.

    :param seen: the first look.
    :param limit: seconds.
    """
    begun = seen.now
    while True:
        health = judge(seen, facts.interval, around, facts.silence)
        if not health.wait or seen.now + health.wait - begun > limit:
            return health
        sleep(health.wait)
        seen = look()


def refuse_unproven(health: Health, limit: float) -> None:
    """Refuse an agent that is not proven to send.

    :raises Refusal: with the cause.
    """
    if health.verdict != PROVEN:
        waited = f" within prove_timeout ({limit:.0f} s)" if health.wait else ""
        raise Refusal(f"The CloudWatch agent is not proven to send{waited}: {health.says}.")


def wait_until_listed(cloudwatch: Any, facts: Facts, host: str, limit: float, sleep: Callable[[float], None] = time.sleep) -> str:
    """Wait until CloudWatch lists a metric of the host; return what was found in words.

    :param limit: seconds.
    :raises Refusal: when that time has passed.
    """
    if not facts.metrics:
        return "the configuration sends no metrics, so none were looked for"
    if not facts.host_dimension:
        return "agent.omit_hostname is set, so this host's metrics cannot be told from others'"
    deadline = time.monotonic() + limit
    while not listed(cloudwatch, facts.namespace, host):
        if time.monotonic() >= deadline:
            raise Refusal(
                f"CloudWatch lists no metric of host {host} in namespace {facts.namespace} after {limit:.0f} s, although the agent's log "
                "is clean. New metrics may take 15 minutes: run again, raise verify_metrics_timeout, or look whether agent_region is meant."
            )
        sleep(min(_POLL, max(0.5, deadline - time.monotonic())))
    return f"CloudWatch lists metrics of host {host} in namespace {facts.namespace}"
