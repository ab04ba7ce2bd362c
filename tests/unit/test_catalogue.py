# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue: each variant against its golden document, against AWS's documents and a linter.

``golden/NAME.json`` is the document of the variant NAME; ``golden/documents/NAME.json`` is what the AWS document prints, placeholders
included.
"""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import parliament
import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import document as documents
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.catalogue import by_name as catalogue
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError
from moto.iam.aws_managed_policies import aws_managed_policies_data

from tests.unit.catalogue_variants import GOLDEN, KEY, VARIANTS, built, golden

OF_RESOURCES = [variant for variant, (preset, _options, _context) in VARIANTS.items() if preset in catalogue.RESOURCE_PRESETS]
OF_IDENTITIES = [variant for variant in VARIANTS if variant not in OF_RESOURCES]


@pytest.mark.parametrize("variant", VARIANTS)
def test_golden(variant):
    assert built(variant) == golden(variant)


# operator_aws names a boundary, and refuses one whose account it does not know.
@pytest.mark.parametrize("variant", [variant for variant in OF_IDENTITIES if VARIANTS[variant][0] != "operator_aws"])
def test_an_account_that_is_not_known_is_any(variant):
    preset, options, context = VARIANTS[variant]
    for statement in catalogue.build(preset, options, replace(context, account=""), "policy p")["Statement"]:
        resources = statement.get("Resource", [])
        for arn in filter("*".__ne__, [resources] if isinstance(resources, str) else resources):
            account = arn.split(":")[4]
            assert account in ("", "*", "aws") or account in str(options), arn


@pytest.mark.parametrize("variant", OF_IDENTITIES)
def test_iam_takes_it(variant):
    documents.check(built(variant), documents.MANAGED_LIMIT, "policy p")


@pytest.mark.parametrize("variant", OF_RESOURCES)
def test_an_identity_does_not_take_the_policy_of_a_resource(variant):
    with pytest.raises(InputError, match="names a Principal, which belongs in trust and resource policies only"):
        documents.check(built(variant), documents.MANAGED_LIMIT, "policy p")


def test_every_golden_document_and_every_preset_has_a_variant():
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(VARIANTS)
    assert {preset for preset, _options, _context in VARIANTS.values()} == {*catalogue.PRESETS, *catalogue.RESOURCE_PRESETS}


# What the documents ask the reader to put in place of their placeholders.
PRINTED = {
    "cwagent_server": ("cwagent_server", {}),
    "cwagent_admin": ("cwagent_admin", {}),
    "ssm_s3_exact": ("ssm_s3", {"my-bucket-name": "my-bucket-name", "-region/": "-us-east-2/", ":::region-": ":::us-east-2-"}),
    "session_manager_exact_kms": ("session_manager", {"key-name": KEY}),
    "session_manager_exact_all": ("session_manager_logging", {"key-name": KEY, "DOC-EXAMPLE-BUCKET": "doc-example-bucket"}),
}


@pytest.mark.parametrize("variant", PRINTED)
def test_equal_to_what_the_document_prints(variant):
    name, placeholders = PRINTED[variant]
    text = (GOLDEN / "documents" / f"{name}.json").read_text(encoding="utf-8")
    for placeholder, value in placeholders.items():
        assert placeholder in text
        text = text.replace(placeholder, value)
    assert documents.equal(built(variant), json.loads(text))


def test_equal_to_what_the_document_prints_without_encryption():
    printed = golden("documents/session_manager")
    printed["Statement"] = [statement for statement in printed["Statement"] if statement["Resource"] != "key-name"]
    assert documents.equal(built("session_manager"), printed)


def test_core_with_all_is_the_managed_policy():
    """moto carries AWS's managed policies as AWS publishes them."""
    managed = json.loads(aws_managed_policies_data)["AmazonSSMManagedInstanceCore"]["Document"]
    assert [statement["Resource"] for statement in managed["Statement"]] == ["*"] * 3
    built_with_all = built("ssm_core_as_managed")
    assert {resource for statement in built_with_all["Statement"] for resource in statement["Resource"]} == {"*"}
    assert actions(built_with_all) == actions(managed)


@pytest.mark.parametrize("variant", [variant for variant, (preset, _options, _context) in VARIANTS.items() if preset == "ssm_core"])
def test_core_never_exceeds_the_managed_policy_but_for_keys_of_ones_own(variant):
    assert actions(built(variant)) - actions(built("ssm_core_as_managed")) <= {"kms:Decrypt"}


