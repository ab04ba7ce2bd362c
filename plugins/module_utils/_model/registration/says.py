# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the SSM agent says when it fails, and what to do about it."""

from __future__ import annotations

import re
from typing import Iterable

_CAUSES = (
    (r"MachineFingerprintDoesNotMatch|fingerprint.*(does not|doesn't) match",
     "the hardware is not what the registration was made on: the host is a copy of another, or was rebuilt. Set force: true once"),
    (r"InvalidActivation",
     "AWS does not accept the activation: the host asks another Region or endpoint than the one it was made in, or somebody deleted it"),
    (r"InvalidInstanceId|machine.*not registered|UnrecognizedClient",
     "AWS does not know the node any more: it was deregistered. Set force: true to register the host anew"),
    (r"AccessDenied|not authorized|unable to assume",
     "the role of the node lacks a permission (AmazonSSMManagedInstanceCore has them), or does not trust ssm.amazonaws.com"),
    (r"Signature expired|InvalidSignature|RequestExpired|clock", "the host's clock is wrong. Set it, with chrony or systemd-timesyncd"),
    (r"x509|certificate", "the certificate at the other end is not trusted, such as that of a proxy that inspects connections"),
    (r"proxyconnect|proxy", "the proxy does not let it through: see https_proxy"),
    (r"no such host|i/o timeout|connection refused|RequestError|dial tcp|context deadline",
     "the host does not reach AWS (ssm, ssmmessages and ec2messages of the Region, port 443): DNS, a firewall, or a missing https_proxy"),
    (r"permission denied|must be run as root|elevated", "it must run as root; is become set?"),
)  # fmt: skip


def explain(lines: Iterable[str]) -> str:
    """Return what to do about the agent's last words, and the words; empty for none."""
    said = [line.strip() for line in lines if line.strip()][-4:]
    text = " / ".join(said)[-600:]
    cause = next((words for pattern, words in _CAUSES if re.search(pattern, text, re.IGNORECASE)), "")
    return ". ".join(part for part in (cause, f"The agent said: {text}" if text else "") if part)
