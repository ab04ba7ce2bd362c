# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a table of remedies is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterable

from .repeats import bare

_SENTENCE = re.compile(
    r"An error occurred \((?P<code>[^()\s]+)\) when calling the (?P<operation>\w+) operation(?: \([^()]*\))?: ?(?P<words>.*)", re.DOTALL
)
"""How botocore words what AWS answered."""


@dataclass(frozen=True)
class Answer:
    """What AWS, or botocore in its place, said."""

    words: str
    code: str = ""
    """Without the suffix that some services add; empty where AWS did not answer."""
    operation: str = ""


@dataclass(frozen=True)
class Rule:
    """A remedy, and the answers it is for. What is empty matches all."""

    remedy: str
    codes: str = ""
    """Without suffixes, between spaces."""
    words: str = ""
    """A regular expression that the words hold somewhere, in any case."""
    operations: str = ""
    """A regular expression for the whole name of the operation."""

    def fits(self, answer: Answer) -> bool:
        if self.codes and answer.code not in self.codes.split():
            return False
        if self.operations and not re.fullmatch(self.operations, answer.operation):
            return False
        return not self.words or re.search(self.words, answer.words, re.IGNORECASE | re.DOTALL) is not None


def answer_in(text: str) -> Answer:
    """Return what is quoted in the text of an error."""
    found = _SENTENCE.search(text)
    return Answer(found["words"], bare(found["code"]), found["operation"]) if found else Answer(text)


def first(rules: Iterable[Rule], answer: Answer) -> str:
    """Return the remedy of the first rule that fits; empty where none does."""
    return next((rule.remedy for rule in rules if rule.fits(answer)), "")
