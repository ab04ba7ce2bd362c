# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host as a hybrid node of Systems Manager: what is on its disk, what AWS knows, and what was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Dict, Mapping, Optional, Tuple

from ..tags import TAG_PREFIX

HOST_TAG = TAG_PREFIX + "host"
"""Which host an activation was made for. Its node has the tag from it."""
NEW = "(new)"
"""Stands for the id of a node that is predicted."""
DEREGISTERED = 600.0
"""Seconds after which a node that runs and that AWS does not list is taken for deregistered: it reports every five minutes."""
LEFT_BEHIND = 172800.0
"""Seconds after a registration in which runs look for an activation that its run did not come to delete. A timer may run daily."""
CLOCKS = 1.0
"""Seconds by which the start of a process and the date of a file may be off."""
ONLINE = "Online"
SHARED_FILE = "AWS_SHARED_CREDENTIALS_FILE"

PLACES: Mapping[str, Any] = {
    "config": "/etc/amazon/ssm/amazon-ssm-agent.json",
    "templates": ["/etc/amazon/ssm/amazon-ssm-agent.json.template", "/snap/amazon-ssm-agent/current/amazon-ssm-agent.json.template"],
    "state": "/var/lib/amazon/ssm",
    "errors": "/var/log/amazon/ssm/errors.log",
    "units": "/etc/systemd/system",
    "drop_in": "hybridops.conf",
    "agents": [
        {"kind": "package", "binary": "/usr/bin/amazon-ssm-agent", "unit": "amazon-ssm-agent.service"},
        {
            "kind": "snap",
            "binary": "/snap/amazon-ssm-agent/current/amazon-ssm-agent",
            "unit": "snap.amazon-ssm-agent.amazon-ssm-agent.service",
        },
    ],
}
"""Where the agent of Linux has what, by its kind of installation. Both kinds have the same configuration and state."""


@dataclass(frozen=True)
class Rules:
    """What the user asked for. Defaults are those of the module's options."""

    region: str
    name: str
    iam_role: str = ""
    """Its name, with its path in front where it has one. Empty where the host is to leave."""
    tags: Mapping[str, str] = field(default_factory=dict)
    expires_in: timedelta = timedelta(minutes=15)
    present: bool = True
    force: bool = False
    environment: Mapping[str, Optional[str]] = field(default_factory=dict)
    """Of the agent's service. ``None`` takes a variable out, and those that are not in it are left alone."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Merged into the agent's configuration. ``None`` takes a setting out."""
    shared: Tuple[str, str] = ("", "")
    """The file and the profile that the agent shares its credentials in; empty where the task names no file."""
    verify: bool = True
    verify_timeout: timedelta = timedelta(minutes=3)
    owned_by: str = "default"

    @property
    def folder(self) -> str:
        """The folder of the shared credentials; empty where they are left alone."""
        return (self.environment.get(SHARED_FILE) or "").rpartition("/")[0]


@dataclass(frozen=True)
class Node:
    """A managed node as AWS lists it."""

    id: str
    ping: str = ""
    """``Online``, ``ConnectionLost`` or ``Inactive``."""
    version: str = ""
    computer: str = ""
    """The name that the host itself told."""
    name: str = ""
    role: str = ""
    heard: Optional[datetime] = None
    """When AWS last heard of it."""


@dataclass(frozen=True)
class Activation:
    """One of ours, left behind by a run that could not delete it."""

    id: str
    description: str = ""


@dataclass(frozen=True)
class Host:
    """What is on the host."""

    kinds: Tuple[str, ...] = ()
    """Which installations of the agent there are."""
    binary: str = ""
    unit: str = "amazon-ssm-agent.service"
    version: str = ""
    systemd: bool = True
    enabled: bool = False
    running: bool = False
    outdated: bool = False
    """The process that runs is older than what it should have read."""
    instance: str = ""
    """What the agent's vault says; empty for a host that is not registered."""
    region: str = ""
    broken: bool = False
    """The vault cannot be understood."""
    registered_for: float = 0.0
    """Seconds since the vault was written."""
    remembered: str = ""
    """What the agent's own note says of its last registration, which may be over."""
    remembered_region: str = ""
    config: Optional[str] = None
    """Text of its configuration; ``None`` without one."""
    template: Optional[str] = None
    drop_in: str = f"/etc/systemd/system/amazon-ssm-agent.service.d/{PLACES['drop_in']}"
    environment: str = ""
    """Text of the drop-in; empty without one."""
    folder: bool = True
    """The folder for the shared credentials is there, or none is wanted."""
    shares: bool = False
    """The agent's credentials are in the shared profile."""
    hostname: str = ""
    hindrance: str = ""
    """Why a write would fail, where that can be told before."""

    @property
    def installed(self) -> bool:
        return bool(self.kinds)


@dataclass(frozen=True)
class State:
    """What decides."""

    host: Host
    node: Optional[Node] = None
    """``None`` for one that AWS does not list, and where there is none to ask for."""
    activations: Tuple[Activation, ...] = ()


def host_of(answer: Mapping[str, Any]) -> Host:
    """Return the host that an answer to ``probe`` describes."""
    now, start = answer["now"], answer["started"] or 0.0
    read = [moment for moment in (answer["config_written"], answer["environment_written"]) if moment and moment <= now]
    same: Dict[str, Any] = {name: answer[name] for name in (
        "version", "systemd", "enabled", "instance", "region", "broken", "remembered", "remembered_region", "config",
        "template", "drop_in", "environment", "folder", "shares", "hostname", "hindrance",
    )}  # fmt: skip
    # An agent without a registration ends at once, and systemd starts it again and again: in between it is "activating".
    same["running"] = answer["running"] or answer["status"].startswith("activating")
    return Host(
        kinds=tuple(answer["installed"]),
        binary=answer["agent"]["binary"] if answer["installed"] else "",
        unit=answer["agent"]["unit"],
        outdated=bool(answer["running"] and start and any(moment > start + CLOCKS for moment in read)),
        registered_for=max(0.0, now - answer["registered_at"]) if answer["registered_at"] else 0.0,
        **same,
    )


def online(node: Optional[Node], since: Optional[datetime]) -> bool:
    """Return whether AWS has heard of a node since its agent was started. Of one that was heard before, it says that it is online for
    minutes more; the agent reports as soon as it runs.

    :param since: by AWS's clock; ``None`` for an agent that this run did not start.
    """
    if node is None or node.ping != ONLINE:
        return False
    return since is None or node.heard is None or node.heard >= since - timedelta(seconds=2 * CLOCKS)


def same_computer(one: str, other: str) -> bool:
    """Return whether two names may be one computer's: one may be qualified with its domain."""
    return one.partition(".")[0].lower() == other.partition(".")[0].lower()
