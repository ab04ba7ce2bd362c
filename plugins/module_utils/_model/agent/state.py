# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The CloudWatch agent of a host: what is on its disk, what runs, and what was asked for."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Dict, Mapping, Optional, Tuple

from ..common_config import current
from .shared import SharedProfile, Sharing

COMMON = "etc/common-config.toml"
"""Below the agent's root, as the others."""
FOLDER = "etc/amazon-cloudwatch-agent.d"
LEGACY = "etc/amazon-cloudwatch-agent.json"
SERVICE = "amazon-cloudwatch-agent.service"
CLOCKS = 1.0
"""Seconds by which the start of a process and the date of a file may be off."""


@dataclass(frozen=True)
class Wanted:
    """A configuration of the agent, ready to be handed to it."""

    text: str = field(repr=False)
    name: str
    """Of the file in the agent's folder of configurations."""
    source: str
    """What ``ctl -c`` is given: ``file:PATH`` or ``ssm:NAME``."""
    content: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The text, parsed."""
    secret: bool = False
    """Only its checksum may be shown."""

    @property
    def sha256(self) -> str:
        return checksum(self.text)


@dataclass(frozen=True)
class Rules:
    """What the user asked for. Defaults are those of the module's options."""

    root: str = "/opt/aws/amazon-cloudwatch-agent"
    present: bool = True
    settings: Mapping[str, Optional[str]] = field(default_factory=dict)
    """For ``common-config.toml``; ``None`` takes one out, and those that are not in it are left alone."""
    credentials_file: str = ""
    credentials_profile: str = "AmazonCloudWatchAgent"
    sharing: Optional[Sharing] = None
    """``None``: the credentials are not SSM Agent's, and their file is left alone."""
    region: str = ""
    run_as_user: str = ""
    """Where the configuration names none."""
    origin: Tuple[str, Any] = ("", None)
    """Where the configuration is found: ``content``, ``file`` or ``ssm``, and what or where."""
    wanted: Optional[Wanted] = None
    """``None``: configuration and service are left alone."""
    exclusive: bool = True
    config_path: str = "/etc/hybridops/cloudwatch-agent/config.json"
    prove: bool = True
    prove_timeout: timedelta = timedelta(minutes=3)
    verify_metrics: bool = False
    verify_metrics_timeout: timedelta = timedelta(minutes=15)

    def path(self, below: str) -> str:
        """Return a path below the agent's root."""
        return f"{self.root}/{below}"

    @property
    def name(self) -> str:
        """Of our file in the agent's folder of configurations."""
        return self.wanted.name if self.wanted else file_name(self.config_path)

    @property
    def source(self) -> str:
        """What ``ctl -c`` is given for our configuration."""
        return self.wanted.source if self.wanted else f"file:{self.config_path}"


@dataclass(frozen=True)
class Reader:
    """Whether the user that the agent runs as can read its credentials."""

    user: str
    known: bool = True
    """The host knows the user."""
    reads: Optional[bool] = None
    """``None`` where that could not be tried, or there is no file yet."""
    barrier: str = ""
    """The file or folder that the user cannot pass."""
    owner: str = ""
    group: str = ""
    mode: str = ""
    """Of the barrier."""


@dataclass(frozen=True)
class AgentState:
    """What decides. Contents of configurations are checksums here, of ours the text as well."""

    installed: bool = False
    systemd: bool = True
    version: str = ""
    package: str = ""
    common: str = ""
    """The text of ``common-config.toml``."""
    source: str = ""
    """Checksum of the file that the configuration is loaded from; empty without one."""
    files: Tuple[Tuple[str, str], ...] = ()
    """Names and checksums in the agent's folder of configurations."""
    text: Optional[str] = None
    """Our file among them, where it may be shown."""
    legacy: bool = False
    """There is a configuration at the place where old versions had their only one."""
    translated: bool = False
    """The agent's own form of the configuration is there, and younger than the common settings."""
    enabled: bool = False
    running: bool = False
    outdated: bool = False
    """The process that runs is older than what it should have read."""
    reader: Optional[Reader] = None
    profile_region: str = ""
    """Region in the credentials profile; empty without one."""
    shared: Optional[SharedProfile] = None
    """The credentials profile, where it is SSM Agent's."""
    hostname: str = ""
    hindrance: str = ""
    """Why a write would fail, where that can be told before."""

    @property
    def configurations(self) -> Dict[str, str]:
        return dict(self.files)

    @property
    def settings(self) -> Dict[str, Optional[str]]:
        return current(self.common)


def checksum(text: str) -> str:
    """Return the checksum of a text, that of a file with bytes of other encodings too, as the host reads it."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def file_name(path: str) -> str:
    """Return the name under which the agent keeps a configuration from a file."""
    return "file_" + path.rpartition("/")[2]


def parameter_file_name(parameter: str) -> str:
    """Return the name under which the agent keeps a configuration from a parameter."""
    return "ssm_" + re.sub(r"[/ :]", "_", parameter)


def state_of(answer: Mapping[str, Any]) -> AgentState:
    """Return the state that a host's answer to ``probe`` describes."""
    files = {name: found["sha256"] for name, found in answer["files"].items()}
    ours = answer["files"].get(answer["name"], {})
    running, now, start = answer["running"], answer["now"], answer["started"] or 0.0
    read = [moment for moment in (answer["common_written"], ours.get("written")) if moment and moment <= now]
    toml = answer["translated"]
    reader = answer.get("reader")
    return AgentState(
        installed=answer["installed"],
        systemd=answer["systemd"],
        version=answer["version"],
        package=answer["package"],
        common=answer["common"],
        source=answer["source"],
        files=tuple(sorted(files.items())),
        text=ours.get("text"),
        legacy=answer["legacy"],
        translated=bool(toml) and toml + CLOCKS >= (answer["common_written"] or 0.0),
        enabled=answer["enabled"],
        running=running,
        outdated=bool(running and start and any(moment > start + CLOCKS for moment in read)),
        reader=Reader(**reader) if reader else None,
        profile_region=answer["profile_region"],
        shared=SharedProfile.of(answer.get("shared")),
        hostname=answer["hostname"],
        hindrance=answer["hindrance"],
    )
