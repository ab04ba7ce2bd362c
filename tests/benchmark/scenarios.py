# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured, against whom, and what it shall cost at most."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Mapping, Optional, Tuple

PEER = "amazon.aws"
FIRST, AGAIN = "first run", "again, nothing to do"


@dataclass(frozen=True)
class Goal:
    """The most that a run of ours shall cost. ``None``: no goal."""

    ratio: Optional[float] = None
    """Of the peer's wall time in the same run."""
    calls: Optional[float] = None
    """API calls, polls left out. With ``each``, for each identity or host."""
    each: bool = False
    modules: Optional[int] = None
    """Executions of a module on each host."""


@dataclass(frozen=True)
class Scenario:
    """Some playbooks that reach the same end state, each run twice: from nothing, and with nothing left to do."""

    name: str
    title: str
    contenders: Mapping[str, str]
    """Playbooks by who runs them; the peer's is ``PEER``."""
    goals: Mapping[Tuple[str, str], Goal] = field(default_factory=dict)
    """By turn and contender."""
    n: int = 1
    """Users or hosts."""
    delay: float = 0.0
    """Seconds added to each API call."""
    place: str = "account"
    """Where it runs: ``account``, ``rooms`` (folders that stand for hosts) or ``hosts`` (systemd hosts, over ssh)."""
    rounds: Optional[int] = None
    """How often at most, where a round takes long and its parts are all alike."""


ROLES, ONE_CALL = "the four roles", "one call"
_DOCUMENTS = {PEER: "peer_amazon_aws.yml", ROLES: "documents_by_roles.yml", ONE_CALL: "documents_in_one_call.yml"}
USERS, FLEET, HOST = "iam_identities", "iam_identities, host_access_key", "onprem_agent"

SCENARIOS: Dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "documents",
            "The documents' end state: policies, roles, instance profiles, users, keys",
            _DOCUMENTS,
            {
                (FIRST, ROLES): Goal(0.35, 50),
                (FIRST, ONE_CALL): Goal(0.20, 50),
                (AGAIN, ROLES): Goal(0.30, 30),
                (AGAIN, ONE_CALL): Goal(0.15, 30),
            },
        ),
        Scenario(
            "delayed",
            "The same with 50 ms added to every call",
            _DOCUMENTS,
            {(turn, who): Goal(0.20) for turn in (FIRST, AGAIN) for who in (ROLES, ONE_CALL)},
            delay=0.05,
        ),
        Scenario(
            "users",
            "200 users, each with a policy and tags",
            {PEER: "peer_users.yml", USERS: "users.yml"},
            {(FIRST, USERS): Goal(0.05, 2.2, each=True), (AGAIN, USERS): Goal(0.03, 0.1, each=True)},
            n=200,
        ),
        Scenario(
            "fleet",
            "50 hosts: user, key, and the key in the host's file",
            {PEER: "peer_fleet_files.yml", FLEET: "fleet.yml"},
            {(FIRST, FLEET): Goal(0.30, 8, each=True), (AGAIN, FLEET): Goal(0.30, 2.1, each=True)},
            n=50,
            place="rooms",
        ),
        Scenario(
            "host",
            "One host on premises with the agent",
            {PEER: "peer_host.yml", HOST: "host.yml"},
            {(AGAIN, HOST): Goal(0.5, modules=3)},
            place="hosts",
        ),
        Scenario(
            "hosts",
            "50 hosts on premises with the agent, ten at a time",
            {PEER: "peer_host.yml", HOST: "host.yml"},
            {(AGAIN, HOST): Goal(0.5, modules=3)},
            n=50,
            place="hosts",
        ),
        *(Scenario(f"growth-{n}", f"{n:,} users in one call", {USERS: "users.yml"}, n=n, rounds=3) for n in (500, 1000)),
        Scenario("floor", "A playbook with one module that does nothing", {"ansible.builtin.ping": "floor.yml"}),
    )
}
