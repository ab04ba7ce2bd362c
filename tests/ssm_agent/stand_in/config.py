# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``amazon-ssm-agent.json``, which is read at each start and is not there until somebody makes it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict

from . import log, paths


@dataclass(frozen=True)
class Config:
    endpoint: str
    share: bool
    profile: str
    health_seconds: float


def read() -> Config:
    """Return what the file says, and the defaults where it says nothing or cannot be read."""
    document: Dict[str, Any] = {}
    try:
        document = json.loads(paths.CONFIG.read_text(encoding="utf-8"))
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        log.error(f"Failed to unmarshal config override. Fall back to default. {error}")
    ssm, profile = document.get("Ssm") or {}, document.get("Profile") or {}
    minutes = float(ssm.get("HealthFrequencyMinutes") or 5)
    share = profile.get("ShareCreds", True) is not False
    return Config(str(ssm.get("Endpoint") or ""), share, str(profile.get("ShareProfile") or ""), paths.HEALTH_SECONDS or minutes * 60)
