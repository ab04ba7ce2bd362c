# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Single values of a request laid over those that are there. What the request leaves out stays as it is."""

from __future__ import annotations

from typing import Dict, Mapping, Optional, Tuple, Union

from .. import document as documents
from ..context import Context
from ..tags import OWNER_TAG, TAG_PREFIX
from . import references
from .records import Document, Identities, Role, User
from .requests import PermissionsRequest, Request

Holder = Optional[Union[Role, User]]


class Resolver:
    """Turns references to managed policies into ARNs."""

    def __init__(self, request: Request, actual: Identities, context: Context) -> None:
        self._own = request.own_policies(context)
        self._found = actual.found
        self._context = context

    def __call__(self, reference: str, holder: Holder, entry: str) -> str:
        """Return the ARN.

        :raises Refusal: when there is no such policy.
        """
        return references.resolve(reference, self._own, held(holder), self._found, self._context, entry)


def held(holder: Holder) -> Tuple[str, ...]:
    """Return the ARNs of the policies that a role or user has: they exist, so they answer a reference without a look-up."""
    return () if holder is None else (*holder.attached, *([holder.boundary] if holder.boundary else []))


def boundary(entry: PermissionsRequest, actual: Holder, resolver: Resolver) -> Optional[str]:
    if entry.boundary is None:
        return actual.boundary if actual else None
    return resolver(entry.boundary, actual, f"boundary of {entry.name}") if entry.boundary else None


def attached(entry: PermissionsRequest, actual: Holder, resolver: Resolver, where: str) -> Tuple[str, ...]:
    there = actual.attached if actual else ()
    if entry.policies is None:
        return there
    wanted = {resolver(reference, actual, where) for reference in entry.policies}
    return tuple(sorted(wanted if entry.purge_policies else wanted.union(there)))


def inline(entry: PermissionsRequest, actual: Optional[Mapping[str, Document]], context: Context) -> Optional[Mapping[str, Document]]:
    if entry.inline is None:
        return actual
    there = actual or {}
    wanted = {name: kept(there.get(name), document, context) for name, document in entry.inline.items()}
    return wanted if entry.purge_inline else {**there, **wanted}


def kept(actual: Optional[Document], wanted: Document, context: Context) -> Document:
    """Return the document that is there when it means the same as the wanted one.

    Then plain ``==`` compares records, and a diff shows real differences only.
    """
    return actual if actual is not None and documents.equal(actual, wanted, context.partition) else wanted


def new_tags(request: Request, given: Optional[Mapping[str, str]]) -> Dict[str, str]:
    """Return the tags of an object that this call makes: its own, the call's common ones, and the owner."""
    return {**_merge(request.tags, given or {}, fold=True), OWNER_TAG: request.owned_by}


def tags(actual: Mapping[str, str], wanted: Optional[Mapping[str, str]], purge: bool, fold: bool) -> Mapping[str, str]:
    """Return the tags of an object that is there.

    :param fold: IAM takes keys that differ in letter case only for the same, as on roles and users.
    """
    if wanted is None:
        return actual
    kept_tags = {key: value for key, value in actual.items() if not purge or key.lower().startswith((TAG_PREFIX, "aws:"))}
    return _merge(kept_tags, wanted, fold)


def _merge(base: Mapping[str, str], over: Mapping[str, str], fold: bool) -> Dict[str, str]:
    spelled = {key.lower() for key in over} if fold else set()
    return {**{key: value for key, value in base.items() if key.lower() not in spelled}, **over}
