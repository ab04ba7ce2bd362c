# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Defaults of one's own for surveys, and what a schedule answers."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.awx_survey import (
    awx_answers,
    awx_node_answers,
    awx_refusals,
    awx_survey,
)
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError

ROLES = {"variable": "roles", "type": "multiselect", "required": True, "default": "a\nb", "choices": ["a", "b", "c"]}
NOW = {"variable": "now", "type": "multiplechoice", "required": True, "default": "false", "choices": ["false", "true"]}
NOTE = {"variable": "note", "type": "text", "required": False, "default": "", "choices": ""}
SURVEY = [ROLES, NOW, NOTE]
IDS = {"variable": "ids", "type": "textarea", "required": True, "default": "", "choices": ""}


def test_without_answers_nothing_is_other() -> None:
    assert awx_survey(SURVEY, {}) == SURVEY
    assert awx_answers(SURVEY) == {"roles": ["a", "b"], "now": "false"}


def test_answers_are_defaults() -> None:
    asked = awx_survey(SURVEY, {"roles": ["c", "a"], "now": True, "note": 5, "of another survey": "x"})
    assert [question["default"] for question in asked] == ["c\na", "true", "5"]
    assert awx_answers(asked) == {"roles": ["c", "a"], "now": "true"}
    assert [question["default"] for question in awx_survey(SURVEY, {"roles": "b"})] == ["b", "false", ""]
    assert ROLES["default"] == "a\nb"


def test_what_is_asked_each_time_gets_no_default() -> None:
    assert awx_survey([IDS], {"ids": "linux"}) == [IDS]


def test_a_node_gives_what_was_answered_alone() -> None:
    answers = {"note": "x", "roles": ["c"], "ids": "i-1", "of another survey": 1}
    assert awx_node_answers([*SURVEY, IDS], answers) == {"note": "x", "roles": ["c"]}
    assert awx_node_answers(SURVEY, {}) == {}


def test_what_can_be_answered_is_not_refused() -> None:
    elsewhere = {**IDS, "variable": "note"}
    assert awx_refusals([elsewhere, *SURVEY], {"note": "x", "roles": ["a", "c"], "now": False}) == []


def test_all_refusals_are_told_once() -> None:
    refused = awx_refusals([*SURVEY, IDS, ROLES], {"ids": "i-1", "region": "x", "roles": "d", "now": ""})
    assert refused == [
        "ids: this is asked each time, so it takes no answer in advance.",
        "region: no survey asks for this. Answers can be given for note, now, roles.",
        "roles: 'd' is no answer. Choose from a, b, c.",
        "now: an answer is needed, and '' is none. Leave it out for the default.",
    ]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"roles": ["d"]}, "'d'"),
        ({"roles": []}, "is needed"),
        ({"now": "maybe"}, "false, true"),
        ({"now": None}, "is needed"),
        ({"now": ""}, "is needed"),
        ({"note": ["x", "y"]}, "one answer"),
    ],
)
def test_what_nobody_could_answer_is_refused(answers, said) -> None:
    with pytest.raises(InputError, match=said):
        awx_survey(SURVEY, answers)
