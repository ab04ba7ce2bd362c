# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs and consoles leave behind: leases, activations, silent nodes, Quick Setup."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Iterator, List, Optional

from ..access_key import age
from ..lease import LEASE_POLICY, LEASE_TAG, Left, found
from .kinds import Finding, finding
from .records import Activation, Rules, Seen

DEFAULT_HOST_ROLE = "/ssm/managed-instance/default-ec2-instance-management-role"
ACTIVATION_TIER = "/ssm/managed-instance/activation-tier"
SETTINGS = (DEFAULT_HOST_ROLE, ACTIVATION_TIER)
"""Service settings that are read: "Managing instances automatically with Default Host Management Configuration", "Instance tiers"."""

AT_WORK = timedelta(hours=1)
"""An activation for one machine that was made within this time and ends within it is taken for that of a run at work."""

_QUICK_SETUP_ROLES = ("AmazonSSMRoleForInstancesQuickSetup", "AmazonSSMRoleForAutomationAssumeQuickSetup")
_QUICK_SETUP_PREFIXES = ("AWS-QuickSetup-", "AWSQuickSetup")
_DEFAULT_POLICY = "AmazonSSMManagedEC2InstanceDefaultPolicy"


def leases(seen: Seen) -> Iterator[Finding]:
    """Yield the leases of the account, whoever holds them."""
    left: List[Optional[Left]] = [
        found(holder.of, seen.now, holder.tags.get(LEASE_TAG), holder.inline.get(LEASE_POLICY)) for holder in seen.holders
    ]
    left += [found(f"instance {name}", seen.now, tag) for name, tag in sorted(seen.leased_instances.items())]
    for lease in left:
        if lease is not None:
            yield finding("lease-left" if lease.expired else "lease-held", lease.holder, lease.says)


def activations(seen: Seen) -> Iterator[Finding]:
    """Yield activations that still work, or are over and still there."""
    for one in seen.activations:
        of = f"activation {one.id}"
        says = f"for {one.name or 'machines'} with role {one.role or '?'}, used {one.used} of {one.limit} times, {_ends(one, seen.now)}"
        over = one.expired or (one.expires is not None and one.expires <= seen.now) or one.used >= one.limit
        if over:
            yield finding("activation-left", of, says)
        elif not _at_work(one, seen.now):
            yield finding("activation-open", of, says)


def _at_work(one: Activation, now: datetime) -> bool:
    recent = one.created is not None and now - one.created < AT_WORK
    return recent and one.limit == 1 and one.expires is not None and one.expires - now < AT_WORK


def _ends(one: Activation, now: datetime) -> str:
    if one.expires is None:
        return "its end is not known"
    return f"over for {age(now - one.expires)}" if one.expires <= now else f"works for another {age(one.expires - now)}"


def nodes(seen: Seen, rules: Rules) -> Iterator[Finding]:
    """Yield hybrid nodes that were not heard of for long."""
    for node in seen.nodes:
        if node.status == "Online" or rules.offline_after is None:
            continue
        silent = None if node.last_ping is None else seen.now - node.last_ping
        if silent is None or silent > rules.offline_after:
            since = "never heard of" if silent is None else f"not heard of for {age(silent)}"
            yield finding("node-offline", f"node {node.id}", f"{node.name or 'without a name'}: {node.status}, {since}")


def quick_setup(seen: Seen) -> Iterator[Finding]:
    """Yield what Quick Setup and the default host management configuration changed in the account."""
    for holder in seen.holders:
        if holder.name in _QUICK_SETUP_ROLES or holder.name.startswith(_QUICK_SETUP_PREFIXES):
            yield finding("quick-setup", holder.of, "made by Quick Setup")
        if any(arn.endswith(f":aws:policy/{_DEFAULT_POLICY}") for arn in holder.attached):
            yield finding("default-host-management", holder.of, f"has {_DEFAULT_POLICY}")
    role = seen.settings.get(DEFAULT_HOST_ROLE, "$None")
    if role not in ("", "$None"):
        yield finding("default-host-management", f"Region {seen.region}", f"default host management uses the role {role}")
    if seen.settings.get(ACTIVATION_TIER) == "advanced":
        yield finding("advanced-instances", f"Region {seen.region}", "hybrid nodes can be reached by Session Manager, at a price for each")
