# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which instances are given an instance profile, or lose it, and what their agents need afterwards.

"Attach an IAM Instance Profile to an Amazon EC2 Instance" (AWS Systems Manager user guide). "If you change the IAM instance profile, it
might take some time for the instance credentials to refresh. … To speed up the refresh process, you can restart SSM Agent or restart the
instance" ("Create an IAM Instance Profile for Systems Manager").
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from .context import Context
from .errors import InputError, Outdated, Refusal
from .grants import listed
from .instance_profiles import ASSOCIATED, Association, Profile, is_named, name_of
from .names import name as checked_name
from .plan import Change

GONE = ("terminated", "shutting-down")
"""States of an instance that no profile can be put on any more."""
STOPPED = ("stopped", "stopping")
"""States in which one profile cannot replace another: it is taken off, and the other put on."""
_ID = re.compile(r"i-[0-9a-f]{8,17}")
_ARN = re.compile(r"arn:[a-z-]+:iam::\d{12}:instance-profile/(?:[\x21-\x7e]+/)?[\w+=,.@-]+", re.ASCII)
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True)
class Rules:
    """What the task asked for."""

    profile: str
    """Name or ARN."""
    present: bool = True
    instances: Tuple[str, ...] = ()
    """Ids. Empty when ``filters`` say which."""
    filters: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    """As EC2's DescribeInstances takes them."""
    allow_no_match: bool = False
    replace: bool = False
    """Any other profile may be replaced."""
    replaces: Tuple[str, ...] = ()
    """Names or ARNs of those that may be replaced."""
    leave_others: bool = False
    """An instance with a profile that may not be replaced keeps it, instead of ending the run."""
    reboot: bool = False
    guard: int = 25


@dataclass(frozen=True)
class Instance:
    id: str
    name: str
    """Its tag ``Name``; empty without one."""
    state: str
    """As EC2 says it: ``running``, ``stopped``, ``terminated`` …"""
    association: Optional[Association] = None

    @property
    def of(self) -> str:
        return f"instance {self.id}"

    @property
    def gone(self) -> bool:
        return self.state in GONE

    @property
    def profile(self) -> Optional[str]:
        """ARN of the profile that it has or is about to have."""
        return None if self.association is None or self.association.leaving else self.association.profile_arn


@dataclass(frozen=True)
class Fleet:
    """The instances of one task, and the profile that it is about."""

    instances: Tuple[Instance, ...]
    profile: Optional[Profile] = None
    """``None`` when IAM has none of that name, or nobody had to ask."""


def rules(options: Mapping[str, Any]) -> Rules:
    """Return what the module's options ask for.

    :raises InputError: naming the option and the remedy.
    """
    any_other, named = _replace(options["replace"])
    instances = tuple(dict.fromkeys(options["instance_ids"] or ()))
    for instance in instances:
        if not _ID.fullmatch(instance):
            raise InputError(f"instance_ids: {instance!r} is no id of an instance, which reads i-0123456789abcdef0.")
    filters = _filters(options["filters"])
    if bool(instances) == bool(filters):
        raise InputError(
            "Say which instances: either instance_ids, or filters such as {'tag:Role': web}. "
            + ("Both were given." if instances else "Neither holds anything, which would mean every instance of the Region.")
        )
    if options["state"] == "absent" and (any_other or named or options["reboot"]):
        raise InputError("replace and reboot are for state: present. With state: absent the named profile alone is taken away.")
    return Rules(
        profile=_profile(options["instance_profile"], "instance_profile"),
        present=options["state"] == "present",
        instances=instances,
        filters=filters,
        allow_no_match=options["allow_no_match"],
        replace=any_other,
        replaces=named,
        leave_others=options["leave_others"],
        reboot=options["reboot"],
        guard=options["guard"],
    )


