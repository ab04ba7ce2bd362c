# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a task refers to managed policies: by a name of the same call, an AWS managed name, ``account:/path/Name`` or an ARN."""

from __future__ import annotations

from typing import Iterable, List, Mapping, Tuple

from .. import names
from ..context import Context
from ..errors import InputError, Outdated, Refusal

ACCOUNT_PREFIX = "account:"
_BARE_PATHS = ("", "service-role/")


def check(reference: str, context: Context, entry: str) -> None:
    """Refuse what can be no reference, and an ARN of another partition.

    :raises InputError: naming ``entry`` and the four forms.
    """
    if reference.startswith("arn:"):
        parts = names.policy_arn(reference, entry)
        if not context.assumed and parts["partition"] != context.partition:
            raise InputError(
                f"{entry}: {reference} lies in the partition {parts['partition']}, but the caller's account is in {context.partition}. "
                "Give the policy by its name, which finds the right partition by itself."
            )
        if not context.assumed and parts["account"] not in ("aws", context.account):
            raise InputError(
                f"{entry}: {reference} belongs to another account, and IAM attaches only policies of AWS and of the account itself, "
                f"which is {context.account}."
            )
        return
    if reference.startswith(ACCOUNT_PREFIX):
        _path_and_name(reference[len(ACCOUNT_PREFIX) :], entry)
        return
    _path_and_name(reference, entry)


def known_arn(reference: str, own: Mapping[str, str], context: Context) -> str:
    """Return the ARN of a reference that needs no look-up, or an empty string for an AWS managed policy's name.

    :param own: policies that the same call defines, name to ARN. They win over AWS managed policies of the same name.
    """
    if reference in own:
        return own[reference]
    if reference.startswith("arn:"):
        return reference
    if reference.startswith(ACCOUNT_PREFIX):
        path, name = _path_and_name(reference[len(ACCOUNT_PREFIX) :], reference)
        return context.arn("iam", f"policy{path}{name}", region="")
    return ""


def to_look_up(reference: str, own: Mapping[str, str], context: Context) -> List[str]:
    """Return the ARNs to look for, likeliest first."""
    known = known_arn(reference, own, context)
    return [known] if known else candidates(reference, context)


def candidates(reference: str, context: Context) -> List[str]:
    """Return the ARNs under which AWS may keep the managed policy of that name, likeliest first."""
    paths: Tuple[str, ...] = ("",) if "/" in reference else _BARE_PATHS
    return [context.arn("iam", f"policy/{path}{reference.lstrip('/')}", region="", account="aws") for path in paths]


def answered(reference: str, own: Mapping[str, str], held: Iterable[str], context: Context) -> str:
    """Return the ARN where no look-up is needed, since the policy is made by the same call or is in use here; else an empty text."""
    if reference in own:
        return own[reference]
    in_use = set(held)
    return next((arn for arn in to_look_up(reference, own, context) if arn in in_use), "")


def resolve(reference: str, own: Mapping[str, str], held: Iterable[str], found: Mapping[str, str], context: Context, entry: str) -> str:
    """Return the ARN of any reference.

    :param held: ARNs of policies that are in use by the one who refers.
    :param found: what was looked up, by reference.
    :raises Refusal: when there is no such policy.
    """
    arn = answered(reference, own, held, context) or found.get(reference, "")
    if arn:
        return arn
    known = known_arn(reference, own, context)
    if known:
        raise Outdated(f"{entry}: there is no policy {known}. Correct the reference, or define the policy under policies in the same task.")
    raise Refusal(
        f"{entry}: there is no AWS managed policy named {reference} in the partition {context.partition}. One that lies under a path is "
        f"given with it, as job-function/ViewOnlyAccess. For a policy of this account write account:/path/{reference}, or define it under "
        "policies in the same task."
    )


def _path_and_name(rest: str, entry: str) -> Tuple[str, str]:
    head, _slash, name = rest.rpartition("/")
    path = f"/{head.strip('/')}/" if head.strip("/") else "/"
    names.path("managed policy", path, entry)
    return path, names.name("managed policy", name, entry)
