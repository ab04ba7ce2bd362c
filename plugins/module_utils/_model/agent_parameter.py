# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parameter that holds the agent's configuration: what it is to be, and the changes that lead there.

Its name, type and size follow "Create IAM Roles and Users for Use With CloudWatch Agent" and "Managing parameter tiers".
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

from .errors import InputError, Outdated, Refusal
from .lease import Left
from .plan import Change
from .tags import OWNER_TAG, TAG_PREFIX

PREFIX = "AmazonCloudWatch-"
"""How names begin that CloudWatchAgentServerPolicy lets read, and CloudWatchAgentAdminPolicy lets write."""
STRING, SECURE = "String", "SecureString"
STANDARD, ADVANCED = "Standard", "Advanced"
LIMITS = {STANDARD: 4096, ADVANCED: 8192}
"""Bytes of a value by tier."""
TIERS = {"standard": STANDARD, "advanced": ADVANCED}
HIDDEN = "(not shown: a SecureString)"
ALLOWED = "allowed"


@dataclass(frozen=True)
class Rules:
    """What the task asks for. ``None`` leaves something as it is."""

    name: str
    present: bool = True
    config: Optional[Mapping[str, Any]] = None
    kind: Optional[str] = None
    kms_key_id: str = ""
    tier: str = "auto"
    description: Optional[str] = None
    tags: Mapping[str, str] = field(default_factory=dict)
    owned_by: str = "default"
    adopt: bool = False
    delete_unowned: bool = False
    prefixes: Tuple[str, ...] = (PREFIX,)
    take_over: bool = False
    """A lease that is not over counts as left behind."""
    saves_as: str = ""
    """How the ARN ends of who saves with the task's lease; empty without one."""


@dataclass(frozen=True)
class Parameter:
    """What Parameter Store holds, or is to hold, under the name."""

    text: str = field(repr=False)
    kind: str = STRING
    version: int = 0
    tier: str = STANDARD
    description: str = ""
    kms_key_id: str = ""
    """As whoever wrote it named it; empty for one that is not encrypted."""
    tags: Mapping[str, str] = field(default_factory=dict)
    saved_by: str = field(default="", compare=False)
    """ARN of whoever saved its latest version."""

    @property
    def owner(self) -> str:
        return self.tags.get(OWNER_TAG, "")

    @property
    def config(self) -> Any:
        """The parsed JSON; ``None`` for what is none."""
        return parsed(self.text)


@dataclass(frozen=True)
class Verdict:
    """What IAM's simulator says of the identity that is to write the parameter."""

    decision: str
    """``allowed``, ``implicitDeny`` or ``explicitDeny``."""
    within_boundary: bool = True


