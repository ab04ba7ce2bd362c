# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan would take from an agent that runs right now: whoever it works as, or the last policy that it works by.

That an identity is in use is told by its last use ("Refining permissions in AWS using last accessed information", IAM user guide) or by
instances that run with it. Neither is asked for unless a plan takes something away.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Set, Tuple, Union

from .. import document as documents
from .. import trust as trusts
from ..errors import Refusal
from ..permissions import overlap
from ..plan import Change
from .records import Document, Identities, Role, Texts, User

WITHIN = timedelta(hours=24)
"""An identity whose last use is younger than this is in use. AWS reports a use up to four hours late."""

AGENTS: Mapping[str, Tuple[str, ...]] = {
    "the CloudWatch agent": ("cloudwatch:putmetricdata", "logs:putlogevents"),
    "SSM Agent": ("ssm:updateinstanceinformation", "ssmmessages:createcontrolchannel"),
}
"""Each agent and the actions without all of which it is of no use."""
_BOTH = frozenset(AGENTS)
_CLOUDWATCH, _SSM = (frozenset({agent}) for agent in AGENTS)
MANAGED: Mapping[str, FrozenSet[str]] = {
    "CloudWatchAgentServerPolicy": _CLOUDWATCH,
    "CloudWatchAgentAdminPolicy": _CLOUDWATCH,
    "AmazonSSMManagedInstanceCore": _SSM,
    "AmazonSSMManagedEC2InstanceDefaultPolicy": _SSM,
    "AmazonSSMDirectoryServiceAccess": frozenset(),
    "AmazonSSMPatchAssociation": frozenset(),
    "service-role/AmazonEC2RoleforSSM": _BOTH,
}
"""Which agents work by an AWS managed policy, by its path and name. What is not here is judged by its text."""
SERVICES = ("ec2.amazonaws.com", "ssm.amazonaws.com")
"""Those that hand a role's credentials to agents."""

Holder = Union[Role, User]


class Loss(NamedTuple):
    """Something that a plan takes from a role or user."""

    of: str
    """In words: ``role web``."""
    how: str
    """What would happen to it, as the end of a sentence; empty while that depends on texts of policies."""


def losses(changes: Iterable[Change], target: Identities, actual: Identities) -> List[Loss]:
    """Return who would lose what, as far as it can be told without asking more. Those that go come once."""
    found: Dict[str, Loss] = {}
    for change in changes:
        if change.step == "delete" and change.what in ("role", "user"):
            found[f"{change.what} {change.key}"] = Loss(f"{change.what} {change.key}", "would be deleted")
    for change in changes:
        of, how = _loss(change)
        if of and of not in found and _holder(of, actual) is not None:
            found[of] = Loss(of, how)
    for of in _with_other_text(target, actual):
        found.setdefault(of, Loss(of, ""))
    return [loss for loss in found.values() if loss.how or _may_stop(loss.of, target, actual)]


def _loss(change: Change) -> Tuple[str, str]:
    if change.step == "remove" and change.what == "role":
        return f"role {change.key}", f"would be taken out of {change.of}, so that instances with it get no credentials"
    if change.what == "trust policy":
        gone = sorted(_serves(change.before) - _serves(change.after))
        return (change.of, f"would no longer trust {' and '.join(gone)}, which hands its credentials to agents") if gone else ("", "")
    if (change.step, change.what) in (("detach", "managed policy"), ("delete", "inline policy")) or (
        (change.step, change.what) == ("put", "inline policy") and change.before is not None
    ):
        return change.of, ""
    return "", ""


def _serves(trust: Document) -> Set[str]:
    """Return the services that hand a role's credentials to agents, each in one of its spellings."""
    found = (service[: -len(".cn")] if service.endswith(".cn") else service for service in trusts.services(trust))
    return {service for service in found if service in SERVICES}


def _with_other_text(target: Identities, actual: Identities) -> List[str]:
    """Return everybody in the call to whom a policy is attached that the call writes anew."""
    rewritten = _rewritten(target, actual)
    holders = [(f"role {name}", role) for name, role in actual.roles.items()]
    holders += [(f"user {name}", user) for name, user in actual.users.items()]  # type: ignore[misc]
    return [of for of, holder in holders if holder is not None and rewritten.intersection(holder.attached)]


def _rewritten(target: Identities, actual: Identities) -> Set[str]:
    before, after = _own(actual), _own(target)
    return {arn for arn, text in before.items() if arn in after and after[arn] != text}


