# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the agent sends: running is no proof, since it runs on when every key is wrong. A clean interval in its log is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Mapping, Tuple

from .log import Circumstances, Finding, findings, moment_of

PROVEN = "proven"
"""It ran for longer than it takes to send once, and nothing of that failed."""
UNPROVEN = "unproven"
"""It runs and complains of nothing, for too short a time yet."""
FAILING = "failing"
UNKNOWN = "unknown"
"""Nothing on the host tells."""
START_UP = 10.0
"""Seconds from the start of the process to that of the agent in it, which translates its configuration and looks for a metadata service
before. Taken where the log does not tell."""
LOOK_AGAIN = 2.0
"""Seconds until a service that does not run yet is looked at again."""
ANSWER = 10.0
"""Seconds until a connection that was not answered is looked at again."""


@dataclass(frozen=True)
class Seen:
    """The agent at one moment, times in seconds since 1970 by the host's clock."""

    now: float
    running: bool = False
    started: float = 0.0
    """Of its process; 0 where that is not known."""
    status: str = ""
    """What the service manager says of it."""
    log: Tuple[str, ...] = ()
    """The last errors and warnings."""
    log_there: bool = True
    credentials_written: float = 0.0
    """0 without a file."""
    begun: float = 0.0
    """When the log says that the agent began; 0 where it does not."""
    log_moved: str = ""
    """The file that it writes in place of its log, which was moved away or deleted; empty when it was not."""
    unanswered: Tuple[Tuple[str, int], ...] = ()
    """Address and port of what it waits for at this moment."""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Seen:
        """Return what a host's answer to ``look`` or ``probe`` shows."""
        return cls(answer["now"], answer["running"], answer["started"] or 0.0, answer["status"], tuple(answer["log"]),
                   answer["log_there"], answer["credentials_written"] or 0.0, moment_of(answer["begun"]), answer["log_moved"],
                   tuple((address, port) for address, port in answer["unanswered"]))  # fmt: skip


@dataclass(frozen=True)
class Health:
    """A verdict."""

    verdict: str = UNKNOWN
    says: str = ""
    wait: float = 0.0
    """Seconds after which looking again can find another verdict; 0 where it cannot."""
    warnings: Tuple[str, ...] = ()


def window(interval: float) -> float:
    """Return how long nothing may fail, in seconds: one interval between sendings and a quarter of it."""
    return interval + max(2.0, interval / 4)


def judge(seen: Seen, interval: float, around: Circumstances, silence: float = 0.0) -> Health:
    """Return the verdict on what was seen.

    :param interval: seconds within which the agent sends at least once.
    :param silence: seconds that may pass between two errors of an agent that fails all the time.
    """
    length = window(interval)
    back = max(length, silence)
    found = _since(seen, max(seen.started, seen.now - back), around)
    warnings = tuple(sorted({finding.says for finding in found if finding.cause.warning}))
    errors = [finding for finding in found if not finding.cause.warning]
    if not seen.running:
        return _not_running(seen, length, around)
    if errors:
        telling = _telling(errors)
        wait = 0.0 if telling.cause.lasting else errors[-1].moment + back + 1.0 - seen.now
        return Health(FAILING, f"it runs, but {telling.says}", max(0.0, wait), warnings)
    if not seen.started:
        return Health(UNKNOWN, "it runs, and since when is not known", 0.0, warnings)
    # A time in the log is cut to its second.
    up = seen.now - (seen.begun + 1.0 if seen.begun + 1.0 >= seen.started else seen.started + START_UP)
    if up < length:
        return Health(UNPROVEN, f"it has only just started, and a proof takes {length:.0f} s", _until_proven(up, length, seen), warnings)
    if seen.log_moved or not seen.log_there:
        return Health(UNKNOWN, f"it runs, but {_no_log(seen)}", 0.0, warnings)
    waits_for = next((f"{address} (port {port})" for address, port in seen.unanswered if port in around.ports), "")
    if waits_for:
        says = f"it runs, but {waits_for} does not answer it: a firewall or a missing https_proxy. The agent says so after minutes only"
        return Health(UNPROVEN, says, ANSWER, warnings)
    return Health(PROVEN, f"it runs, and nothing failed to be sent for {length:.0f} s", 0.0, warnings)


def needs_restart(seen: Seen, interval: float, around: Circumstances, silence: float = 0.0) -> bool:
    """Return whether the agent fails for credentials that were replaced since it started: it reads them again every ten minutes only.

    What it said before they were replaced counts: it goes on with what it has read.
    """
    if not seen.running or not seen.credentials_written or seen.credentials_written <= seen.started:
        return False
    since = max(seen.started, seen.now - max(window(interval), silence))
    return any(finding.cause.key for finding in _since(seen, since, around))


def _since(seen: Seen, moment: float, around: Circumstances) -> List[Finding]:
    return [finding for finding in findings(seen.log, around) if finding.moment >= moment]


def _no_log(seen: Seen) -> str:
    if seen.log_moved:
        return (
            f"what it says goes to {seen.log_moved}, which is no longer its log, so nothing shows whether it sends. Restart it "
            "(systemctl restart amazon-cloudwatch-agent), and let what rotates the log copy and truncate it"
        )
    return "its log is not there or cannot be read (is become set?), so nothing shows whether it sends"


def _until_proven(up: float, length: float, seen: Seen) -> float:
    """Until the log can tell when the agent began, look soon: waiting for its latest start would be longer than needed."""
    told = seen.begun + 1.0 >= seen.started
    return length - up + 0.1 if told else min(length - up + 0.1, length)


def _telling(errors: List[Finding]) -> Finding:
    """Return the last one that says why."""
    return next((finding for finding in reversed(errors) if not finding.cause.vague), errors[-1])


def _not_running(seen: Seen, length: float, around: Circumstances) -> Health:
    errors = [finding for finding in _since(seen, seen.now - max(length, 120.0), around) if not finding.cause.warning]
    why = f": {_telling(errors).says}" if errors else "; journalctl -u amazon-cloudwatch-agent says more"
    wait = 0.0 if errors and _telling(errors).cause.lasting else LOOK_AGAIN
    return Health(FAILING, f"it does not run (systemd: {seen.status or 'unknown'}){why}", wait)
