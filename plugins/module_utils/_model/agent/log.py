# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the agent's log says of data that could not be sent, and what that means for the person who has to mend it.

The agent goes on running whatever becomes of its data: its log is the only place on the host that tells.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import FrozenSet, Iterable, List, Mapping, Optional, Pattern, Tuple

_ENTRY = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z?\s+([A-Z])!\s*(.*)")
_OURS = re.compile(
    r"cloudwatch|PutMetricData|PutLogEvents|sending logs|log (stream|group)|retention|credential|SharedCreds|ec2tagger|EC2Metadata"
    r"|region info|translate json|ChangeUser|starting agent",
    re.IGNORECASE,
)
"""What has to do with sending. Plugins complain of what they measure in the same log."""


@dataclass(frozen=True)
class Circumstances:
    """What the texts of a diagnosis name."""

    profile: str = ""
    file: str = ""
    region: str = ""
    ports: FrozenSet[int] = frozenset({53, 443})
    """Of what has to answer for anything to be sent: AWS or a proxy, and servers of names."""


@dataclass(frozen=True)
class Cause:
    """What an entry of the log means."""

    pattern: Pattern[str]
    says: str
    """With the names of ``Circumstances`` and of the pattern's groups in braces."""
    lasting: bool = False
    """Time alone does not mend it."""
    warning: bool = False
    """Data flows all the same."""
    key: bool = False
    """A process that had read the credentials anew might not say it."""
    vague: bool = False
    """Another entry beside it tells more."""


@dataclass(frozen=True)
class Finding:
    """An entry of the log that matters."""

    moment: float
    """Seconds since 1970, by the host's clock."""
    cause: Cause
    says: str


def _cause(pattern: str, says: str, **kind: bool) -> Cause:
    return Cause(re.compile(pattern, re.IGNORECASE | re.DOTALL), says, **kind)


_RETENTION = (
    "the retention of a log group could not be set; its events are sent all the same. retention_in_days needs logs:DescribeLogGroups and "
    "logs:PutRetentionPolicy, which the policy of AWS's document does not grant"
)

