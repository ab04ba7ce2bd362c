# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Surveys of AWX: their questions with answers of one's own as defaults, and what those answer where nobody is there to be asked.

An answer, a default too, is an extra variable of the job and goes before the inventory ("Surveys", AWX's documentation of job templates).
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping

from .errors import InputError

Question = Mapping[str, Any]


def awx_survey(questions: Iterable[Question], answers: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return the questions. One that must be answered and has no default stays without: whoever starts the job is to think of an answer,
    such as which hosts leave.

    :param answers: defaults by variable, in place of those that the questions have. Those of other surveys' variables may be among them.
    :raises InputError: for an answer that is none of a question's choices, and for an empty one where an answer is needed.
    """
    return [
        _answered(question, answers[question["variable"]]) if _has_answer(question, answers) else {**question} for question in questions
    ]


def awx_answers(questions: Iterable[Question]) -> Dict[str, Any]:
    """Return the variables of a scheduled job: AWX makes no schedule where a question that must be answered is not, its default or not."""
    return {question["variable"]: _value(question) for question in questions if question["required"]}


def _has_answer(question: Question, answers: Mapping[str, Any]) -> bool:
    return question["variable"] in answers and not (question["required"] and not question["default"])


def _answered(question: Question, answer: Any) -> Dict[str, Any]:
    texts = [_text(each) for each in answer] if isinstance(answer, (list, tuple)) else [_text(answer)]
    if question["required"] and not any(texts):
        raise InputError(f"{question['variable']}: an answer is needed, and {answer!r} is none. Leave it out for the default.")
    for text in texts:
        if question["choices"] and text not in question["choices"]:
            raise InputError(f"{question['variable']}: {text!r} is no answer. Choose from {', '.join(question['choices'])}.")
    if len(texts) != 1 and question["type"] != "multiselect":
        raise InputError(f"{question['variable']}: one answer is asked for, and {answer!r} is {len(texts)}.")
    return {**question, "default": "\n".join(texts)}


def _text(answer: Any) -> str:
    if answer is None:
        return ""
    return str(answer).lower() if isinstance(answer, bool) else str(answer)


def _value(question: Question) -> Any:
    return question["default"].splitlines() if question["type"] == "multiselect" else question["default"]
