# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the handling of a shared key must not act on. Each text says what was found and what would allow it."""

from __future__ import annotations

from . import access_key as words
from .access_key import Key, Proof, told
from .errors import Refusal
from .key_refusals import many, refuse_user
from .shared_key import SharedRules, SharedState, orphan
from .tags import OWNER_TAG


def refuse(state: SharedState, rules: SharedRules) -> None:
    """Refuse what needs a person.

    :raises Refusal: for the user, or the store.
    """
    if state.user is not None:
        refuse_user(state.user, rules.keys)
    store = state.store
    if store.error:
        raise Refusal(f"The {store.place} cannot be worked on: {store.error} Nothing was changed.")
    if store.exists and store.owner is not None and store.owner != rules.keys.owned_by and not rules.keys.adopt:
        found = f"has {OWNER_TAG}={store.owner}" if store.owner else f"has no tag {OWNER_TAG}"
        raise Refusal(
            f"The {store.place} {found}, so it is not one of owned_by: {rules.keys.owned_by}, and is not written. "
            "Name another, or set adopt: true if it is to be managed here."
        )
    if store.key_id and (store.user != rules.keys.user or store.proof is Proof.FOREIGN):
        whose = store.says if store.proof is Proof.FOREIGN else f"user {store.user}"
        raise Refusal(f"The {store.place} holds a key of {whose}, not of user {rules.keys.user}. Name another store, or another user.")


def refuse_unwritable(state: SharedState) -> None:
    """Refuse a write that would fail, before a key is made for it."""
    if state.store.hindrance:
        raise Refusal(f"The {state.store.place} cannot be written: {state.store.hindrance}. Nothing was changed, and no key was made.")


def refuse_not_accepted(state: SharedState, rules: SharedRules) -> None:
    """Refuse to go on from a key in the store that IAM knows, or that works, where the other side says no."""
    store, key = state.store, state.stored
    if key is None:
        if store.proof is Proof.PROVEN:
            raise Refusal(
                f"{store.key_id} in the {store.place} works, but IAM does not list it yet. Nothing was changed; run again in a minute."
            )
        return
    if not key.active or store.proof is not Proof.UNKNOWN:
        return
    if words.fresh(key, state.now, rules.keys):
        raise Refusal(f"{key.id} in the {store.place} is new, and AWS does not know it everywhere yet. Run again in a minute.")
    raise Refusal(
        f"IAM lists {key.id} of user {rules.keys.user} as Active, but a call signed with it was not accepted: {store.says}. "
        f"Nothing was changed. Is the Region {rules.keys.region} enabled for the account, and of the same partition?"
    )


def refuse_unready(state: SharedState, rules: SharedRules) -> None:
    """Refuse to make a key where another run may be storing one, or where somebody deactivated one.

    :raises Refusal: with the key.
    """
    for key in state.keys:
        if key.id == rules.keys.drop_key:
            continue
        if key.active and words.fresh(key, state.now, rules.keys):
            raise Refusal(
                f"{key.id} of user {rules.keys.user} was made moments ago and another run may be storing it. Nothing was changed. "
                f"Run again in {int(rules.keys.orphan_grace.total_seconds() // 60)} minutes."
            )
        if _contained(key, state, rules):
            raise Refusal(
                f"A key of user {rules.keys.user} was deactivated by somebody, not retired here: {told(key, state.now)}. "
                "It may have been contained. Nothing was changed. Set replace_inactive: true, or rotate: true, once a new key may be made."
            )


def _contained(key: Key, state: SharedState, rules: SharedRules) -> bool:
    meant = rules.keys.replace_inactive or rules.rotate
    return not key.active and not key.retired and not meant and not orphan(key, state.now, rules.keys)


def no_slot(state: SharedState, rules: SharedRules) -> Refusal:
    """Return the refusal of a user whose two keys leave no room for a third."""
    refusal = many(words.State(state.now, state.user, state.keys, words.HostState()), rules.keys)
    if not state.good:
        return refusal
    return Refusal(
        f"{refusal} {state.store.key_id} is in the {state.store.place} and works. "
        "If it is the replacement that was meant, run without rotate: true, and all hosts get it."
    )
