# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which mode ``auto`` is, and what an instance's metadata say."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from typing import Any, Dict, Optional

from . import paths

ON_PREMISES = ("onPremise", "onPrem")
PROBE_SECONDS = 1.0


def detect(mode: str) -> str:
    """Return ``mode``; for ``auto``, ``ec2`` when instance metadata answer and ``onPremise`` when not."""
    if mode != "auto":
        return mode
    found = "ec2" if instance() else "onPrem"
    sys.stdout.write(f"I! Detected the instance is {'EC2' if found == 'ec2' else 'OnPremise'}\n")
    return found


def instance() -> Dict[str, Any]:
    """Return the identity document of the instance this is, empty where no metadata answer."""
    text = metadata("dynamic/instance-identity/document")
    try:
        document = json.loads(text or "{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def metadata(path: str) -> Optional[str]:
    """Return what instance metadata hold under a path, or None."""
    base = paths.setting("STAND_IN_IMDS_ENDPOINT").rstrip("/")
    # Metadata are never asked for through a proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        ask = urllib.request.Request(f"{base}/latest/api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"})
        with opener.open(ask, timeout=PROBE_SECONDS) as answer:
            token = answer.read().decode()
        ask = urllib.request.Request(f"{base}/latest/{path}", headers={"X-aws-ec2-metadata-token": token})
        with opener.open(ask, timeout=PROBE_SECONDS) as answer:
            return str(answer.read().decode())
    except (OSError, ValueError):
        return None