def _replace(value: Any) -> Tuple[bool, Tuple[str, ...]]:
    """Return whether any profile may be replaced, and which ones by name. Text is read as Ansible reads a flag, for ``-e``."""
    word = str(value).strip().lower()
    if word in _FLAGS:
        return _FLAGS[word], ()
    return False, tuple(_profile(name, "replace") for name in listed(value, "replace"))


def _profile(value: str, where: str) -> str:
    if not value.startswith("arn:"):
        return checked_name("instance profile", value, where)
    if not _ARN.fullmatch(value):
        raise InputError(
            f"{where}: {value!r} is not the ARN of an instance profile, which reads arn:PARTITION:iam::ACCOUNT:instance-profile/NAME."
        )
    return value


def _filters(given: Optional[Mapping[str, Any]]) -> Dict[str, Tuple[str, ...]]:
    filters = {}
    for name, value in (given or {}).items():
        values = value if isinstance(value, (list, tuple)) else [value]
        texts = tuple(str(item).lower() if isinstance(item, bool) else str(item) for item in values if item is not None)
        if not texts:
            raise InputError(f"filters: {name} has no value. Give one or more, or use the filter tag-key for a tag with any value.")
        filters[str(name)] = texts
    return filters


def wants_profile(wanted: Rules, instances: Sequence[Instance]) -> bool:
    """Tell whether IAM must be asked for the profile: only to give it to somebody."""
    return wanted.present and any(not instance.gone and not _has(instance, wanted.profile) for instance in instances)


def target(wanted: Rules, actual: Fleet, context: Context) -> Fleet:
    """Return the instances as they shall be.

    :param context: the caller's, for the ARN of a profile that IAM does not have yet.
    """
    profile = actual.profile or Profile(name_of(wanted.profile), _arn(wanted, context))
    return replace(actual, instances=tuple(_wanted(wanted, instance, profile) for instance in actual.instances))


def _wanted(wanted: Rules, instance: Instance, profile: Profile) -> Instance:
    if instance.gone or _keeps_other(wanted, instance):
        return instance
    has = _has(instance, wanted.profile)
    if wanted.present:
        return instance if has else replace(instance, association=Association("", profile.arn, ASSOCIATED))
    return replace(instance, association=None) if has else instance


def _has(instance: Instance, profile: str) -> bool:
    return instance.profile is not None and is_named(instance.profile, profile)


def _keeps_other(wanted: Rules, instance: Instance) -> bool:
    """Tell whether the instance has a profile that this task may not touch."""
    if instance.profile is None or _has(instance, wanted.profile):
        return False
    if not wanted.present:
        return True
    return not (wanted.replace or any(is_named(instance.profile, name) for name in wanted.replaces))


def _arn(wanted: Rules, context: Context) -> str:
    return wanted.profile if wanted.profile.startswith("arn:") else context.arn("iam", f"instance-profile/{wanted.profile}")


def plan(wanted: Rules, target: Fleet, actual: Fleet, region: str, begun: Collection[str] = ()) -> List[Change]:
    """Return the ordered changes: profiles first, then reboots.

    :param region: for messages.
    :param begun: ids of instances whose profile this run has changed before, or tried to, and that are still to be rebooted.
    :raises Refusal: for instances that are not there or have another's profile, for too many, and for a profile without a role.
    """
    _refuse_no_match(wanted, actual, region)
    _refuse_others(wanted, actual)
    pairs = [(before, after) for before, after in zip(actual.instances, target.instances) if before.profile != after.profile]
    if wanted.filters and 0 <= wanted.guard < len(pairs):
        raise Refusal(
            f"filters: the filter finds {len(pairs)} instances to change, more than guard={wanted.guard} allows: "
            f"{', '.join(before.id for before, _after in pairs)}. Raise guard if that is meant, or narrow the filter."
        )
    if pairs and wanted.present and actual.profile is not None and not actual.profile.roles:
        raise Outdated(
            f"instance profile {actual.profile.name}: it holds no role, so no instance would get credentials from it. Put a role into it: "
            "iam_identities does, with instance_profile: true."
        )
    changes = [_change(before, after) for before, after in pairs]
    if wanted.reboot:
        due = {before.id for before, _after in pairs} | set(begun)
        changes += [Change("reboot", "instance", one.id, after=one) for one in target.instances if one.id in due and one.state == "running"]
    return changes


