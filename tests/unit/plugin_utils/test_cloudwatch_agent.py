# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part: where a configuration comes from, how long a proof is waited for, and what CloudWatch is asked."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent.configuration import Facts
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent.health import Seen
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent.log import Circumstances
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent.state import Rules
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.cloudwatch_agent_proof import prove, refuse_unproven, wait_until_listed
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.cloudwatch_agent_wanted import wanted
from botocore.exceptions import ClientError

CONFIG = {"metrics": {"metrics_collected": {"mem": {"measurement": ["used"]}}}}
FACTS = Facts(interval=60.0, metrics=True)
START = 1_800_000_000.0
PREFIXES = ["AmazonCloudWatch-"]
PARAMETER = ("ssm", "AmazonCloudWatch-x")


def asked(origin, region="", path="/c", user=""):
    return Rules(origin=origin, region=region, config_path=path, run_as_user=user)


class Host:
    """An agent that fails with a new key for a while, on a clock of its own."""

    def __init__(self, fails_for=0.0, up=0.0):
        self.now = START + up
        self.fails_for = fails_for
        self.looks = 0

    def sleep(self, seconds):
        self.now += seconds

    def look(self):
        self.looks += 1
        pushes = [START + at for at in range(60, 3600, 60) if START + at <= self.now and at <= self.fails_for]
        stamps = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)) for moment in pushes]
        log = tuple(f"{stamp} E! cloudwatch: code: InvalidClientTokenId, message: no, original error: <nil>" for stamp in stamps)
        return Seen(self.now, True, START - 2, log=log, begun=START - 1)

    def prove(self, limit=180.0):
        health = prove(self.look, self.look(), FACTS, Circumstances(), limit, self.sleep)
        return health, self.now - START, self.looks


def test_one_that_has_long_been_sending_is_looked_at_once():
    assert Host(up=1000).prove()[1:] == (1000, 1)


def test_one_that_just_started_is_waited_for():
    health, took, looks = Host().prove()
    assert health.verdict == "proven" and 75 <= took <= 77 and looks == 2


def test_a_key_that_spreads_is_waited_for():
    health, took, looks = Host(fails_for=60).prove()
    assert health.verdict == "proven" and took <= 140 and looks == 3


def test_one_that_goes_on_failing_is_not_waited_for_longer_than_helps():
    health, took, looks = Host(fails_for=3600).prove()
    assert health.verdict == "failing" and took <= 180 and looks <= 4
    with pytest.raises(Refusal, match=r"not proven to send within prove_timeout \(180 s\): it runs, but AWS does not know"):
        refuse_unproven(health, 180)


def test_a_limit_too_short_is_kept():
    health, took, _looks = Host().prove(limit=30)
    assert (health.verdict, took) == ("unproven", 0.0)


def test_one_that_is_not_answered_is_not_proven_and_not_waited_for_for_ever():
    host = Host(up=1000)
    look, host.look = host.look, lambda: replace(look(), unanswered=(("10.0.0.1", 443),))
    health, took, looks = host.prove(limit=60)
    assert health.verdict == "unproven" and took == 1060 and looks == 7
    with pytest.raises(Refusal, match=r"within prove_timeout \(60 s\): it runs, but 10.0.0.1 \(port 443\) does not answer"):
        refuse_unproven(health, 60)


class CloudWatch:
    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def list_metrics(self, **what):
        self.asked.append(what)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return {"Metrics": answer}


def denied(operation):
    return ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)


def test_metrics_that_are_listed_in_time():
    cloudwatch, slept = CloudWatch([], [], [{"MetricName": "m"}]), []
    assert "host web1 in namespace CWAgent" in wait_until_listed(cloudwatch, FACTS, "web1", 900, slept.append)
    expected = {"Namespace": "CWAgent", "Dimensions": [{"Name": "host", "Value": "web1"}], "RecentlyActive": "PT3H"}
    assert cloudwatch.asked[0] == expected and slept == [15.0, 15.0]


