# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From session preferences as they are to those asked for.

The document's newest version and its default version are both looked at. AWS's guide changes the newest and never says which of them a
session follows, so they are brought to be the same one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Optional

from ..context import Context
from ..errors import Refusal
from ..plan import Change
from . import targets
from .document import KIND, Document, Version, merged, refuse_other_kinds, refuse_weaker, same
from .options import Wanted
from .targets import Targets


@dataclass(frozen=True)
class State:
    """What a task is about."""

    document: Optional[Document] = None
    targets: Targets = field(default_factory=Targets)
    tier: str = ""
    """``standard`` or ``advanced``; empty when not asked."""


def checked(wanted: Wanted, document: Optional[Document]) -> Dict[str, Any]:
    """Return the inputs that a document shall have; none where it shall be gone.

    :raises Refusal: when the document serves another purpose.
    """
    if document:
        refuse_other_kinds(document)
    inputs: Dict[str, Any] = merged(wanted, document)["inputs"] if wanted.present else {}
    return inputs


def target(wanted: Wanted, actual: State, context: Context) -> State:
    """Return the state that the task leads to."""
    document = actual.document
    if not wanted.present:
        return replace(actual, document=None)
    content = merged(wanted, document)
    if document is None:
        version = Version("1", content)
        after = Document(wanted.name, version, version, wanted.owned_by)
    else:
        latest = document.latest
        if not same(content, latest.content):
            latest = Version(str(int(latest.number) + 1), content)
        after = replace(document, latest=latest, default=latest)
    tier = wanted.tier if wanted.tier and wanted.tier != "look" else actual.tier
    return State(after, targets.made(wanted, actual.targets, context), tier)


def plan(wanted: Wanted, after: State, actual: State) -> List[Change]:
    """Return the ordered changes: what is named is made first, then the document that names it, then the tier.

    :raises Refusal: for what would become weaker or not work, and for a document that is another owner's.
    """
    document = actual.document
    if after.document is None:
        return _deletion(wanted, document)
    inputs = after.document.inputs
    if document:
        _refuse_other_owners(wanted, document)
        refuse_weaker(wanted, document, inputs)
    found = targets.problems(wanted, inputs, after.targets)
    if found:
        raise Refusal(
            f"document {wanted.name}: {'; '.join(found)}. The preferences were not changed. Set verify: false to go without these checks."
        )
    changes = targets.plan(after.targets, actual.targets)
    changes += _document(after.document, document)
    if after.tier != actual.tier:
        changes.append(Change("set", "activation tier", after.tier, before=actual.tier, after=after.tier))
    return changes


def _document(after: Document, before: Optional[Document]) -> List[Change]:
    if before is None:
        return [Change("create", "document", after.name, after=after)]
    changes = []
    if after.latest is not before.latest:
        changes.append(Change("update", "document", after.name, before=before.latest.content, after=after.latest.content))
    if after.default.number != before.default.number:
        changes.append(Change("set", "default version", after.default.number, f"document {after.name}", before.default, after.default))
    return changes


def _refuse_other_owners(wanted: Wanted, document: Document) -> None:
    if document.owner and document.owner != wanted.owned_by:
        raise Refusal(
            f"document {document.name} belongs to {document.owner!r} and not to {wanted.owned_by!r}, and two owners would undo each "
            f"other's preferences. Set owned_by: {document.owner} if this task shall manage them."
        )


def _deletion(wanted: Wanted, document: Optional[Document]) -> List[Change]:
    if document is None:
        return []
    if document.owner != wanted.owned_by and not wanted.delete_unowned:
        whose = f"it belongs to {document.owner!r}" if document.owner else "nobody's run made it"
        raise Refusal(f"document {document.name} is not deleted: {whose}. Set delete_unowned: true if it shall go all the same.")
    refuse_weaker(wanted, document, {})
    return [Change("delete", "document", document.name, before=document)]


def warnings(wanted: Wanted, after: State) -> List[str]:
    """Return what a person should know, in words."""
    found = targets.warnings(wanted, after.document.inputs if after.document else {}, after.targets)
    if wanted.tier == "look" and after.tier == "standard":
        found.append(
            "the activation tier is standard: sessions on hybrid nodes are refused. activation_tier: advanced allows them, and is charged "
            "for each hybrid node of this account and Region."
        )
    return found


def view(record: State) -> Dict[str, Any]:
    """Return the state as plain data."""
    document = record.document
    shown = document and {
        "name": document.name,
        "type": KIND,
        "default_version": document.default.number,
        "latest_version": document.latest.number,
        "owner": document.owner,
        "content": dict(document.default.content),
    }
    return {"document": shown, **targets.view(record.targets), "activation_tier": record.tier or None}
