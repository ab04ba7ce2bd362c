# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a task refers to managed policies: by a name of the same call, an AWS managed name, ``account:/path/Name`` or an ARN."""

from __future__ import annotations

from typing import Iterable, List, Mapping, Tuple

from .. import names
from ..context import Context
from ..errors import InputError, Refusal

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
        return
    if reference.startswith(ACCOUNT_PREFIX):
        _path_and_name(reference[len(ACCOUNT_PREFIX) :], entry)
        return
    names.name("managed policy", reference.rsplit("/", 1)[-1], entry)


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


def candidates(reference: str, context: Context) -> List[str]:
    """Return the ARNs under which AWS may keep the managed policy of that name, likeliest first."""
    paths: Tuple[str, ...] = ("",) if "/" in reference else _BARE_PATHS
    return [context.arn("iam", f"policy/{path}{reference.lstrip('/')}", region="", account="aws") for path in paths]


def attached_match(reference: str, attached: Iterable[str], context: Context) -> str:
    """Return the ARN of an AWS managed policy of that name that is already attached, or an empty string."""
    possible = set(candidates(reference, context))
    return next((arn for arn in attached if arn in possible), "")


def resolve(reference: str, own: Mapping[str, str], managed: Mapping[str, str], context: Context, entry: str) -> str:
    """Return the ARN of any reference.

    :param managed: what was found under the references that are AWS managed names.
    :raises Refusal: when there is no such policy.
    """
    arn = known_arn(reference, own, context) or managed.get(reference, "")
    if not arn:
        raise Refusal(
            f"{entry}: there is no AWS managed policy named {reference} in the partition {context.partition}. For a policy of this account "
            f"write account:/path/{reference}, or define it under policies in the same task."
        )
    return arn


def _path_and_name(rest: str, entry: str) -> Tuple[str, str]:
    head, _slash, name = rest.rpartition("/")
    path = f"/{head.strip('/')}/" if head.strip("/") else "/"
    names.path("managed policy", path, entry)
    return path, names.name("managed policy", name, entry)