@pytest.mark.parametrize(
    ("cloudwatch", "words"), [(CloudWatch([]), "verify_metrics_timeout"), (CloudWatch(denied("ListMetrics")), "cloudwatch:ListMetrics")]
)
def test_metrics_that_are_not(cloudwatch, words):
    with pytest.raises(Refusal, match=words):
        wait_until_listed(cloudwatch, FACTS, "web1", 0.0, lambda _seconds: None)


@pytest.mark.parametrize(
    ("facts", "words"), [(replace(FACTS, metrics=False), "no metrics"), (replace(FACTS, host_dimension=False), "omit_hostname")]
)
def test_metrics_that_cannot_be_told(facts, words):
    assert words in wait_until_listed(None, facts, "web1", 900)


def no_client(*_arguments, **_more):
    raise AssertionError("nothing is to be called")


def test_no_configuration_is_none():
    assert wanted(asked(("", None)), PREFIXES, no_client) == (None, [])


def test_from_a_dictionary_and_from_a_file(tmp_path):
    (tmp_path / "agent.json").write_text(json.dumps(CONFIG))
    first, _warnings = wanted(asked(("content", CONFIG), "eu-west-1", "/c/mine.json", "cwagent"), PREFIXES, no_client)
    second, _warnings = wanted(asked(("file", str(tmp_path / "agent.json")), "eu-west-1", "/c/mine.json", "cwagent"), PREFIXES, no_client)
    assert first == second
    assert (first.name, first.source, first.secret) == ("file_mine.json", "file:/c/mine.json", False)
    assert first.content["agent"] == {"region": "eu-west-1", "run_as_user": "cwagent"} and json.loads(first.text) == first.content


@pytest.mark.parametrize(("text", "words"), [(None, "cannot be read"), ("{", "is no JSON"), ("[]", "is no JSON object"), ("\xff", "UTF-8")])
def test_a_file_that_is_no_configuration(tmp_path, text, words):
    if text is not None:
        (tmp_path / "agent.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=words):
        wanted(asked(("file", str(tmp_path / "agent.json"))), PREFIXES, no_client)


class Ssm:
    def __init__(self, answer):
        self.answer = answer

    def get_parameter(self, Name, WithDecryption):  # noqa: N803  (AWS's names)
        assert (Name, WithDecryption) == ("AmazonCloudWatch-x", True)
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"Parameter": self.answer}


@pytest.mark.parametrize("kind", ["String", "SecureString"])
def test_from_a_parameter_as_it_stands_there(kind):
    text, made = json.dumps(CONFIG) + "   ", []
    found, _warnings = wanted(
        asked(PARAMETER, "eu-west-1"), PREFIXES, lambda *a, **k: made.append((a, k)) or Ssm({"Value": text, "Type": kind})
    )
    assert (found.text, found.name, found.source) == (text, "ssm_AmazonCloudWatch-x", "ssm:AmazonCloudWatch-x")
    assert text not in repr(found) and found.secret is (kind == "SecureString") and made == [(("ssm",), {"region": "eu-west-1"})]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (denied("GetParameter"), "kms:Decrypt"),
        (ClientError({"Error": {"Code": "ParameterNotFound", "Message": ""}}, "GetParameter"), "There is no parameter AmazonCloudWatch-x"),
    ],
)
def test_a_parameter_that_cannot_be_read(answer, words):
    with pytest.raises(Refusal, match=words):
        wanted(asked(PARAMETER, "eu-west-1"), PREFIXES, lambda *_a, **_k: Ssm(answer))


def test_a_parameter_without_a_region_or_with_another_name():
    with pytest.raises(InputError, match="agent_region"):
        wanted(asked(PARAMETER), PREFIXES, no_client)
    with pytest.raises(InputError, match="parameter_prefixes"):
        wanted(asked(("ssm", "/x"), "eu-west-1"), PREFIXES, no_client)


def test_nothing_of_a_secret_parameter_is_quoted():
    bad = {"Value": json.dumps({"metrics": {"metrics_collected": {"mem": {"measurement": "s3cret"}}}}), "Type": "SecureString"}
    with pytest.raises(InputError) as error:
        wanted(asked(PARAMETER, "eu-west-1"), PREFIXES, lambda *_a, **_k: Ssm(bad))
    assert "s3cret" not in str(error.value) and "s3cret" not in str(error.value.__cause__) + str(error.value.__context__)
