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
from . import (
    assume_roles,
    boundary,
    cwagent,
    log_streams,
    operator,
    operator_extras,
    session_access,
    session_manager,
    ssm,
    ssm_core,
    viewer,
)

PRESETS = {
    **cwagent.PRESETS,
    **assume_roles.PRESETS,
    **log_streams.PRESETS,
    **viewer.PRESETS,
    **ssm_core.PRESETS,
    **ssm.PRESETS,
    **session_manager.PRESETS,
    **session_access.PRESETS,
    **operator.PRESETS,
    **operator_extras.PRESETS,
    **boundary.PRESETS,
}
"""Name to function and options. The options are those a user writes."""

RESOURCE_PRESETS = session_access.RESOURCE_PRESETS
"""The same for policies of resources, which an identity does not take."""


def build(name: str, options: Any, context: Context, entry: str) -> Document:
    """Return the document of a preset.

    :param options: a dictionary, as declared in ``PRESETS[name].options``.
    :param entry: what the document is for, for messages.
    :raises InputError: for an unknown preset, and for unknown, missing, wrong or contradictory options.
    """
    presets = {**PRESETS, **RESOURCE_PRESETS}
    if name not in presets:
        raise InputError(f"{entry}: {name!r} is no preset. Allowed are: {', '.join(presets)}.")
    where = f"{entry}: preset {name}"
    return presets[name].function(read(options, presets[name].options, where), context, where)
