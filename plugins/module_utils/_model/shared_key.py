# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One user and key for all hosts: the key in the store, the hosts seen with it, and the words of its decisions.

The key lives in a store, from which hosts get it. A first stage makes sure that the store holds one key that works; a final stage
ends the keys of before, once every host was seen on the new one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, List, Mapping, Optional, Tuple

from . import access_key as words
from .access_key import USES_LAG, Key, Proof, Rules, User


@dataclass(frozen=True)
class Stored:
    """What a store holds. Never the secret."""

    place: str
    """The store in words: ``parameter /cwagent/key``, ``vault file /etc/key.yml``."""
    exists: bool = False
    key_id: str = ""
    """S: the key id in the store, empty without one."""
    user: str = ""
    """Whose key it says it is."""
    proof: Proof = Proof.UNTRIED
    says: str = ""
    """AWS's words to the proof."""
    error: str = ""
    """Why what is there cannot be worked on, and the remedy."""
    owner: Optional[str] = None
    """The value of its ownership tag; ``None`` where the store has no tags."""
    sealed: str = ""
    """How it is encrypted, where that is not what was asked for; empty otherwise."""
    mode: str = ""
    """Mode of the file, where the store is one."""
    hindrance: str = ""
    """Why a write would fail, where that can be told before."""


@dataclass(frozen=True)
class SharedRules:
    """What the user asked for."""

    keys: Rules
    rotate: bool = False
    """Replace the store's key whatever its age."""
    hosts: Optional[Mapping[str, str]] = None
    """The final stage: the key id that each host was seen with, empty for one that was not seen. ``None`` in the first stage."""
    partial: str = ""
    """Why the hosts may not be all of them; empty where they are."""


@dataclass(frozen=True)
class SharedState:
    """All that a decision looks at."""

    now: datetime
    user: Optional[User]
    keys: Tuple[Key, ...]
    store: Stored

    def key(self, key_id: str) -> Optional[Key]:
        """Return the user's key of that id."""
        return next((key for key in self.keys if key.id == key_id), None)

    @property
    def stored(self) -> Optional[Key]:
        """The store's key, where IAM lists it."""
        return self.key(self.store.key_id)

    @property
    def good(self) -> bool:
        """Whether the store holds a key that works."""
        key = self.stored
        return key is not None and key.active and self.store.proof is Proof.PROVEN

    @property
    def others(self) -> List[Key]:
        """The keys that are not the store's, oldest first."""
        return sorted((key for key in self.keys if key.id != self.store.key_id), key=lambda key: (key.created, key.id))


def of_user(stored: Stored, arn: str) -> Stored:
    """Return what a store holds with the verdict on a key that AWS accepted: whether its caller is the user of that ARN."""
    return replace(stored, proof=Proof.FOREIGN) if stored.proof is Proof.PROVEN and stored.says != arn else stored


def orphan(key: Key, now: datetime, rules: Rules) -> bool:
    """Return whether nobody holds it: never used, for as long as makes a key quiet, and as AWS may take to tell of a use.

    A host that was given it may not be in this run, so the age at which a host's own key counts as left behind is not enough.
    """
    return words.virgin(key) and not key.retired and words.quiet(key, now, rules) and now - key.created >= USES_LAG


def due(state: SharedState, rules: SharedRules) -> str:
    """Return why the store's key is to be replaced; empty when it is not."""
    key = state.stored
    if key is None:
        return ""
    if forced(state, rules):
        return f"{key.id} is to be replaced"
    if state.store.sealed:
        # Written again under another key of KMS, it could still be read with the old one, in the parameter's history.
        return f"{key.id} is encrypted with {state.store.sealed}"
    if words.due(key, state.now, rules.keys):
        return f"{key.id} is due ({words.age(state.now - key.created)} old)"
    return ""


def forced(state: SharedState, rules: SharedRules) -> bool:
    """Return whether somebody asked for another key. One made moments ago is that one: this run may be a second attempt, or a slice."""
    key = state.stored
    if key is None:
        return rules.rotate
    return rules.keys.drop_key == key.id or (rules.rotate and not words.fresh(key, state.now, rules.keys))


def settled(state: SharedState, rules: SharedRules) -> bool:
    """Return whether nothing needs a decision, so that last uses, groups and password need not be read."""
    if rules.hosts is not None:
        return len(state.keys) < 2
    return state.good and not due(state, rules)


def holders(key_id: str, hosts: Mapping[str, str]) -> List[str]:
    """Return the hosts that were seen with a key."""
    return sorted(host for host, held in hosts.items() if held == key_id)


def partial(hosts: Mapping[str, str], all_hosts: bool, host_count: Optional[int], variables: Mapping[str, Any]) -> str:
    """Return why the hosts of a run may not be all that hold the key; empty where they are.

    A slice of AWX cannot be told for sure: it runs on an inventory that holds its own hosts and nothing that says so. But slices are
    jobs of a workflow, and a job of a workflow says that. The number of hosts, which a person knows, tells the two apart.

    :param variables: of the play: ``ansible_limit`` and AWX's own.
    """
    if not all_hosts:
        return "this run does not say that it saw all hosts (all_hosts)"
    if not hosts:
        return "no host was seen"
    if variables.get("ansible_limit"):
        return f"this run was limited to {variables['ansible_limit']}"
    if host_count is not None:
        return "" if len(hosts) == host_count else f"this run had {len(hosts)} of {host_count} hosts (host_count)"
    if any(variables.get(f"{name}_workflow_job_id") for name in ("awx", "tower")):
        return "this job belongs to a workflow, so it may be a slice; give host_count, or run it as a job of its own"
    return ""


@dataclass(frozen=True)
class Content:
    """What lies in a store."""

    user: str
    key_id: str
    secret: str = field(repr=False)
    created: str = ""
    """ISO 8601, UTC."""


_FIELDS = {"user": "user", "access_key_id": "key_id", "secret_access_key": "secret", "created": "created"}
"""The names in a store, and ours."""


def as_text(content: Content) -> str:
    """Return a content as it is written: JSON, which is YAML as well."""
    return json.dumps({name: getattr(content, ours) for name, ours in _FIELDS.items()}, indent=2) + "\n"


def from_text(text: str) -> Optional[Content]:
    """Return what a text holds; ``None`` when that is not what we write."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or set(fields) != set(_FIELDS) or not all(isinstance(value, str) for value in fields.values()):
        return None
    found = Content(**{ours: fields[name] for name, ours in _FIELDS.items()})
    return found if found.key_id and found.secret else None


def shown(text: str, stored: Stored) -> Tuple[Stored, Optional[Content]]:
    """Return what a store says that holds a text, and the content itself."""
    found = from_text(text)
    if found is None:
        return replace(stored, error="it holds something else than a key of ours. Name another, or remove it."), None
    return replace(stored, key_id=found.key_id, user=found.user), found
