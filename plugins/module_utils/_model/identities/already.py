# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When AWS refuses to make what may be there already: an answer was lost and the call repeated, or another run was faster.

What is there then is to be read again. Whether it is what was to be made, and whose it is, the plan says.
"""

from __future__ import annotations

from typing import Mapping, Tuple

from ..plan import Change

_EXISTS, _FULL = "EntityAlreadyExists", "LimitExceeded"

SAYS: Mapping[Tuple[str, str], Tuple[str, ...]] = {
    ("create", "policy"): (_EXISTS,),
    ("create", "role"): (_EXISTS,),
    ("create", "instance profile"): (_EXISTS,),
    ("create", "user"): (_EXISTS,),
    ("add", "role"): (_EXISTS, _FULL),
    ("update", "document"): (_FULL,),
}
"""Steps and kinds to the codes with which AWS refuses them the second time: a profile holds one role, a policy five versions."""


def may_be_made(change: Change, code: str) -> bool:
    """Return whether a change that AWS refuses with ``code`` may have been made."""
    return code in SAYS.get((change.step, change.what), ())
