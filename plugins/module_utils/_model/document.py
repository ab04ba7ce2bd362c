# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IAM policy documents as plain dicts: reading, writing, comparing, measuring, checking."""

from __future__ import annotations

from .policy_grammar.build import allow, document
from .policy_grammar.canonical import canonical, equal, readable, same_service
from .policy_grammar.parts import OLD_VERSION, VERSION, Document, account_of_root, members
from .policy_grammar.rules import MANAGED_LIMIT, ROLE_INLINE_LIMIT, TRUST_LIMIT, USER_INLINE_LIMIT, check
from .policy_grammar.text import parse, render, size

__all__ = [
    "MANAGED_LIMIT",
    "OLD_VERSION",
    "ROLE_INLINE_LIMIT",
    "TRUST_LIMIT",
    "USER_INLINE_LIMIT",
    "VERSION",
    "Document",
    "account_of_root",
    "allow",
    "canonical",
    "check",
    "document",
    "equal",
    "members",
    "parse",
    "readable",
    "render",
    "same_service",
    "size",
]
