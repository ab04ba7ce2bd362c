# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The named documents. Each is one function of its options and of where it will live."""

from __future__ import annotations

from typing import Any

from ..context import Context
from ..document import Document
from ..errors import InputError
from ..options import read
from . import cwagent, session_manager, ssm

PRESETS = {**cwagent.PRESETS, **ssm.PRESETS, **session_manager.PRESETS}
"""Name to function and options. The options are those a user writes."""


def build(name: str, options: Any, context: Context, entry: str) -> Document:
    """Return the document of a preset.

    :param options: a dictionary, as declared in ``PRESETS[name].options``.
    :param entry: what the document is for, for messages.
    :raises InputError: for an unknown preset, and for unknown, missing, wrong or contradictory options.
    """
    if name not in PRESETS:
        raise InputError(f"{entry}: {name!r} is no preset. Allowed are: {', '.join(PRESETS)}.")
    where = f"{entry}: preset {name}"
    return PRESETS[name].function(read(options, PRESETS[name].options, where), context, where)
