# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is made of IAM's answers, odd ones included."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import boto3
import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws import access_keys, session
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.access_keys import AccessKeys, NoKey
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_key import Key
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Outdated
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import SSLError

SECRET = "s3cr3t" + "x" * 34
NAMESPACE = 'xmlns="https://iam.amazonaws.com/doc/2010-05-08/"'


class Iam:
    """Real clients whose requests are answered here: ``(status, date, body)`` by operation, the last one for ever."""

    def __init__(self, **answers):
        self.answers = {name: list(these) for name, these in answers.items()}
        self.asked = []
        self.bodies = []
        self.slept = []
        self.keys = AccessKeys(self.client, "web1", None, self.slept.append)

    def client(self, service, config=None, aws_config=None):
        plain = {"aws_access_key_id": "operator", "aws_secret_access_key": "operator", "region_name": "us-east-1"}
        made = boto3.session.Session(**plain).client(service, config=Config(**(aws_config or config)))
        made.meta.events.register("before-send.iam", self.answer)
        return made

    def answer(self, request, event_name, **_event):
        operation = event_name.rsplit(".", 1)[1]
        self.asked.append(operation)
        self.bodies.append(str(request.body))
        answers = self.answers[operation]
        status, date, body = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(body, Exception):
            raise body
        headers = {"Date": date.strftime("%a, %d %b %Y %H:%M:%S GMT")} if date else {}
        return AWSResponse(request.url, status, headers, SimpleNamespace(stream=lambda **_more: iter([body.encode()])))


def ok(operation, inner, date=None):
    return 200, date, f"<{operation}Response {NAMESPACE}><{operation}Result>{inner}</{operation}Result></{operation}Response>"


def error(code, status):
    return status, None, f"<ErrorResponse {NAMESPACE}><Error><Code>{code}</Code><Message>m</Message></Error></ErrorResponse>"


MADE = (f"<AccessKey><UserName>web1</UserName><AccessKeyId>AKIANEW</AccessKeyId><Status>Active</Status>"
        f"<SecretAccessKey>{SECRET}</SecretAccessKey></AccessKey>")  # fmt: skip


def listing(*ids):
    each = "".join(f"<member><AccessKeyId>{name}</AccessKeyId><Status>Active</Status><CreateDate>2026-01-01T00:00:00Z</CreateDate></member>"
                   for name in ids)  # fmt: skip
    return ok("ListAccessKeys", f"<AccessKeyMetadata>{each}</AccessKeyMetadata><IsTruncated>false</IsTruncated>")


@pytest.mark.parametrize("body", [f"<x>{MADE}", MADE.replace("AccessKeyId", "Other"), f'{{"{SECRET}": 1'])
def test_an_answer_that_cannot_be_read_is_not_quoted(body):
    """botocore quotes such an answer in full, and this one has the secret."""
    iam = Iam(CreateAccessKey=[(200, None, body)])
    with pytest.raises(NoKey, match="not known") as lost:
        iam.keys.create()
    assert SECRET not in "".join(traceback.format_exception(lost.value, chain=True))
    seen, chain = lost.value, []
    while seen is not None:
        chain.append(repr(seen))
        seen = seen.__cause__ or seen.__context__
    assert SECRET not in "".join(chain) and iam.asked == ["CreateAccessKey"]


def test_ssl_errors_may_come_after_the_call():
    iam = Iam(CreateAccessKey=[(0, None, SSLError(endpoint_url="x", error="bad record"))])
    with pytest.raises(NoKey, match="not known"):
        iam.keys.create()