def actions(document):
    return {action for statement in document["Statement"] for action in statement["Action"]}


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_statement_and_no_action_can_go_unnoticed(variant):
    document = built(variant)
    for index, statement in enumerate(document["Statement"]):
        less = copy.deepcopy(document)
        del less["Statement"][index]
        assert not documents.equal(document, less)
        for element in ("Action", "Resource"):
            for position in range(len(statement[element])):
                less = copy.deepcopy(document)
                del less["Statement"][index][element][position]
                assert not documents.equal(document, less)


# Findings that are no faults, by a part of their text. The rest fails.
OF_OPERATORS = {variant for variant in VARIANTS if variant.startswith("operator_")}
FINDINGS_OF_PARLIAMENT = {
    # Its data lists condition keys by action, and this one comes with the credentials of any instance ("AWS global condition context
    # keys", cross-service keys).
    "UNKNOWN_CONDITION_FOR_ACTION: Unknown condition ec2:SourceInstanceARN": VARIANTS,
    # Its pattern for addresses knows no hexadecimal digits of IPv6.
    "MISMATCHED_TYPE: Type mismatch: aws:SourceIp requires a value of type Ip but given ['203.0.113.0/24', '2001:db8::/32']": VARIANTS,
}
FINDINGS_OF_PARLIAMENT.update(
    {
        # Newer than its data: both stand in "Sample IAM policies for Session Manager".
        "UNKNOWN_CONDITION_FOR_ACTION: Unknown condition ssm:SessionDocumentAccessCheck for action ssm:StartSession": VARIANTS,
        "RESOURCE_MISMATCH: [{'action': 'ssmmessages:OpenDataChannel', 'required_format': '*'}": VARIANTS,
        # In the policy of a key, * is that key.
        "RESOURCE_STAR: ['kms:": OF_RESOURCES,
    }
)
FINDINGS_OF_PARLIAMENT.update(
    {
        # "Delegating responsibility to others using permissions boundaries" prints the condition so; it takes no wildcard.
        "MISMATCHED_TYPE_BUT_USABLE: Type mismatch: StringEquals requires a value of type String but given Arn": OF_OPERATORS,
        # Judged on the node and on its role, which is granted beside.
        "RESOURCE_MISMATCH: [{'action': 'ssm:UpdateManagedInstanceRole'": OF_OPERATORS,
        # What is not there yet is judged without its path, and a boundary only limits.
        "RESOURCE_STAR: ['": OF_OPERATORS,
        # Who keeps the logs of sessions in a bucket of this name decides who reads them: that is why it is an extra.
        "RESOURCE_POLICY_PRIVILEGE_ESCALATION: Possible resource policy privilege escalation on arn:aws:s3:::session-logs": OF_OPERATORS,
    }
)
# The documents grant these on everything, and these variants are those documents.
FINDINGS_OF_DOCUMENTS = {
    "RESOURCE_STAR": {
        "cwagent_server",
        "cwagent_admin",
        "session_manager_logs",
        "session_manager_exact_all",
        "session_manager_exact_cross_account",
    },
    # Composite alarms are shown to whoever may describe all alarms, and to nobody else ("DescribeAlarms" of the API reference).
    "RESOURCE_STAR: ['cloudwatch:DescribeAlarmHistory', 'cloudwatch:DescribeAlarms']": {"cloudwatch_viewer", "cloudwatch_viewer_all"},
    # As AmazonSSMManagedInstanceCore: documents belong to AWS, to the account, and to accounts that share theirs.
    "RESOURCE_STAR: ['ssm:GetDocument'": {"ssm_core_as_managed", "ssm_core_narrow", "ssm_core_state_manager"},
    "RESOURCE_STAR: ['ssm:DescribeDocument', 'ssm:GetDocument']": {"ssm_core_as_managed"},
    "RESOURCE_STAR: ['ssm:GetParameter', 'ssm:GetParameters']": {"ssm_core_as_managed"},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_lint(variant):
    # parliament knows ARNs of the partition aws alone.
    text = documents.render(built(variant))
    for partition in ("aws-cn", "aws-us-gov"):
        text = text.replace(f"arn:{partition}:", "arn:aws:")
    findings = [f"{finding.issue}: {finding.detail}" for finding in parliament.analyze_policy_string(text).findings]
    known = [part for part, variants in {**FINDINGS_OF_PARLIAMENT, **FINDINGS_OF_DOCUMENTS}.items() if variant in variants]
    assert [finding for finding in findings if not finding.startswith(tuple(known))] == []
