# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host that leaves without being asked: what AWS lists of it, found by the tags that its activation gave its node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

from ..errors import Refusal
from ..plan import Change
from .state import ONLINE, Activation, Node


@dataclass(frozen=True)
class Listed:
    """What AWS has of one host. More than one node where it was registered anew."""

    nodes: Tuple[Node, ...] = ()
    activations: Tuple[Activation, ...] = ()


def plan(actual: Listed, allow_online: bool = False) -> List[Change]:
    """Return the ordered changes: activations first, since one that is left could make another node meanwhile.

    :param allow_online: nodes go whose agent runs.
    :raises Refusal: for a node that AWS hears of.
    """
    online = [node for node in actual.nodes if node.ping == ONLINE]
    if online and not allow_online:
        heard = ", ".join(f"{node.id}{f' (heard of at {node.heard:%Y-%m-%d %H:%M} UTC)' if node.heard else ''}" for node in online)
        raise Refusal(
            f"AWS lists {heard} as Online, so an agent runs there, or did until some minutes ago, and it would be cut off. Nothing was "
            "changed. Deregister it by the host itself (ssm_registration with state: absent), wait until it is no longer Online, or set "
            "allow_online: true (playbook offboard: -e offboard_in_use=true) if it shall go all the same."
        )
    activations = [Change("delete", "activation", activation.id) for activation in actual.activations]
    return activations + [Change("deregister", "node", node.id) for node in actual.nodes]


def view(record: Listed) -> Dict[str, Any]:
    """Return the record for results and diffs."""
    nodes = [
        {"instance_id": node.id, "computer_name": node.computer, "ping_status": node.ping, "iam_role": node.role} for node in record.nodes
    ]
    return {"nodes": nodes, "activations": [activation.id for activation in record.activations]}
