# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the agent's control script says when it fails, and what to do about it."""

from __future__ import annotations

import re
from typing import Any, Mapping

_CAUSES = (
    (r"unknown init system|sysv-init is not supported",
     "it works with systemd or upstart alone, and this host has neither. In a container, systemd must be process 1"),
    (r"AccessDenied",
     "the host may not read the parameter: its user needs ssm:GetParameter, and kms:Decrypt where a key of the account encrypts it"),
    (r"ParameterNotFound", "there is no such parameter in the Region that the host asks"),
    (r"UnrecognizedClientException|InvalidClientTokenId|security token included",
     "AWS does not know the access key in the credentials file of the host"),
    (r"InvalidSignature|SignatureDoesNotMatch",
     "the secret in the credentials file of the host does not belong to its access key, or the host's clock is wrong"),
    (r"x509|certificate", "the certificate at the other end is not trusted: see ca_bundle"),
    (r"proxyconnect|proxy", "the proxy does not let it through: see https_proxy"),
    (r"no such host|i/o timeout|connection refused|RequestError", "the host does not reach AWS: DNS, a firewall, or a missing https_proxy"),
    (r"credentials and region set correctly|region info is missing|MissingRegion",
     "the host knows no Region or no credentials: set agent_region and credentials_file"),
    (r"failed to open common config", "common-config.toml is not there: reinstall the package, or set credentials_file, which makes it"),
    (r"permission denied|are you root", "it must run as root; is become set?"),
)  # fmt: skip


def explain(answer: Mapping[str, Any], secret: bool) -> str:
    """Return why the control script failed.

    :param answer: with ``rc``, ``stdout``, ``stderr`` and ``validation``, the end of the log of its last phase.
    :param secret: nothing of what it printed may be shown.
    """
    said = "\n".join(answer[name] for name in ("stderr", "stdout", "validation") if answer[name])
    cause = next((text for pattern, text in _CAUSES if re.search(pattern, said, re.IGNORECASE)), "")
    words = "" if secret else _tail(answer)
    parts = [f"amazon-cloudwatch-agent-ctl ended with status {answer['rc']}", cause, words]
    return ". ".join(part for part in parts if part)


def _tail(answer: Mapping[str, Any]) -> str:
    parts = []
    for name, title in (("stderr", "It said"), ("validation", "logs/configuration-validation.log ends with")):
        lines = [line.strip() for line in answer[name].splitlines() if line.strip()][-4:]
        if lines:
            parts.append(f"{title}: {' / '.join(lines)[-600:]}")
    if not parts:
        lines = [line.strip() for line in answer["stdout"].splitlines() if line.strip()][-4:]
        parts = [f"It said: {' / '.join(lines)[-600:]}" if lines else "It said nothing, as it does when its downloader or translator fails"]
    return ". ".join(parts)
