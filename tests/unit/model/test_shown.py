# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people are shown of words that AWS, a host or a slip of the hand put there; and input that no reader gets through."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host import profile
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.ground import Unfit
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import common_config, document, names
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent import configuration, log
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.key_options import absolute
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.plan import Change
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.registration import files
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.says_aws.remedies import told
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.shown import LONGEST, on_a_line, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain é 日本 {{ x }}", "plain é 日本 {{ x }}"),
        ("two\nlines", "two\nlines"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\tb\rc\0\x07\x7f\x9b", "a\\tb\\rc\\x00\\x07\\x7f\\x9b"),
        ("\u202egnp\u2066\u2028\ufeff", "\\u202egnp\\u2066\\u2028\\ufeff"),
        ("half \ud800", "half \\ud800"),
        ("x" * LONGEST, "x" * LONGEST),
        ("a" * 5000 + "z" * 2000, f"{'a' * 4400} … (1100 characters left out) … {'z' * 1500}"),
    ],
)
def test_shown(text: str, expected: str) -> None:
    assert shown(text) == str(InputError(text)) == str(Refusal(text)) == told(text) == expected
    assert shown(expected) == expected


def test_names_stay_on_a_line() -> None:
    assert on_a_line("a\nb") == "a\\nb"
    assert str(Change("create", "tag", "k\n\x1b[2J", of="role r")) == "create tag k\\n\\x1b[2J for role r"


ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ('{"Statement": {"Condition": {"NumericEquals": {"a": NaN}}}}', "a float, which JSON cannot express"),
        ({"Statement": {**ALLOW, "Condition": {"NumericEquals": {"a": float("inf")}}}}, "a float, which JSON cannot express"),
        ('{"Statement": ' + "[" * 100_000, "nothing that IAM would read"),
        ('{"Statement": [{"Sid": ' + "1" * 5000 + "}]}", "nothing that IAM would read"),
        ({"Statement": [{"Condition": {"a": {"b": [[[[[[[["c"]]]]]]]]}}}]}, "more than 10 levels deep"),
        (b"\xff", "no JSON"),
        ({"Statement": [ALLOW], 1: "a", "1": "b"}, "1 stands twice"),
        ({"Statement": {**ALLOW, "Sid": ["a"]}}, "Sid is a text, and this is neither"),
        ({"Statement": {**ALLOW, "Effect": {"a": "b"}}}, "Effect is a text, and this is neither"),
        ({"Statement": {**ALLOW, "Action": {"a": "b"}}}, "Action is a text or a list of texts"),
        ({"Statement": {**ALLOW, "Resource": [["*"]]}}, "Resource is a text or a list of texts"),
        ({"Statement": {**ALLOW, "Sid": 1}}, "Sid holds 1, which is no text"),
        ({"Statement": {**ALLOW, "Condition": {"StringEquals": {"a": [["b"]]}}}}, "the values of StringEquals, a are"),
        ({"Statement": {**ALLOW, "Condition": {"StringEquals": {"a": {"b": "c"}}}}}, "the values of StringEquals, a are"),
    ],
)
def test_documents_that_break_readers(value: Any, says: str) -> None:
    with pytest.raises(InputError) as error:
        document.check(document.parse(value, "policy p"), 6144, "policy p")
    assert says in str(error.value)


def test_documents_as_deep_as_they_get() -> None:
    document.check(document.parse({"Statement": [{**ALLOW, "Condition": {"StringEquals": {"aws:a": ["b", "c"]}}}]}, "p"), 6144, "p")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ["123456789012"], "Service": "ec2.amazonaws.com"}}
    document.check(document.parse({"Statement": [trust]}, "p"), 2048, "p", trust=True)


@pytest.mark.parametrize("value", ["a\x85b", "a\u2028b", "a\x1cb".replace("\x1c", "\u2029")])
def test_a_line_of_common_config_ends_with_a_line_feed(value: str) -> None:
    text = common_config.pointed("[proxy]\n# \u2028 comment\n", {"no_proxy": value})
    assert text == f'[proxy]\n   no_proxy = "{value}"\n# \u2028 comment\n'
    assert common_config.current(text)["no_proxy"] == value
    assert common_config.pointed(text, {"no_proxy": value}) == text


@pytest.mark.parametrize(
    "text",
    ['x = [\n["proxy"]\n]\n', '[proxy]\nx = [\n["a"]\n]\nno_proxy = "b"\n', '["\\u0070roxy"]\n', '[proxy]\n"no\\u005fproxy" = "a"\n'],
    ids=["header in a list", "end in a list", "header with an escape", "name with an escape"],
)
def test_what_looks_like_common_config_and_is_not(text: str) -> None:
    with pytest.raises(Refusal, match="not edited here"):
        common_config.pointed(text, {"no_proxy": "c"})


@pytest.mark.parametrize(("name", "value"), [("no_proxy", "\x7f"), ("no_proxy", "\ud800"), ("imds_retries", "012")])
def test_values_that_toml_does_not_take(name: str, value: str) -> None:
    with pytest.raises(InputError):
        common_config.pointed("", {name: value})


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": NaN}', '{"a": -Infinity}', "1" * 5000])
def test_json_that_breaks_readers(text: str) -> None:
    with pytest.raises(Refusal, match="Nothing was changed"):
        files.parsed(text, "/x.json")
    with pytest.raises(InputError, match="is no JSON"):
        configuration.parse(text, "config")


def test_half_a_character() -> None:
    assert files.rendered({"a": "\ud800é"}) == '{\n    "a": "\\ud800\\u00e9"\n}\n'
    assert files.rendered({"a": "é"}) == '{\n    "a": "é"\n}\n'
    with pytest.raises(InputError, match="half a character"):
        configuration.plain({"a": "\ud800"}, "config")
    with pytest.raises(InputError, match="no absolute path"):
        absolute("path", "/a\udc80b")


def test_a_line_with_no_date_that_is_one_belongs_to_the_entry_before() -> None:
    lines = ["2026-03-01T12:00:00Z E! cloudwatch: AccessDenied", "2026-99-01T12:00:61Z E! more", "2026-03-01T12:00:01Z I! on"]
    assert [found.says.rpartition(": ")[2] for found in log.findings(lines, log.Circumstances())] == [
        "AccessDenied / 2026-99-01T12:00:61Z E! more"
    ]
    assert log.moment_of(lines[1]) == 0


def test_owners_are_values_of_tags() -> None:
    assert names.owner("team a") == "team a"
    with pytest.raises(InputError, match="owned_by"):
        names.owner("a;b")


@pytest.mark.parametrize("data", [b"[a]\rx = 1\n", b"[a]\nx = 1\r"])
def test_a_lone_carriage_return_ends_a_line_for_some(data: bytes) -> None:
    with pytest.raises(Unfit, match="carriage return"):
        profile.parse(data)
    assert profile.parse(data.replace(b"\r", b"\r\n")) == {"a": {"x": "1"}}
