# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing policy documents in Python."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence, Union

from .parts import VERSION, Document, listed


def allow(
    actions: Union[str, Sequence[str]],
    on: Union[str, Sequence[str]] = "*",
    sid: Optional[str] = None,
    when: Optional[Mapping[str, Any]] = None,
) -> Document:
    """Return a statement that allows ``actions`` on the ARNs ``on``, under the condition ``when``."""
    statement: Document = {"Sid": sid} if sid else {}
    statement.update(Effect="Allow", Action=listed(actions), Resource=listed(on))
    if when:
        statement["Condition"] = dict(when)
    return statement


def document(*statements: Document) -> Document:
    """Return a document of ``statements``."""
    return {"Version": VERSION, "Statement": list(statements)}
