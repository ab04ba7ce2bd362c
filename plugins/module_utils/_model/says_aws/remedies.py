# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWS says in place of an answer, and what to do about it. Emulators say little of this."""

from __future__ import annotations

from ..shown import shown
from . import access, denials, limits, services
from .rules import answer_in, first

_SPECIFIC = (*denials.WHO, *limits.QUOTAS)
_ALL = (
    *_SPECIFIC,
    *access.CALLER,
    *services.KMS,
    *denials.OWN,
    *limits.IAM,
    *limits.SESSIONS,
    *services.PARAMETERS,
    *services.NODES,
    *services.DOCUMENTS,
    *services.INSTANCES,
    *services.BUCKETS,
    *access.FOR_NOW,
)
_SAID = "whether a key was made is not known", "answer to CreateActivation was lost"
"""Of texts that say themselves what to do."""


def remedy(text: str) -> str:
    """Return what to do about an error's text, in which AWS's or botocore's words stand; empty where nothing is known."""
    if any(words in text for words in _SAID):
        return ""
    answer = answer_in(text)
    if not answer.code:
        return first(access.NO_ANSWER, answer)
    return " ".join(filter(None, (first(_ALL, answer), first([denials.ENCODED], answer))))


def told(text: str) -> str:
    """Return an error's text with what to do after it."""
    return _followed(text, remedy(text))


def told_besides(text: str) -> str:
    """Return a text that has a remedy of its own, with what that cannot know: that somebody else says no, or which quota is used up."""
    answer = answer_in(text)
    return _followed(text, first(_SPECIFIC, answer) if answer.code else "")


def _followed(text: str, more: str) -> str:
    return shown(f"{text.rstrip().rstrip('.')}. {more}" if more else text)


class Answered(Exception):
    """An error with what to do about it, in the form that ``fail_json_aws`` takes."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(told(str(cause)))
        self.response = getattr(cause, "response", None)