def test_a_key_of_this_run_is_not_believed_to_be_gone(monkeypatch):
    """IAM may not know it yet where it is deleted; and nobody would find it later."""
    slept, made = [], "AKIANEWNEWNEWNEW"
    monkeypatch.setattr(session.Retry.__init__, "__defaults__", (lambda: sum(slept), slept.append))
    gone, done = error("NoSuchEntity", 404), (200, None, f"<DeleteAccessKeyResponse {NAMESPACE}/>")
    iam = Iam(CreateAccessKey=[ok("CreateAccessKey", MADE.replace("AKIANEW", made))], DeleteAccessKey=[gone, gone, done, gone])
    iam.keys.create()
    iam.keys.delete(made)
    assert iam.asked.count("DeleteAccessKey") == 3 and slept == [0.5, 1.0]
    iam.keys.delete("AKIAOTHEROTHEROTHER")
    assert iam.asked.count("DeleteAccessKey") == 4
    iam.keys.delete(made)
    assert sum(slept) <= session.VISIBLE_SECONDS + 1.5, "somebody else deleted it"


def test_no_list_is_no_empty_list():
    iam = Iam(ListAccessKeys=[error("NoSuchEntity", 404), listing("AKIA1")])
    assert iam.keys.listed() is None
    assert [key.id for key in iam.keys.keys({})] == ["AKIA1"]
    iam = Iam(ListAccessKeys=[error("NoSuchEntity", 404)])
    with pytest.raises(Outdated, match="web1"):
        iam.keys.keys({})


def test_a_limit_that_counts_what_this_run_deleted():
    iam = Iam(
        CreateAccessKey=[error("LimitExceeded", 409), ok("CreateAccessKey", MADE)],
        ListAccessKeys=[listing("AKIAGONEGONEGONE", "AKIAKEPTKEPTKEPT")],
        DeleteAccessKey=[(200, None, f"<DeleteAccessKeyResponse {NAMESPACE}/>")],
    )
    iam.keys.delete("AKIAGONEGONEGONE")
    assert iam.keys.create()[0].id == "AKIANEW" and iam.slept


def test_a_limit_that_is_one():
    iam = Iam(CreateAccessKey=[error("LimitExceeded", 409)], ListAccessKeys=[listing("AKIA1", "AKIA2")])
    with pytest.raises(Outdated, match="AKIA1, AKIA2"):
        iam.keys.create()
    assert not iam.slept


def test_tags_of_keys_that_are_gone_go_with_the_next_change():
    """A run ended after a key was deleted and before its tag was: the user would collect them, and may have fifty."""
    old, new, gone = ("AKIA" + letter * 16 for letter in "ONG")
    then = datetime(2026, 1, 1, tzinfo=UTC)
    plain = [(200, None, "<x/>")]
    iam = Iam(ListAccessKeys=[listing(old, new)], TagUser=plain, UpdateAccessKey=plain, DeleteAccessKey=plain, UntagUser=plain)
    iam.keys.keys({old: then})
    iam.keys.retire(old)
    assert iam.asked[1:] == ["TagUser", "UpdateAccessKey"]
    iam.keys.keys({old: then, gone: then})
    iam.keys.retire(old)
    assert iam.asked[-1] == "UntagUser" and gone in iam.bodies[-1] and old not in iam.bodies[-1]
    iam.keys.keys({old: then, gone: then})
    iam.keys.delete(old, tagged=True)
    assert iam.asked[-2:] == ["DeleteAccessKey", "UntagUser"] and gone in iam.bodies[-1] and old in iam.bodies[-1]
    iam.keys.delete(new)
    assert iam.asked[-1] == "DeleteAccessKey"


def test_now_is_awss_date_and_goes_on(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(access_keys.time, "monotonic", lambda: clock[0])
    date = datetime(2026, 3, 1, 12, tzinfo=UTC)
    used = "<AccessKeyLastUsed><ServiceName>N/A</ServiceName><Region>N/A</Region></AccessKeyLastUsed>"
    iam = Iam(GetAccessKeyLastUsed=[ok("GetAccessKeyLastUsed", used, date)])
    iam.keys.with_use(Key("AKIA" + "1" * 16, True, date))
    assert iam.keys.now == date
    clock[0] += 900
    assert iam.keys.now == date + timedelta(seconds=900)


@pytest.mark.parametrize("key_id", ["CHANGEME", "your key", ""])
def test_no_id_is_nobodys(key_id):
    iam = Iam()
    assert iam.keys.holder(key_id) == "" and not iam.asked
