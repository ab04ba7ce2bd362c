# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of identities with retired policies: what each would gain and lose, and what to do about a loss."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Sequence, Set

from . import retired
from .context import Context
from .identities.records import Document
from .migration import Account, Carried, Holder, Rules, carriers, goes, movable, moved, replacements
from .permissions import Comparison, Difference, compare
from .plan import Change

_ADVICE = {
    ("s3:",): (
        "Objects in every bucket are out of reach then. An instance that stores output in a bucket of yours needs that bucket alone: "
        "attach a policy of the preset ssm_s3 that names it. Behind a VPC endpoint it needs AWS's own buckets, which that preset names too."
    ),
    ("logs:", "cloudwatch:"): (
        "Logs and metrics: where the CloudWatch agent, or session logs, use this identity, it needs CloudWatchAgentServerPolicy or "
        "a policy of the presets cwagent_server_scoped and session_manager."
    ),
    ("ds:",): "Instances that join a domain of AWS Directory Service need AmazonSSMDirectoryServiceAccess.",
    ("ssm:getparameter", "ssm:putparameter"): (
        "Parameters: AWS's policies reach those alone whose names begin with AmazonCloudWatch-. For others attach a policy of the presets "
        "cwagent_server_scoped or cwagent_admin_scoped that names them."
    ),
}
"""First letters of actions, and what to do where they are lost and still used."""


def needed_texts(wanted: Rules, account: Account, context: Context) -> Set[str]:
    """Return the ARNs of the policies whose texts the report compares and that the account does not hold itself."""
    arns: Set[str] = set()
    for holder, gone in carriers(account, context.partition):
        arns.update(arn for one in _with_groups(holder, account) for arn in one.attached)
        arns.update(replacements(gone, wanted, account, holder, context))
    return {arn for arn in arns if arn not in account.policies}


def needs_quota(wanted: Rules, account: Account, context: Context) -> bool:
    """Tell whether ten attachments, the smallest quota that IAM sets, may not do."""
    found = [holder for holder, _gone in carriers(account, context.partition) if movable(holder)]
    return wanted.move and any(len({*holder.attached, *moved(holder, wanted, account, context).attached}) > 10 for holder in found)


def report(wanted: Rules, account: Account, context: Context, asked: Set[str], done: Sequence[str]) -> List[Dict[str, Any]]:
    """Return what is known of each identity with retired policies, as plain data.

    :param account: as it was before anything was changed.
    :param asked: those that the task shall move, as ``role/web``.
    :param done: in words, as ``role web``: those that were moved, or in check mode would be.
    """
    return [
        _entry(holder, gone, wanted, account, context, holder.id in asked, done) for holder, gone in carriers(account, context.partition)
    ]


def done(planned: Sequence[Change], left: Sequence[Change]) -> List[str]:
    """Return in words, as ``role web``, the identities that a plan takes something off, all of it unless it is still ``left``."""
    open_ends = {change.of for change in left}
    return sorted({change.of for change in planned if change.of and not change.of.startswith("policy ")} - open_ends)


def _entry(
    holder: Holder, found: List[Carried], wanted: Rules, account: Account, context: Context, asked: bool, done: Sequence[str]
) -> Dict[str, Any]:
    # What a move would come to is shown for inline policies too, whether or not this task may take them.
    after = moved(holder, replace(wanted, delete_policies=True), account, context)
    compared = compare(_texts(holder, account), _texts(after, account))
    return {
        "kind": holder.kind,
        "name": holder.name,
        "arn": holder.arn,
        "retired": [
            {
                "how": one.how,
                "policy": one.policy,
                "name": one.retired.name,
                "why": one.retired.why,
                "instead": list(wanted.instead[one.retired]),
            }
            for one in found
        ],
        "attach": [arn for arn in after.attached if arn not in holder.attached],
        "loses": [_shown(one) for one in compared.loses],
        "gains": [_shown(one) for one in compared.gains],
        "denied": [_shown(one) for one in compared.denied],
        "advice": _advice(compared),
        "moved": holder.of in done,
        "stays": _stays(holder, found, wanted, asked),
    }


def _stays(holder: Holder, found: List[Carried], wanted: Rules, asked: bool) -> str:
    """Return why retired policies stay, in words; empty when none does."""
    if holder.kind == "group":
        return "groups are reported only: attach the new policies and detach the old ones by hand"
    if not movable(holder):
        return "the role belongs to an AWS service, which alone changes it"
    if not asked:
        return "nobody asked to move it" if wanted.move else "this is the report alone"
    if any(one.how == "inline" and not goes(one, wanted) for one in found):
        return "to take an inline policy off means to delete it, which delete_policies: true allows"
    if any(one.how == "boundary" for one in found):
        return "a permissions boundary is changed by hand, or by iam_identities: it limits and grants nothing"
    return ""


def _texts(holder: Holder, account: Account) -> List[Document]:
    everything = _with_groups(holder, account)
    return [account.document(arn) for one in everything for arn in one.attached] + [
        text for one in everything for text in one.inline.values()
    ]


def _with_groups(holder: Holder, account: Account) -> List[Holder]:
    """A user may do what its groups may do."""
    return [holder, *(one for one in account.holders if one.kind == "group" and one.name in holder.groups)]


def _advice(compared: Comparison) -> List[str]:
    lost = [action.lower() for one in compared.loses for action in one.actions]
    return [text for beginnings, text in _ADVICE.items() if any(action.startswith(beginnings) for action in lost)]


def _shown(one: Difference) -> Dict[str, Any]:
    return {"actions": list(one.actions), "resource": one.resource, "condition": one.condition, "still": list(one.still)}


def lines(entries: Sequence[Mapping[str, Any]]) -> List[str]:
    """Return the report in lines for people."""
    said = []
    for entry in entries:
        said.append(f"{entry['kind']} {entry['name']}: " + "; ".join(f"{one['name']} ({one['policy']})" for one in entry["retired"]))
        for word in ("loses", "gains", "denied"):
            said += [f"  {word}: {_difference(one)}" for one in entry[word]]
        said += [f"  {text}" for text in entry["advice"]]
        said.append("  moved" if entry["moved"] else f"  stays: {entry['stays']}" if entry["stays"] else "  to be moved")
    return said


def _difference(one: Mapping[str, Any]) -> str:
    return str(Difference(tuple(one["actions"]), one["resource"], one["condition"], tuple(one["still"])))


def view(account: Account, before: Account, context: Context) -> Dict[str, Any]:
    """Return the identities that had retired policies, and those policies of 2018 that are there, as plain data for a diff.

    :param before: the account before anything was changed, which says who they are.
    """
    shown: Dict[str, Any] = {"roles": {}, "users": {}, "groups": {}}
    ids = {holder.id for holder, _gone in carriers(before, context.partition)}
    for holder in account.holders:
        if holder.id in ids:
            shown[f"{holder.kind}s"][holder.name] = {"policies": list(holder.attached), "inline_policies": sorted(holder.inline)}
    shown["custom_policies"] = sorted(arn for arn, policy in account.policies.items() if retired.custom(policy.document, context.partition))
    return shown
