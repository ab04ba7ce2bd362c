# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit saw and found, as plain data for results and reports. It holds no secret."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any, Dict, Optional

from ..access_key import Key
from ..document import readable
from .judge import Verdict
from .records import Holder, Rules, Seen


def view(seen: Seen, rules: Rules, verdict: Verdict) -> Dict[str, Any]:
    """Return the result of ``access_info``."""
    return {
        "account": seen.account,
        "partition": seen.partition,
        "region": seen.region,
        "time": told(seen.now),
        "whole_account": seen.whole_account,
        "identities": [_holder(holder, seen) for holder in _ordered(seen, rules)],
        "activations": [
            {"id": one.id, "name": one.name, "role": one.role, "limit": one.limit, "used": one.used, "created": told(one.created),
             "expires": told(one.expires), "expired": one.expired}
            for one in seen.activations
        ],
        "nodes": [
            {"id": node.id, "name": node.name, "status": node.status, "last_ping": told(node.last_ping), "role": node.role}
            for node in seen.nodes
        ],
        "findings": [asdict(one) for one in verdict.findings],
        "accepted": [dict(asdict(one), reason=reason) for one, reason in verdict.accepted],
        "counts": verdict.counts,
    }  # fmt: skip


def told(moment: Optional[datetime]) -> Optional[str]:
    """Return a time as results say it."""
    return None if moment is None else moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _ordered(seen: Seen, rules: Rules) -> Any:
    return sorted((holder for holder in seen.holders if rules.covers(holder)), key=lambda holder: (holder.kind, holder.name))


def _holder(holder: Holder, seen: Seen) -> Dict[str, Any]:
    shown: Dict[str, Any] = {
        "kind": holder.kind,
        "name": holder.name,
        "arn": holder.arn,
        "owner": holder.owner,
        "boundary": holder.boundary,
        "policies": list(holder.attached),
        "inline_policies": sorted(holder.inline),
        "created": told(holder.created),
        "tags": dict(holder.tags),
    }
    if holder.kind == "role":
        return {
            **shown,
            "trust": readable(holder.trust),
            "instance_profiles": list(holder.profiles),
            "last_used": told(holder.last_used),
        }
    keys = seen.keys.get(holder.name)
    return {
        **shown,
        "groups": list(holder.groups),
        "password": seen.passwords.get(holder.name),
        "keys": None if keys is None else [_key(key, seen.now) for key in keys],
    }


def _key(key: Key, now: datetime) -> Dict[str, Any]:
    return {
        "id": key.id,
        "status": "Active" if key.active else "retired" if key.retired else "Inactive",
        "created": told(key.created),
        "age_days": (now - key.created).days,
        "last_used": told(key.used),
        "last_used_service": key.used_service,
        "last_used_region": key.used_region,
        "retired": told(key.tagged),
    }
