# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things are on a host, and the settings that only a stand-in has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict


def _settings() -> Dict[str, str]:
    path = Path(os.environ.get("STAND_IN_ROOT", "") + "/etc/default/amazon-ssm-agent-stand-in")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    written = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {**written, **{name: value for name, value in os.environ.items() if name.startswith("STAND_IN_")}}


SETTINGS = _settings()
ROOT = SETTINGS.get("STAND_IN_ROOT", "")
HEALTH_SECONDS = float(SETTINGS.get("STAND_IN_HEALTH_SECONDS", "0"))
"""Between two signs of life; 0: what Ssm.HealthFrequencyMinutes says."""
RETRY_SECONDS = float(SETTINGS.get("STAND_IN_RETRY_SECONDS", "0"))
"""Between two attempts to get a token; 0: as long as Amazon's agent waits."""

DATA = Path(f"{ROOT}/var/lib/amazon/ssm")
VAULT = DATA / "Vault"
REGISTRATION = DATA / "registration"
RUNTIME = DATA / "runtimeconfig" / "identity_config.json"
LOG = Path(f"{ROOT}/var/log/amazon/ssm/amazon-ssm-agent.log")
CONFIG = Path(f"{ROOT}/etc/amazon/ssm/amazon-ssm-agent.json")
SEELOG = Path(f"{ROOT}/etc/amazon/ssm/seelog.xml")
CREDENTIALS = Path(f"{ROOT}/root/.aws/credentials")

_version = Path(__file__).with_name("VERSION")
VERSION = _version.read_text(encoding="ascii").strip() if _version.is_file() else "3.3"
USER_AGENT = f"amazon-ssm-agent-stand-in/{VERSION}"
