# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What fits into the account, told before the first write.

The quotas and their names are those of "IAM and AWS STS quotas" in the IAM user guide. How much of them is used, and what the account
may have, comes from ``GetAccountSummary``. A caller who may not read it goes without: then IAM itself refuses.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping, NamedTuple, Optional, Sequence

from .. import document as documents
from ..errors import Refusal
from ..plan import Change
from .records import Document, Identities


class Quota(NamedTuple):
    what: str
    """The kind of object that counts."""
    used: str
    allowed: str
    """Both as the account's summary calls them."""
    name: str
    """In Service Quotas."""
    code: str = ""
    """Its code there; empty for one that is never raised."""
    instead: str = ""
    """What else helps."""


QUOTAS = (
    Quota("policy", "Policies", "PoliciesQuota", "Customer managed policies per account", "L-E95E4862"),
    Quota("role", "Roles", "RolesQuota", "Roles per account", "L-FE177D64"),
    Quota("instance profile", "InstanceProfiles", "InstanceProfilesQuota", "Instance profiles per account", "L-6E65F664"),
    Quota(
        "user",
        "Users",
        "UsersQuota",
        "Users per account",
        "L-F55AF5E4",
        "Hosts can do without users: see the role onprem_ssm.",
    ),
)
VERSIONS = Quota("version", "PolicyVersionsInUse", "PolicyVersionsInUseQuota", "Policy versions in use per account")
ATTACHMENTS = {"role": ("Managed policies per role", "L-0DA4ABF3"), "user": ("Managed policies per user", "L-4019AD8B")}
"""Name and code of the quota of attached policies, by kind."""
TRUST = ("Role trust policy length", "L-C07B4B0D")
SMALLEST = 10
"""Attached policies that every account allows for a role or user."""
INLINE_LIMITS = {"role": documents.ROLE_INLINE_LIMIT, "user": documents.USER_INLINE_LIMIT}


def refuse(changes: Sequence[Change], summary: Mapping[str, int]) -> None:
    """Refuse a plan that would not fit into the account.

    :param summary: of the account, as IAM gives it; what is not in it is not judged.
    :raises Refusal: with what is used, what is allowed, and what to do, for all quotas at once.
    """
    found = [_over(quota, _count(changes, quota.what), summary) for quota in QUOTAS]
    # A version that makes room goes before the new one comes.
    versions = _count(changes, "policy") + sum(change.what == "document" for change in changes)
    found.append(_over(VERSIONS, versions - sum(change.what == "version" for change in changes), summary))
    told = [text for text in found if text]
    if told:
        raise Refusal(f"{' '.join(told)} Nothing was changed.")


def _count(changes: Sequence[Change], what: str) -> int:
    return sum(change.step == "create" and change.what == what and not change.of for change in changes)


def _over(quota: Quota, new: int, summary: Mapping[str, int]) -> str:
    used, allowed = summary.get(quota.used), summary.get(quota.allowed)
    if new < 1 or used is None or allowed is None or used + new <= allowed:
        return ""
    said = f"This call would make {new} of {quota.name}, of which the account has {used:,} and may have {allowed:,}."
    return " ".join(filter(None, (said, f"Delete those that nobody needs{raised(quota.name, quota.code)}.", quota.instead)))


def raised(name: str, code: str) -> str:
    """Return how a quota is raised, as the end of a sentence; nothing for one that never is."""
    return f", or have the quota {name!r} ({code} of iam in Service Quotas) raised" if code else ""


def trust_room(role: str, trust: Document, actual: Optional[Document], summary: Mapping[str, int]) -> None:
    """Refuse a trust policy that would be put and is too long.

    :raises Refusal: with its length and the account's quota.
    """
    limit = summary.get("AssumeRolePolicySizeQuota") or documents.TRUST_LIMIT
    size = documents.size(trust)
    if trust is not actual and size > limit:
        raise Refusal(
            f"role {role}: its trust policy would have {size:,} characters without white space, and the account allows {limit:,}. Shorten "
            f"it{raised(*TRUST)}. Nothing was changed."
        )


def inline_first(of: str, actual: Optional[Mapping[str, Document]], target: Optional[Mapping[str, Document]], allow_gap: bool) -> bool:
    """Tell whether inline policies must go before others come, since IAM counts all of them together at any moment.

    :param of: ``role web`` or ``user web``.
    :raises Refusal: when they do not fit in the end, or only with a gap that nobody allowed.
    """
    kind = of.partition(" ")[0]
    limit, before, after = INLINE_LIMITS[kind], _sizes(actual), _sizes(target)
    end = sum(after.values())
    if after != before and end > max(limit, sum(before.values())):
        raise Refusal(
            f"{of}: its inline policies would have {end:,} characters without white space together, with those that are there already, and "
            f"IAM allows {limit:,} for a {kind}. Make some managed policies, or list all that shall stay and set purge_inline_policies: "
            "true. Nothing was changed."
        )
    if peak(before, after) <= max(limit, sum(before.values())):
        return False
    if allow_gap:
        return True
    raise Refusal(
        f"{of}: putting its new inline policies before the others go needs {peak(before, after):,} characters for a moment, and IAM allows "
        f"{limit:,}. Set allow_gap: true to delete first, which leaves a moment without those permissions. Nothing was changed."
    )


def _sizes(inline: Optional[Mapping[str, Document]]) -> Mapping[str, int]:
    return {name: documents.size(document) for name, document in (inline or {}).items()}


def peak(before: Mapping[str, int], after: Mapping[str, int]) -> int:
    """Return the most that is there at a moment: new ones come, others are replaced, those that shrink first, and the rest goes."""
    most = now = sum(before.values()) + sum(size for name, size in after.items() if name not in before)
    for grown in sorted(after[name] - before[name] for name in after if name in before):
        now += grown
        most = max(most, now)
    return most


def by_growth(change: Change) -> int:
    """Order replacements of documents so that those which shrink come first."""
    size: Callable[[Any], int] = documents.size
    return size(change.after) - size(change.before)


def creates(actual: Identities, target: Identities) -> bool:
    """Tell whether anything would be made that the account counts, or a trust policy be put that is longer than usual."""
    new = [actual.policies[name] is None for name, policy in target.policies.items() if policy is not None]
    new += [actual.users[name] is None for name, user in target.users.items() if user is not None]
    for name, role in target.roles.items():
        before = actual.roles[name]
        if role is not None:
            new.append(before is None or (role.profile is not None and before.profile is None) or _long(role.trust, before.trust))
    return any(new)


def _long(trust: Document, actual: Document) -> bool:
    return trust is not actual and documents.size(trust) > documents.TRUST_LIMIT


def crowded(actual: Identities, target: Identities) -> bool:
    """Tell whether somebody has more attached policies, for a moment at least, than the smallest quota has room for."""
    pairs = [(actual.roles[name], role) for name, role in target.roles.items()]
    pairs += [(actual.users[name], user) for name, user in target.users.items()]  # type: ignore[misc]
    return any(after is not None and len({*after.attached, *(before.attached if before else ())}) > SMALLEST for before, after in pairs)
