# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Owner, group and mode of a file that holds credentials, as people write them."""

from __future__ import annotations

import re
from typing import Any

from .errors import InputError


def account(option: str, name: Any) -> str:
    """Return the name or number of a user or group; empty when none is given.

    :raises InputError: when it cannot be one.
    """
    if name and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.@$-]{0,63}", str(name)):
        raise InputError(f"{option}: {name!r} is no name or number of a {'user' if option.endswith('owner') else 'group'}.")
    return str(name or "")


def mode(option: str, given: Any) -> str:
    """Return the mode as four digits.

    :raises InputError: when it is none, or lets everybody on the host read the file.
    """
    if not isinstance(given, str) or not re.fullmatch(r"0?[46][046][0-7]", given):
        raise InputError(f"{option}: {given!r} is no mode for a file of credentials. Write it as text in quotes, such as '0600' or '0640'.")
    if given[-1] != "0":
        raise InputError(f"{option}: {given} lets everybody on the host read the key. End it with 0, and name the group that may read it.")
    return given.zfill(4)