def _may_stop(of: str, target: Identities, actual: Identities) -> bool:
    """Tell whether an agent may lose its last policy, all that goes with an unknown text being taken for such."""
    before, after = _holder(of, actual), _holder(of, target)
    if before is None or after is None:
        return False
    left = after.inline or {}
    arns = {arn for arn in before.attached if arn not in after.attached}.union(_rewritten(target, actual).intersection(before.attached))
    inline = [text for name, text in (before.inline or {}).items() if left.get(name) != text]
    gone = _works(arns, inline, _own(actual), _BOTH)
    return bool(gone - _works(after.attached, left.values(), {**_own(actual), **_own(target)}, frozenset()))


def unread(of: str, target: Identities, actual: Identities) -> Tuple[Set[str], bool]:
    """Return the ARNs of the policies whose texts decide, and whether the inline ones must be read too."""
    before, after = _holder(of, actual), _holder(of, target)
    if before is None or after is None:
        return set(), False
    own = _own(actual)
    arns = {arn for arn in (*before.attached, *after.attached) if arn not in own and _known(arn) is None}
    return arns, before.inline is None


def refuse(target: Identities, actual: Identities, changes: Iterable[Change]) -> None:
    """Refuse what would stop an agent that runs.

    :raises Refusal: naming who is in use, by what that is known, what would happen, and the switch.
    """
    if not actual.uses:
        return
    found = []
    for loss in losses(changes, target, actual):
        how = loss.how or _stopped(loss.of, target, actual)
        if how and loss.of in actual.uses:
            found.append(f"{loss.of} {how}, and it is in use: {actual.uses[loss.of]}")
    if found:
        raise Refusal(f"{'; '.join(found)}. Nothing was changed. Stop the agents or move them first, or set allow_in_use: true.")


def _stopped(of: str, target: Identities, actual: Identities) -> str:
    """Return in words which agents lose their last policy, by all texts; empty for none."""
    own = {**actual.texts.managed, **_own(actual)}
    gone = sorted(_by_all(of, actual, actual.texts, own) - _by_all(of, target, actual.texts, {**own, **_own(target)}))
    return f"would lose the last policy by which {' and '.join(gone)} works" if gone else ""


def _by_all(of: str, state: Identities, texts: Texts, known: Mapping[str, Document]) -> FrozenSet[str]:
    holder = _holder(of, state)
    if holder is None:
        return frozenset()
    inline = texts.inline.get(of, ()) if holder.inline is None else holder.inline.values()
    return _works(holder.attached, inline, known, frozenset())


def _works(arns: Iterable[str], inline: Iterable[Document], known: Mapping[str, Document], unknown: FrozenSet[str]) -> FrozenSet[str]:
    """Return the agents that work by these policies.

    :param known: texts by ARN.
    :param unknown: what a policy counts for whose text is not known.
    """
    result: Set[str] = set()
    for arn in arns:
        managed = _known(arn)
        result |= managed if managed is not None else works_by(known[arn]) if arn in known else unknown
    for text in inline:
        result |= works_by(text)
    return frozenset(result)


def works_by(text: Mapping[str, Any]) -> FrozenSet[str]:
    """Return the agents that a policy's text gives anything to work by. Resources, conditions and denials are not looked at."""
    return frozenset(agent for agent, actions in AGENTS.items() if any(_allows(text, action) for action in actions))


def _allows(text: Mapping[str, Any], action: str) -> bool:
    for statement in documents.members(text.get("Statement")):
        if str(statement.get("Effect", "")).lower() != "allow":
            continue
        if "NotAction" in statement:
            if not any(overlap(str(one).lower(), action) for one in documents.members(statement["NotAction"])):
                return True
        elif any(overlap(str(one).lower(), action) for one in documents.members(statement.get("Action"))):
            return True
    return False


def _known(arn: str) -> Optional[FrozenSet[str]]:
    owner, _policy, name = arn.partition(":policy/")
    return MANAGED.get(name) if owner.endswith(":iam::aws") else None


def _own(state: Identities) -> Dict[str, Document]:
    return {policy.arn: policy.document for policy in state.policies.values() if policy is not None}


def _holder(of: str, state: Identities) -> Optional[Holder]:
    kind, _space, name = of.partition(" ")
    return state.roles.get(name) if kind == "role" else state.users.get(name) if kind == "user" else None
