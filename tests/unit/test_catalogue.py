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

import parliament
import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import catalogue
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import document as documents

from tests.unit.catalogue_variants import GOLDEN, KEY, VARIANTS, built, golden


@pytest.mark.parametrize("variant", VARIANTS)
def test_golden(variant):
    assert built(variant) == golden(variant)


@pytest.mark.parametrize("variant", VARIANTS)
def test_iam_takes_it(variant):
    documents.check(built(variant), documents.MANAGED_LIMIT, "policy p")


def test_every_golden_document_and_every_preset_has_a_variant():
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(VARIANTS)
    assert {preset for preset, _options, _context in VARIANTS.values()} == set(catalogue.PRESETS)


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
FINDINGS_OF_PARLIAMENT = {
    # Its data lists condition keys by action, and this one comes with the credentials of any instance ("AWS global condition context
    # keys", cross-service keys).
    "UNKNOWN_CONDITION_FOR_ACTION: Unknown condition ec2:SourceInstanceARN": VARIANTS,
    # Its pattern for addresses knows no hexadecimal digits of IPv6.
    "MISMATCHED_TYPE: Type mismatch: aws:SourceIp requires a value of type Ip but given ['203.0.113.0/24', '2001:db8::/32']": VARIANTS,
}
# The documents grant these on everything, and these variants are those documents.
FINDINGS_OF_DOCUMENTS = {
    "RESOURCE_STAR": {
        "cwagent_server",
        "cwagent_admin",
        "session_manager_logs",
        "session_manager_exact_all",
        "session_manager_exact_cross_account",
    }
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
