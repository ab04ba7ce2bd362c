# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words of AWS and of hosts: read without a stumble whatever they are, and shown without what a terminal, a browser or a template obeys."""

from __future__ import annotations

import html
from contextlib import suppress
from typing import Any, Callable, Dict, List

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils import _reconcile
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host import agent_log
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.channel import Channel, NoAnswer
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.ground import ANSWER
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import (
    agent_package,
    agent_parameter,
    lease,
    openpgp,
    retired,
    shared_key,
)
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import document as documents
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent import control
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent import log as agent_words
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent import options as agent_options
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.audit import document, holders, report
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.plan import Change
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.registration import says
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.session_preferences import document as preferences
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.shown import LONGEST, on_a_line, shown
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.trust_policy import width
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.hostile import hostile, obeyed, outcome, texts
from tests.faults.test_hostile_documents import LIKELY
from tests.report.pages import hostile_document
from tests.unit.audit.cases import NOW
from tests.unit.audit.test_audit_markup import Checker


@hostile(150, 5000)
@given(texts())
def test_what_is_shown_is_not_obeyed(text: str) -> None:
    for words in (shown(text), on_a_line(text), str(InputError(text)), str(Refusal(text)), str(Change("create", text, text, text))):
        assert not obeyed(words)
        words.encode()
        assert len(words) <= 2 * LONGEST
    assert bool(shown(shown(text)) == shown(text))
    assert "\n" not in on_a_line(text) and "\n" not in str(Change("create", text, text, text))
    if not obeyed(text) and len(text) < LONGEST and text.isprintable():
        assert shown(text) == text


class Spoken(_reconcile.Resource):
    """Fails, warns and reports in somebody else's words."""

    def __init__(self, words: str, at: str) -> None:
        self._words, self._at = words, at

    def read(self) -> str:
        return self._say("read")

    def target(self, _actual: str) -> str:
        return self._say("target")

    def plan(self, _target: str, _actual: str) -> List[Change]:
        return [Change("create", "tag", self._words)]

    def apply(self, _change: Change) -> None:
        self._say("apply")

    def report(self) -> Dict[str, Any]:
        return {"warnings": [self._words]}

    def view(self, _record: str) -> Dict[str, Any]:
        return {"held": self._words}

    def _say(self, at: str) -> str:
        if at == self._at:
            raise OSError(self._words)
        if f"{at} refuses" == self._at:
            raise Refusal(self._words)
        return ""


class Action:
    """As much of an action plugin as the loop knows."""

    class _task:  # noqa: N801
        check_mode, diff = False, True


@hostile(60, 2000)
@given(texts(), st.sampled_from(["", "read", "target refuses", "apply"]))
def test_a_result_shows_nothing_that_is_obeyed_and_carries_everything(words: str, at: str) -> None:
    result = _reconcile.converge_action(Action(), Spoken(words, at))
    read_by_people = [
        result.get("msg", ""),
        *result["warnings"],
        *result.get("changes", ()),
        *result.get("changes_applied", ()),
        *result.get("changes_left", ()),
    ]
    assert not obeyed("".join(read_by_people))
    assert "held" not in result or result["held"] == words


@hostile(40, 1500)
@given(texts())
def test_a_page_is_text_whatever_it_tells_of(words: str) -> None:
    told = hostile_document(words)
    page = report.html(told, words)
    page.encode()
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert not {"script", "img", "iframe", "a", "form", "svg", "object", "base"} & set(checker.seen)
    assert not [key for key in checker.attributes if key.startswith("on") or key in ("src", "style", "srcdoc")]
    assert "{{" not in page and "{%" not in page and "{#" not in page
    assert not obeyed(page.replace("\r", ""))
    assert not obeyed("".join(told["summary"])) and not [line for line in told["summary"] if "\n" in line]
    visible = words if not obeyed(words) and not set(words) & set("\u200e\u200f\ufeff\x0c\x0b\r") else ""
    assert visible in html.unescape(page)