CAUSES: Tuple[Cause, ...] = (
    _cause(r"log group retention|retention policy|(PutRetentionPolicy|DescribeLogGroups)", _RETENTION, warning=True),
    _cause(r"SharedCredsLoad.*open (?P<path>[^\s:]+): (?P<why>permission denied|no such file or directory)",
           "the agent cannot read its credentials: {path}: {why}. Deliver the file, or let the user it runs as read it",
           lasting=True, key=True),
    _cause(r"SharedCredsLoad.*profile|SharedConfigProfileNotExist|failed to get profile",
           "the credentials file {file} has no profile {profile}", lasting=True, key=True),
    _cause(r"shared credentials (?P<name>\S+) in (?P<path>\S+) did not contain (?P<what>aws_\w+)",
           "profile {name} in {path} holds no {what}", lasting=True, key=True),
    _cause(r"SharedCreds", "the agent cannot read its credentials, profile {profile} in {file}", lasting=True, key=True),
    _cause(r"NoCredentialProviders|no valid providers in chain|no EC2 IMDS role found",
           "the agent found no credentials. Give credentials_file, so that it need not look for them", lasting=True, key=True),
    _cause(r"RequestExpired|RequestTimeTooSkewed|Signature expired|Signature not yet current|is now earlier than",
           "AWS refuses the time in the request: the host's clock is wrong. Set it, with chrony or systemd-timesyncd"),
    _cause(r"InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId|security token included in the request is invalid",
           "AWS does not know the access key of profile {profile} in {file}: it was deleted or deactivated, it is too young, or it belongs "
           "to another partition than Region {region}", key=True),
    _cause(r"SignatureDoesNotMatch|InvalidSignatureException|IncompleteSignature",
           "the secret of profile {profile} in {file} does not belong to its access key", key=True),
    _cause(r"ExpiredToken", "the session credentials of profile {profile} in {file} have expired", key=True),
    _cause(r"(?:AccessDenied|not authorized).*?perform:? (?P<action>[\w-]+:\w+)(?:.*?on resource:? (?P<resource>[^\s,]+))?",
           "AWS denies {action}{on}. Allow it in the policy of the host's user (look for explicit denies and a boundary too)"),
    _cause(r"(?P<logs>log group|create log stream|CreateLog).*(AccessDenied|not authorized)",
           "AWS denies logs:CreateLogStream or logs:CreateLogGroup. Allow both in the policy of the host's user"),
    _cause(r"(sending logs|PutLogEvents).*(AccessDenied|not authorized)",
           "AWS denies logs:PutLogEvents. Allow it in the policy of the host's user"),
    _cause(r"AccessDenied|not authorized",
           "AWS denies cloudwatch:PutMetricData. Allow it in the policy of the host's user, for the configuration's namespace"),
    _cause(r"ec2tagger|EC2Metadata", "metrics.append_dimensions needs an EC2 instance: take it out of the configuration", lasting=True),
    _cause(r"region info is missing|MissingRegion|could not find region",
           "the agent knows no Region: set agent_region, or agent.region in the configuration", lasting=True),
    _cause(r"ChangeUser|starting agent", "it cannot start as the user that agent.run_as_user names", lasting=True),
    _cause(r"translate json", "the agent cannot translate its configuration, or has none", lasting=True),
    _cause(r"proxyconnect|proxy authentication required",
           "the proxy does not let it through: see http_proxy and https_proxy, whose address or password is wrong"),
    _cause(r"x509|certificate signed by unknown|tls:",
           "the certificate at the other end is not trusted: see ca_bundle, which must hold the CA of what inspects the connection"),
    _cause(r"lookup (?P<host>[\w.-]+).*?no such host|no such host",
           "{host} is no name that the host can look up: Region {region} is wrong or DNS is, or https_proxy is missing"),
    _cause(r"connection refused|connection reset|i/o timeout|deadline exceeded|unreachable|Client\.Timeout|TLS handshake timeout|EOF",
           "nothing answers at the endpoint of Region {region}: a firewall or a missing https_proxy"),
    _cause(r"(?P<logs>log group|log stream).*ResourceNotFoundException",
           "the log group is not there and could not be made: allow logs:CreateLogGroup in the policy of the host's user"),
    _cause(r"Throttling|LimitExceeded|TooManyRequests|ServiceUnavailable|InternalFailure|InternalService",
           "AWS is throttling or not well; the agent retries", warning=True),
    _cause(r"WriteToCloudWatch failure|Aws error received when sending logs|Unable to create log|failed for PutLogEvents"
           r"|Failed to get credential|\bcloudwatch: code:", "data could not be sent", vague=True),
)  # fmt: skip
"""The first one that matches an entry counts."""


def findings(lines: Iterable[str], around: Circumstances) -> List[Finding]:
    """Return what matters among lines of the log, oldest first.

    :param lines: as they stand there; those without a time belong to the one before.
    """
    return [found for found in (_finding(*entry, around) for entry in _entries(lines)) if found]


def moment_of(line: str) -> float:
    """Return when a line of the log was written, in seconds since 1970; 0 for one that has no time."""
    found = _entries([line])
    return found[0][0] if found else 0.0


def _entries(lines: Iterable[str]) -> List[Tuple[float, str, str]]:
    entries: List[Tuple[float, str, str]] = []
    for line in lines:
        match = _ENTRY.match(line)
        moment = _seconds(match.group(1)) if match else None
        if match and moment is not None:
            entries.append((moment, match.group(2), match.group(3)))
        elif entries and line.strip():
            entries[-1] = (*entries[-1][:2], f"{entries[-1][2]} / {line.strip()}")
    return entries


def _seconds(text: str) -> Optional[float]:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:  # a 61st second, or what another program wrote
        return None


def _finding(moment: float, level: str, text: str, around: Circumstances) -> Optional[Finding]:
    if level not in "EFW" or text.startswith("[inputs.") or not _OURS.search(text):
        return None
    for cause in CAUSES:
        match = cause.pattern.search(text)
        # A warning of the agent's tells of a retry, and what it retries stands in an error before it.
        if match and (level != "W" or cause.warning):
            return Finding(moment, cause, f"{_told(cause, match.groupdict(), around)}. The log says: {_short(text)}")
    return None


def _told(cause: Cause, groups: Mapping[str, Optional[str]], around: Circumstances) -> str:
    known = {"profile": around.profile, "file": around.file or "the home directory of root", "region": around.region or "(none)"}
    named = {name: value for name, value in groups.items() if value}
    on = f" on {named['resource']}" if "resource" in named else ""
    return cause.says.format(**{"host": "the endpoint", "on": on, **known, **named})


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 300 else words[:297] + "..."
