# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every reader of a policy document needs: its versions, and its elements as lists."""

from __future__ import annotations

import re
from typing import Any, Dict, List

Document = Dict[str, Any]

VERSION = "2012-10-17"
OLD_VERSION = "2008-10-17"
"""What IAM takes a document without ``Version`` for."""

_ROOT = re.compile(r"arn:[^:]*:iam::(\d{12}):root")


def listed(value: Any) -> List[Any]:
    """Return the members of an element as a list, whether it is one or stands alone."""
    return list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]


def members(value: Any) -> List[Any]:
    """Return the members of an element that may be a list or stand alone; none when it is missing."""
    return [] if value is None else listed(value)


def account_of_root(principal: str) -> str:
    """Return the account id when ``principal`` is one, or the ARN of its root; else empty text."""
    match = _ROOT.fullmatch(principal)
    return match.group(1) if match else principal if re.fullmatch(r"\d{12}", principal) else ""