LINES = st.lists(
    st.builds("{} {} {}".format, st.sampled_from(["2026-03-01T12:00:00Z", "2026/03/01 12:00:00", "9999-99-99T99:99:99Z", ""]),
              st.sampled_from(["E!", "W!", "I!", "F!", ""]), texts("AccessDenied perform: {0} on resource: {x}", "cloudwatch", longest=4)),
    max_size=4,
)  # fmt: skip


@hostile(80, 3000)
@given(LINES)
def test_logs_of_hosts_are_read(tmp_path_factory: pytest.TempPathFactory, lines: List[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "agent.log"
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    kept, begun, read = agent_log.read_log(str(path))
    assert read and len(kept) <= agent_log.LOG_LINES
    for found in agent_words.findings([*kept, *lines], agent_words.Circumstances()):
        assert found.says
    agent_words.moment_of(begun)
    says.explain(lines)
    answer = {"rc": 1, "stdout": "\n".join(lines), "stderr": "\n".join(lines[:1]), "validation": ""}
    assert control.explain(answer, secret=False)
    assert not [line for line in lines if len(line.strip()) > 60 and line.strip() in control.explain(answer, secret=True)]


@hostile(60, 2000)
@given(texts(ANSWER, '{"ok": true}', longest=6), texts(longest=4), texts("python3"))
def test_a_host_may_say_anything(out: str, err: str, python: str) -> None:
    channel = Channel(lambda _command, _data: {"rc": 1, "stdout": out, "stderr": err}, python)
    with suppress(NoAnswer):
        assert isinstance(channel.ask("probe", path="/x"), dict)


@hostile(80, 3000)
@given(LIKELY, texts())
def test_what_aws_holds_is_judged_without_a_stumble(value: Any, words: str) -> None:
    """Documents as IAM stores them are valid; the words in them are anybody's."""
    lease.found("role R", NOW, tag=words)
    assert lease.lease_of(lease.tag_value(lease.lease_of(words))) == lease.lease_of(words)
    agent_package.os_release(words)
    retired.managed(words)
    with_document = documents.parse(value, "policy p")
    lease.found("role R", NOW, inline=with_document)
    retired.custom(with_document, "aws")
    width.services(with_document), holders.wide(with_document)
    for read in (lambda: agent_parameter.parsed(words), lambda: preferences.parse(words, "name", "1"), lambda: openpgp.fingerprint(words)):
        outcome(read)


DEEP = "[" * 100_000
"""JSON that Python reads no further than it may nest calls."""


@pytest.mark.parametrize(
    "read",
    [
        agent_parameter.parsed, lambda text: preferences.parse(text, "name", "1"), shared_key.from_text, agent_options.origin,
        lambda text: documents.parse(text, "policy p"), lambda text: Channel(says_back(ANSWER + text), "python3").ask("probe", path="/x"),
    ],
)  # fmt: skip
def test_a_text_that_nests_too_deep(read: Callable[[str], Any]) -> None:
    with suppress(NoAnswer):
        assert outcome(lambda: read(DEEP))[0] is None


def says_back(text: str) -> Callable[[str, bytes], Dict[str, Any]]:
    return lambda _command, _data: {"rc": 0, "stdout": text, "stderr": ""}


@hostile(60, 2000)
@given(st.binary(max_size=40) | texts().map(lambda text: text.encode("utf-8", "replace")))
def test_a_key_may_be_anything(data: bytes) -> None:
    for framed in (
        data,
        b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + data + b"\n-----END PGP PUBLIC KEY BLOCK-----\n",
        b"\x99\x01\x0d\x04" + data,
    ):
        for read in (lambda: openpgp.certificates(framed), lambda: openpgp.detached_signature(framed), lambda: openpgp.armoured(framed)):  # noqa: B023
            outcome(read)


def test_findings_of_severities_stay_in_lines() -> None:
    """The summary is one line for each finding, however the object is called."""
    told = hostile_document("x\n\x1b[2Jhigh: nothing")
    assert all(line.count("\n") == 0 for line in document.summary({**told, "findings": told["findings"]}))
