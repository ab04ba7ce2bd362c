# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept of an activation and of a node, and how each is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Optional

from .wire import Document, Scope

ONLINE_SECONDS = 600.0

TOKEN_TAG = "hybridops.aws_agents.tests/token-seconds"
"""A tag of an activation: its nodes' tokens live so long. For tests that cannot wait for an hour to pass."""
ONLINE_TAG = "hybridops.aws_agents.tests/online-seconds"
"""A tag of an activation: after so many seconds without a sign of life a node of it has lost its connection."""


@dataclass
class Activation:
    scope: Scope
    id: str
    code: str = field(repr=False)
    role: str
    limit: int
    expires: float
    created: float
    name: str
    description: str
    tags: List[Document]
    used: int = 0

    def document(self, now: float) -> Document:
        shown = {
            "ActivationId": self.id,
            "IamRole": self.role,
            "RegistrationLimit": self.limit,
            "RegistrationsCount": self.used,
            "ExpirationDate": self.expires,
            "Expired": now >= self.expires,
            "CreatedDate": self.created,
        }
        optional = {"DefaultInstanceName": self.name, "Description": self.description, "Tags": self.tags}
        return {**shown, **{name: value for name, value in optional.items() if value}}


@dataclass
class Node:
    scope: Scope
    id: str
    activation: str
    role: str
    name: str
    tags: Dict[str, str]
    public_key: str
    fingerprint: str
    registered: float
    heard: Optional[float] = None
    said: Dict[str, str] = field(default_factory=dict)
    """What it last told of itself: AgentVersion, PlatformType, PlatformName, PlatformVersion, IPAddress, ComputerName."""

    def document(self, now: float) -> Document:
        online = self.heard is not None and now - self.heard < float(self.tags.get(ONLINE_TAG, ONLINE_SECONDS))
        shown: Document = {
            "InstanceId": self.id,
            "PingStatus": "Online" if online else "ConnectionLost",
            "ActivationId": self.activation,
            "IamRole": self.role,
            "RegistrationDate": self.registered,
            "ResourceType": "ManagedInstance",
            **self.said,
        }
        if self.heard is not None:
            shown.update(LastPingDateTime=self.heard, IsLatestVersion=True)
        return {**shown, **({"Name": self.name} if self.name else {})}