def _change(before: Instance, after: Instance) -> Change:
    old, new = before.profile, after.profile
    if new is None:
        return Change("detach", "instance profile", name_of(str(old)), before.of, before, after)
    if old is None:
        return Change("attach", "instance profile", name_of(new), before.of, before, after)
    return Change("replace", "instance profile", f"{name_of(old)} by {name_of(new)}", before.of, before, after)


def _refuse_no_match(wanted: Rules, actual: Fleet, region: str) -> None:
    if wanted.filters and not wanted.allow_no_match and all(instance.gone for instance in actual.instances):
        said = "; ".join(f"{name}={','.join(values)}" for name, values in wanted.filters.items())
        ended = f" but {len(actual.instances)} that are terminated" if actual.instances else ""
        raise Refusal(
            f"filters: no instance in {region} matches {said}{ended}. Look for a slip in it (names and values of tags are case sensitive), "
            "or set allow_no_match: true where none is fine."
        )


def _refuse_others(wanted: Rules, actual: Fleet) -> None:
    others = [instance for instance in actual.instances if not instance.gone and _keeps_other(wanted, instance)]
    if not wanted.present or wanted.leave_others or not others:
        return
    said = ", ".join(f"{instance.id} has {name_of(str(instance.profile))}" for instance in others)
    raise Refusal(
        f"instance_profile: an instance has one profile only, and these have another, whose permissions they would lose: {said}. "
        "Add the policies to that profile's role instead (iam_identities with existing: true), or say replace: true, or replace: [NAME] "
        "for a former profile of that name only, or leave_others: true to pass over such instances. Nothing was changed."
    )


def told(wanted: Rules, before: Fleet, after: Fleet, made: Sequence[Change]) -> List[Dict[str, Any]]:
    """Return per instance what was done, as plain data.

    :param made: the changes that were made, or in check mode would be.
    """
    touched = {change.of for change in made if change.what == "instance profile"}
    rebooted = {change.key for change in made if change.step == "reboot"}
    result = []
    for old, new in zip(before.instances, after.instances):
        changed = old.of in touched
        result.append(
            {
                "id": old.id,
                "name": old.name,
                "state": old.state,
                "before": old.profile,
                "after": new.profile if changed else old.profile,
                "changed": changed,
                "rebooted": old.id in rebooted,
                # A stopped instance takes its credentials anew when it starts.
                "needs_restart": changed and wanted.present and old.state == "running" and old.id not in rebooted,
                "passed_over": _passed_over(wanted, old),
            }
        )
    return result


def asked_for(wanted: Rules, before: Fleet, context: Context) -> Optional[Dict[str, Any]]:
    """Return the profile of the task as plain data; ``None`` when nobody needs it, so that IAM was not asked for it."""
    if not wants_profile(wanted, before.instances):
        return None
    found = before.profile
    return {
        "name": found.name if found else name_of(wanted.profile),
        "arn": found.arn if found else _arn(wanted, context),
        "exists": found is not None,
    }


def _passed_over(wanted: Rules, instance: Instance) -> str:
    if instance.gone:
        return f"it is {instance.state}"
    return f"it has the profile {name_of(str(instance.profile))}" if _keeps_other(wanted, instance) else ""


def to_wait_for(after: Fleet, before: Fleet) -> Dict[str, Optional[str]]:
    """Return instance id to the profile's ARN, or ``None``, for those that change or are on their way already."""
    return {
        new.id: new.profile
        for old, new in zip(before.instances, after.instances)
        if not old.gone and (old.profile != new.profile or (old.association is not None and old.association.state != ASSOCIATED))
    }
