# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where everything is, and the stand-in's own settings."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(os.environ.get("STAND_IN_ROOT") or "/")
HOME = ROOT / "opt/aws/amazon-cloudwatch-agent"
BIN = HOME / "bin"
ETC = HOME / "etc"
LOGS = HOME / "logs"
VAR = HOME / "var"
COMMON_CONFIG = ETC / "common-config.toml"
TOML = ETC / "amazon-cloudwatch-agent.toml"
YAML = ETC / "amazon-cloudwatch-agent.yaml"
JSON = ETC / "amazon-cloudwatch-agent.json"
DOCUMENTS = ETC / "amazon-cloudwatch-agent.d"
ENVIRONMENT = ETC / "env-config.json"
LOG = LOGS / "amazon-cloudwatch-agent.log"
PID = VAR / "amazon-cloudwatch-agent.pid"
SENT = VAR / "sent.jsonl"
SEQUENCE = VAR / "sequence"
SETTINGS = ROOT / "etc/default/amazon-cloudwatch-agent-stand-in"

DEFAULTS = {
    "STAND_IN_REREAD_SECONDS": "600",
    "STAND_IN_IMDS_ENDPOINT": "http://169.254.169.254",
    "STAND_IN_FLUSH_ON_STOP": "yes",
}


def setting(name: str) -> str:
    """Return one of the stand-in's own settings: from the environment, else the settings file, else its default, else ``""``."""
    value = os.environ.get(name)
    if value is not None:
        return value
    try:
        lines = SETTINGS.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        lines = []
    for line in lines:
        key, equals, rest = line.partition("=")
        if equals and key.strip() == name:
            return rest.strip().strip('"')
    return DEFAULTS.get(name, "")


def version() -> str:
    """Return the version of the package, as ``bin/CWAGENT_VERSION`` has it."""
    return (BIN / "CWAGENT_VERSION").read_text(encoding="utf-8").strip()


def full_version() -> str:
    """Return how the agent calls itself."""
    return f"CWAgent/{version()} (stand-in of the hybridops.aws_agents tests; linux; python)"
