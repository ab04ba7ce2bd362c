# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remedies for what AWS says. The answers are those that ``tests/faults`` gives at the calls that get them."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.says_aws import access, denials, limits, remedies, rules

from tests.faults.aws_answers import ROWS, UNANSWERED
from tests.faults.aws_row import ENCODED

NAMES = {"PutBucket": "CreateBucket"}
"""Of operations, where the wire does not tell them."""


def sentence(row, about="", more=""):
    operation = row.at.partition(":")[2]
    return f"{about}An error occurred ({row.code}) when calling the {NAMES.get(operation, operation)} operation{more}: {row.words}"


def rule_of(text):
    answer = rules.answer_in(text)
    return next((rule for rule in remedies._ALL if rule.fits(answer)), None)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_answer_has_a_remedy(row):
    remedy = remedies.remedy(sentence(row))
    assert remedy
    for text in (sentence(row, "Could not create role Web: "), sentence(row, more=" (reached max retries: 10)")):
        assert remedies.remedy(text) == remedy, "what stands around AWS's words must not matter"
    assert remedies.told(sentence(row)).startswith(sentence(row).rstrip(".")), "AWS's own words stay"


def test_each_remedy_is_for_an_answer():
    found = {rule_of(sentence(row)) for row in ROWS}
    assert [rule.remedy for rule in remedies._ALL if rule not in found] == []


@pytest.mark.parametrize(("words", "remedy"), UNANSWERED.items())
def test_what_botocore_says_in_aws_s_place(words, remedy):
    assert remedy in remedies.remedy(words)
    assert remedy in remedies.remedy(f"Could not read what is there: {words}")


def test_each_of_these_is_for_something_that_botocore_says():
    assert all(any(rule.fits(rules.Answer(words)) for words in UNANSWERED) for rule in access.NO_ANSWER)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the host was not reached: Connection reset by peer",
        "certificate verify failed: CERTIFICATE_VERIFY_FAILED",
        "An error occurred (NeverHeardOf) when calling the CreateRole operation: m",
        "CreateAccessKey was lost (An error occurred (InternalFailure) when calling it: m): whether a key was made is not known. Run again",
        "AWS's answer to CreateActivation was lost (Read timeout on endpoint URL: x). Activation A was found",
    ],
)
def test_nothing_is_said_where_nothing_is_known(text):
    assert remedies.remedy(text) == ""
    assert remedies.told(text) == text


def test_the_sentence_ends_once():
    code = "An error occurred (NoSuchEntity) when calling the GetRole operation: "
    for words in ("no such role", "no such role.", "no such role.\n"):
        assert remedies.told(code + words).startswith(f"{code}no such role. It is not there")


def test_a_text_with_a_remedy_gets_only_what_that_cannot_know():
    own = "Could not read: An error occurred (AccessDenied) when calling the GetRole operation: {}. Allow iam:GetRole."
    by_somebody = own.format("User: a is not authorized to perform: iam:GetRole with an explicit deny in a service control policy")
    assert remedies.told_besides(by_somebody).startswith(by_somebody + " A service control policy of the organization")
    by_itself = own.format(
        "User: a is not authorized to perform: iam:GetRole because no identity-based policy allows the iam:GetRole action"
    )
    assert remedies.told_besides(by_itself) == by_itself
    quota = (
        "An error occurred (LimitExceeded) when calling the CreateRole operation: Cannot exceed quota for ACLSizePerRole: 2048. Make room."
    )
    assert "trust policy is longer" in remedies.told_besides(quota)
    assert remedies.told_besides("host web1: no user is named") == "host web1: no user is named"


@pytest.mark.parametrize("rule", denials.WHO, ids=lambda rule: rule.words)
def test_who_denies_is_told_for_every_code_of_denials(rule):
    """Services word denials alike, and code them differently."""
    words = next(row.words for row in ROWS if rule_of(sentence(row)) is rule)
    for code in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Forbidden"):
        operation = "CreateRole" if rule.operations else "GetRole"
        assert remedies.remedy(f"An error occurred ({code}) when calling the {operation} operation: {words}").startswith(rule.remedy)


def test_an_encoded_message_is_whole_and_its_command_named():
    text = f"An error occurred (UnauthorizedOperation) when calling the RunInstances operation: You are not authorized. {ENCODED}"
    told = remedies.told(text)
    assert ENCODED in told
    assert told.endswith("--encoded-message followed by that text.")


def test_codes_of_the_tables_have_no_suffix():
    """They would never fit."""
    assert [rule.codes for rule in (*remedies._ALL, *limits.QUOTAS) for code in rule.codes.split() if code.endswith("Exception")] == []


def test_the_form_for_fail_json_aws_keeps_the_answer():
    cause = type("Cause", (Exception,), {"response": {"Error": {"Code": "NoSuchEntity"}}})
    answered = remedies.Answered(cause("An error occurred (NoSuchEntity) when calling the GetRole operation: m"))
    assert answered.response == {"Error": {"Code": "NoSuchEntity"}}
    assert "deleted it meanwhile" in str(answered)
    assert remedies.Answered(ValueError("x")).response is None
