# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Surveys of AWX: their questions with answers of one's own as defaults, and what is answered where nobody is there to be asked.

An answer, a default too, is an extra variable of the job and goes before the inventory ("Surveys", AWX's documentation of job templates).
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping

from .errors import InputError

Question = Mapping[str, Any]
Answers = Mapping[str, Any]
"""Answers of one's own, by variable."""


def awx_refusals(questions: Iterable[Question], answers: Answers) -> List[str]:
    """Return why answers cannot be taken, empty when all can: each must be the default of a question at least.

    :param questions: those of all surveys together.
    """
    asked = list(questions)
    defaulted = {question["variable"] for question in asked if _takes_default(question)}
    refused = []
    for variable in sorted(set(answers) - defaulted, key=str):
        if any(question["variable"] == variable for question in asked):
            refused.append(f"{variable}: this is asked each time, so it takes no answer in advance.")
        else:
            refused.append(f"{variable}: no survey asks for this. Answers can be given for {', '.join(sorted(defaulted))}.")
    for question in asked:
        try:
            awx_survey([question], answers)
        except InputError as error:
            refused.append(str(error))
    return list(dict.fromkeys(refused))


def awx_survey(questions: Iterable[Question], answers: Answers) -> List[Dict[str, Any]]:
    """Return the questions. One that must be answered and has no default stays without: whoever starts the job is to think of an answer,
    such as which hosts leave.

    :param answers: defaults by variable, in place of those that the questions have. Those of other surveys' variables may be among them.
    :raises InputError: for an answer that is none of a question's choices, and for an empty one where an answer is needed.
    """
    return [
        _answered(question, answers[question["variable"]]) if _is_answered(question, answers) else {**question} for question in questions
    ]


def awx_answers(questions: Iterable[Question]) -> Dict[str, Any]:
    """Return the variables of a scheduled job: AWX makes no schedule where a question that must be answered is not, its default or not."""
    return {question["variable"]: _value(question) for question in questions if question["required"]}


def awx_node_answers(questions: Iterable[Question], answers: Answers) -> Dict[str, Any]:
    """Return the variables that the node of a workflow gives its job. What has no answer of one's own is not among
    them, so that the job has what it would have outside of the workflow.

    :param questions: those of the job template.
    """
    answered = [question for question in questions if _is_answered(question, answers)]
    return {question["variable"]: _value(question) for question in awx_survey(answered, answers)}


def _is_answered(question: Question, answers: Answers) -> bool:
    return question["variable"] in answers and _takes_default(question)


def _takes_default(question: Question) -> bool:
    return bool(question["default"]) or not question["required"]


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