def parsed(text: str) -> Any:
    """Return the JSON of a text; ``None`` for what is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def text_of(config: Mapping[str, Any]) -> str:
    """Return the text that is stored: made to be read where that fits the Standard tier, else as short as it gets."""
    readable = json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False)
    if size(readable) <= LIMITS[STANDARD]:
        return readable
    return json.dumps(config, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def without_ec2(config: Mapping[str, Any]) -> Any:
    """Return a configuration without what only EC2 instances can fill in: a parameter may be for them alone."""
    metrics = {name: value for name, value in config.get("metrics", {}).items() if name != "append_dimensions"}
    return _without_placeholders({**config, **({"metrics": metrics} if "metrics" in config else {})})


def size(text: str) -> int:
    """Return how many bytes Parameter Store counts."""
    return len(text.encode("utf-8"))


def tier_for(text: str, asked: str, now: str = "") -> str:
    """Return the tier of a parameter.

    :param asked: ``auto``, ``standard`` or ``advanced``.
    :param now: the tier it has; empty for a new one.
    :raises InputError: for a text that does not fit.
    :raises Refusal: where the tier would have to go down, which Parameter Store does not do.
    """
    length = size(text)
    if length > LIMITS[ADVANCED]:
        raise InputError(
            f"config: {length} bytes, and a parameter of the Advanced tier holds {LIMITS[ADVANCED]}. Split it into several parameters: the "
            "agent loads the first with fetch-config and adds the others with append-config."
        )
    if asked == "standard" and length > LIMITS[STANDARD]:
        raise InputError(
            f"config: {length} bytes, and a parameter of the Standard tier holds {LIMITS[STANDARD]}. Shorten it, or allow the Advanced "
            "tier (tier: auto or advanced), which costs per month."
        )
    if asked == "standard" and now == ADVANCED:
        raise Refusal(
            "tier: the parameter is Advanced, and Parameter Store never makes one Standard again. Delete it and save it anew, or leave "
            "tier: auto."
        )
    return ADVANCED if now == ADVANCED or asked == "advanced" or length > LIMITS[STANDARD] else STANDARD


def unfinished(actual: Parameter, rules: Rules) -> bool:
    """Return whether a run of this task made it and ended before it could write down whose it is: with a lease, that is a call later."""
    if rules.config is None or not rules.saves_as or actual.version != 1 or actual.tags:
        return False
    return actual.saved_by.endswith(rules.saves_as) and actual.text == text_of(rules.config)


def target(actual: Optional[Parameter], rules: Rules, same_key: bool = False) -> Optional[Parameter]:
    """Return what the parameter is to be; ``None`` for none.

    :param same_key: the KMS key asked for is the one it has, under another name.
    :raises Refusal: for a parameter of another type.
    """
    if not rules.present or rules.config is None:
        return None
    _refuse_type(actual, rules)
    same = actual is not None and _same(actual.config, rules.config)
    text = actual.text if actual and same else text_of(rules.config)
    kind = rules.kind or (actual.kind if actual else STRING)
    key = "" if kind == STRING else (rules.kms_key_id or (actual.kms_key_id if actual else ""))
    after = Parameter(
        text=text,
        kind=kind,
        version=actual.version if actual else 0,
        tier=tier_for(text, rules.tier, actual.tier if actual else ""),
        description=(actual.description if actual else "") if rules.description is None else rules.description,
        kms_key_id=actual.kms_key_id if actual and same_key else key,
        tags={**(actual.tags if actual and not unfinished(actual, rules) else {OWNER_TAG: rules.owned_by}), **rules.tags},
    )
    return replace(after, version=after.version + 1) if writes(after, actual) else after


def writes(after: Optional[Parameter], before: Optional[Parameter]) -> bool:
    """Return whether a version of the parameter is to be written. Tags are none of it."""
    if after is None:
        return False
    return before is None or _written(after) != _written(before)


def plan(after: Optional[Parameter], before: Optional[Parameter], rules: Rules, left: List[Left], with_lease: str) -> List[Change]:
    """Return the ordered changes: leases left behind end first.

    :param with_lease: how the permission to write is had, in words; empty for the caller's own.
    :raises Refusal: for a parameter of somebody else, and while somebody else's lease holds.
    """
    changes = []
    if before and after is None and rules.present is False:
        _refuse_foreign(before, rules, rules.delete_unowned, "delete_unowned")
        changes.append(Change("delete", "parameter", rules.name, before=before.version))
    if after and writes(after, before):
        words = f"{rules.name} {with_lease}".strip()
        changes.append(Change("update" if before else "create", "parameter", words, after=after.version))
    if after and dict(after.tags) != dict(before.tags if before else {}) and (before or with_lease):
        changes.append(Change("tag", "parameter", rules.name))
    if before and after and changes and not unfinished(before, rules):
        _refuse_foreign(before, rules, rules.adopt, "adopt")
    return [*_endings(left, rules, bool(changes)), *changes]


def judge_name(rules: Rules, verdict: Optional[Verdict], writer: str, granted: bool) -> List[str]:
    """Return what is to be said of the name.

    :param verdict: what IAM says of the writer's own policies; ``None`` where it may not be asked.
    :param writer: who writes, in words.
    :param granted: the lease itself grants the write, so that no policy has to.
    :raises Refusal: for a name that the writer may not write.
    """
    usual = any(rules.name.startswith(prefix) for prefix in rules.prefixes)
    prefixes = " or ".join(rules.prefixes)
    if verdict is None:
        if not usual:
            raise Refusal(
                f"name: {rules.name} does not begin with {prefixes}, which is what CloudWatchAgentAdminPolicy lets write and "
                f"CloudWatchAgentServerPolicy lets read, and IAM could not be asked what {writer} may write. Rename it, allow "
                "iam:SimulatePrincipalPolicy to whoever runs this, or add its beginning to parameter_prefixes."
            )
        return [f"IAM could not be asked whether {writer} may write {rules.name} (iam:SimulatePrincipalPolicy); its name is the usual one."]
    may = verdict.within_boundary and (verdict.decision == ALLOWED or (granted and usual and verdict.decision == "implicitDeny"))
    if not may:
        why = "its permissions boundary leaves it out" if not verdict.within_boundary else verdict.decision
        other = "" if rules.name.startswith(PREFIX) else f"Choose a name that its policy reaches, such as {PREFIX}linux, or "
        remedy = f"{other}extend its policy (role cwagent_admin: cwagent_admin_policy, cwagent_admin_parameters), or save with a lease."
        raise Refusal(f"{writer} may not write parameter {rules.name} (ssm:PutParameter: {why}). {remedy[0].upper()}{remedy[1:]}")
    if not rules.name.startswith(PREFIX):
        return [f"{rules.name} does not begin with {PREFIX}: a server with CloudWatchAgentServerPolicy alone cannot read it."]
    return []


def view(record: Optional[Parameter]) -> Dict[str, Any]:
    """Return a parameter as plain data. The content of a SecureString is not in it."""
    if record is None:
        return {"state": "absent"}
    content = HIDDEN if record.kind == SECURE else record.config if record.config is not None else record.text
    return {
        "state": "present",
        "config": content,
        "type": record.kind,
        "tier": record.tier,
        "version": record.version,
        "size": size(record.text),
        "description": record.description,
        "kms_key_id": record.kms_key_id,
        "tags": dict(record.tags),
    }


def _without_placeholders(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_placeholders(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_placeholders(inner) for inner in value]
    return value.replace("${aws:", "{") if isinstance(value, str) else value


def _written(record: Parameter) -> Tuple[Any, ...]:
    return (record.text, record.kind, record.tier, record.description, record.kms_key_id)


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON: for Python, 1 and true are equal."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _refuse_type(actual: Optional[Parameter], rules: Rules) -> None:
    if actual is None:
        return
    if actual.kind not in (STRING, SECURE):
        raise Refusal(f"parameter {rules.name} is a {actual.kind}, which holds no configuration. Choose another name, or delete it.")
    if rules.kind and rules.kind != actual.kind:
        raise Refusal(
            f"parameter {rules.name} is a {actual.kind}, and Parameter Store never makes it a {rules.kind}. Delete it first "
            "(state: absent), choose another name, or leave type out."
        )
    if rules.kms_key_id and actual.kind == STRING:
        raise Refusal(
            f"kms_key_id: parameter {rules.name} is a String, which is not encrypted. Delete it first to save it as a SecureString."
        )


def _refuse_foreign(before: Parameter, rules: Rules, allowed: bool, option: str) -> None:
    if before.owner != rules.owned_by and not allowed:
        owner = f"belongs to {before.owner}" if before.owner else "has no owner of ours"
        raise Refusal(
            f"parameter {rules.name} {owner} (tag {TAG_PREFIX}owner), and this run acts for {rules.owned_by}. Choose another name, or set "
            f"{option}: true."
        )


def _endings(left: List[Left], rules: Rules, needed: bool) -> List[Change]:
    running = [lease for lease in left if not lease.expired and not rules.take_over]
    if running and needed:
        held = "; ".join(f"{lease.holder}, {lease.says}" for lease in running)
        raise Outdated(
            f"Another run has a lease now: {held}. Wait until it is over. If that run was killed, set lease.take_over: true, which ends "
            "its lease first. Nothing was changed."
        )
    return [Change("end", "lease", f"left behind on {lease.holder}: {lease.says}", before=lease) for lease in left if lease not in running]
