# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policy documents that nobody should write: refused before the first call, or carried exactly."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import document as documents
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.hostile import hostile, outcome, plain_data, texts

ELEMENTS = ("Version", "Id", "Statement", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource",
            "Condition", "StringEquals", "AWS", "Service")  # fmt: skip
ACTIONS = st.sampled_from(["s3:GetObject", "S3:getobject", "ssm:*", "*", "logs:Put*"])
RESOURCES = st.sampled_from(["*", "arn:aws:s3:::b/*", "arn:aws-cn:s3:::B"]) | texts(longest=3).map(lambda text: f"arn:aws:s3:::{text}")


def one_or_many(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return inner | st.lists(inner, min_size=1, max_size=3)


CONDITIONS = st.dictionaries(
    st.sampled_from(["StringEquals", "stringequals", "StringLike", "Bool", "NumericLessThan"]),
    st.dictionaries(
        st.sampled_from(["aws:SourceAccount", "AWS:sourceaccount", "ssm:resourceTag/a"]),
        one_or_many(texts(longest=3) | st.booleans() | st.integers()),
        max_size=2,
    ),
    max_size=2,
)
STATEMENTS = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]), "Action": one_or_many(ACTIONS), "Resource": one_or_many(RESOURCES)},
    optional={"Sid": st.sampled_from(["A", "B", "", "C1"]), "Condition": CONDITIONS},
)
LIKELY = st.fixed_dictionaries(
    {"Version": st.sampled_from(["2012-10-17", "2008-10-17"]), "Statement": one_or_many(STATEMENTS)},
    optional={"Id": texts(longest=2)},
)
WILD = plain_data(*ELEMENTS) | st.fixed_dictionaries({"Statement": plain_data(*ELEMENTS)}, optional={"Version": plain_data()})
NEARLY = st.fixed_dictionaries(
    {"Statement": st.fixed_dictionaries({}, optional={name: plain_data(*ELEMENTS) | ACTIONS for name in ELEMENTS[3:12]})},
    optional={"Version": st.just("2012-10-17")},
)


def refused_or(value: Any, trust: bool = False) -> Any:
    """Return a document that was taken, or None where it was refused. Anything but ``InputError`` is a fault."""
    parsed, why = outcome(lambda: checked(documents.parse(value, "policy p"), trust))
    assert not why or why.startswith("policy p")
    return parsed


def checked(parsed: Any, trust: bool) -> Any:
    documents.check(parsed, documents.MANAGED_LIMIT, "policy p", trust)
    return parsed


@hostile(150, 4000)
@given(WILD | NEARLY | LIKELY, st.booleans())
def test_what_is_no_document_is_refused_in_words(value: Any, trust: bool) -> None:
    parsed = refused_or(value, trust)
    if parsed is not None:
        sent = documents.render(parsed)
        assert json.loads(sent, parse_constant=pytest.fail) == parsed
        assert all(character in "\t\n\r" or " " <= character <= "\xff" for character in json.dumps(parsed, ensure_ascii=False))


@hostile(60, 2000)
@given(LIKELY)
def test_text_and_data_are_the_same_document(value: Any) -> None:
    """JSON, JSON with other white space, and URL-encoded JSON as IAM answers it."""
    try:
        parsed = documents.parse(value, "policy p")
        text = json.dumps(value)
        for form in (text, json.dumps(value, indent=3), quote(text), quote(text, safe=""), text.encode(), documents.render(parsed)):
            assert documents.parse(form, "policy p") == parsed
        assert documents.size(parsed) == len(json.dumps(parsed, separators=(",", ":"), ensure_ascii=False))
    except UnicodeError:
        pytest.fail("a document with half a character")


@hostile(60, 2000)
@given(LIKELY, st.randoms(use_true_random=False))
def test_order_says_nothing_and_everything_else_does(value: Any, random: Any) -> None:
    parsed = documents.parse(value, "policy p")
    mixed = shuffled(parsed, random)
    assert documents.equal(parsed, mixed) and documents.equal(mixed, parsed)
    once = documents.canonical(parsed)
    assert documents.canonical(once) == once and documents.canonical(documents.readable(parsed)) == once
    statements = documents.members(parsed["Statement"])
    changed = json.loads(json.dumps(parsed))
    target = random.choice(changed["Statement"]) if isinstance(changed["Statement"], list) else changed["Statement"]
    target["Resource"] = [*documents.members(target["Resource"]), "arn:aws:s3:::never-drawn"]
    assert not documents.equal(parsed, changed)
    assert not documents.equal(
        parsed, {**parsed, "Statement": [*statements, {"Effect": "Deny", "Action": "*", "Resource": "*", "Sid": "New"}]}
    )


def shuffled(value: Any, random: Any) -> Any:
    if isinstance(value, dict):
        names = list(value)
        random.shuffle(names)
        return {name: shuffled(value[name], random) for name in names}
    if isinstance(value, list):
        copied = [shuffled(item, random) for item in value]
        random.shuffle(copied)
        return copied[0] if len(copied) == 1 and random.random() < 0.5 else copied
    return value


@pytest.mark.parametrize(
    "text",
    ['{"Statement": ' + "[" * 100_000, '{"Statement": [{"Effect": "Allow", "Sid": ' + "1" * 5000 + "}]}", "\ud800", b"\xff{}", "%7B%FF%7D",
     '{"Statement": [], "Id": NaN}', '{"Statement": {"Condition": {"NumericEquals": {"a": Infinity}}}}', "\0", "{{ 7*7 }}", "x" * 10_000],
    ids=["deep", "long number", "half a character", "no UTF-8", "no UTF-8, encoded", "NaN", "Infinity", "NUL", "Jinja", "long"],
)  # fmt: skip
def test_text_that_breaks_readers_is_refused(text: Any) -> None:
    assert refused_or(text) is None


def test_data_that_breaks_readers_is_refused() -> None:
    deep: Any = []
    for _level in range(100_000):
        deep = [deep]
    assert refused_or({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"a": {"b": deep}}}]}) is None
    while deep:  # taken apart by hand, since Python's own way is as deep as the list
        deep = deep.pop()
