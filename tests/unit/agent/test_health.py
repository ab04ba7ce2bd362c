# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the log says, and what is concluded from it."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent.control import explain
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent.health import Health, Seen, judge, needs_restart, window
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent.log import Circumstances, findings

AROUND = Circumstances("P", "/etc/c", "eu-west-1")
NOW = 1_800_000_000.0
INVALID = "E! cloudwatch: code: InvalidClientTokenId, message: The security token included in the request is invalid, original error: <nil>"
RETRY = "W! cloudwatch: 1 retries, going to sleep 400 ms before retrying."
LOGS = "[outputs.cloudwatchlogs]"
SENDING = f"E! {LOGS} Aws error received when sending logs to g/s:"
STREAM = f"E! {LOGS} Unable to create log stream g/s:"
UNREADABLE = (
    "E! Failed to get credential from session: SharedCredsLoad: failed to load shared credentials file\n"
    "caused by: FailedRead: unable to open file\ncaused by: open "
)
UNSENT = "E! cloudwatch: code: RequestError, message: send request failed, original error: Post:"
DENIED = "E! cloudwatch: code: AccessDenied, message: User: arn:x:user/u is not authorized to perform: "


def at(moment, text):
    first, *more = text.split("\n")
    return [time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime(moment)) + first, *more]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (INVALID, "AWS does not know the access key of profile P in /etc/c"),
        ("E! cloudwatch: WriteToCloudWatch failure, err:  InvalidClientTokenId: The security token", "does not know the access key"),
        (f"{SENDING} UnrecognizedClientException: The security token", "does not know the access key"),
        (f"{DENIED}cloudwatch:PutMetricData because no policy allows it", "denies cloudwatch:PutMetricData."),
        ("E! cloudwatch: code: AccessDenied, message: denied, original error: <nil>", "denies cloudwatch:PutMetricData"),
        (
            f"{STREAM} AccessDeniedException: not authorized to perform: logs:CreateLogGroup on resource: arn:x:log-group:g",
            "denies logs:CreateLogGroup on arn:x:log-group:g",
        ),
        (f"{STREAM} AccessDeniedException", "logs:CreateLogStream or logs:CreateLogGroup"),
        (f"{SENDING} AccessDeniedException", "denies logs:PutLogEvents"),
        (f"{STREAM} ResourceNotFoundException: no group", "allow logs:CreateLogGroup"),
        ("E! cloudwatch: code: SignatureDoesNotMatch, message: The request signature we calculated", "secret of profile P"),
        ("E! cloudwatch: code: SignatureDoesNotMatch, message: Signature expired: 20260101T000000Z is now earlier than", "clock is wrong"),
        ("E! cloudwatch: code: RequestExpired, message: Request has expired.", "clock is wrong"),
        ("E! cloudwatch: code: ExpiredToken, message: The security token included in the request is expired", "have expired"),
        (f"{UNREADABLE}/root/.aws/credentials: no such file or directory", "/root/.aws/credentials: no such file"),
        (f"{UNREADABLE}/etc/c: permission denied", "/etc/c: permission denied"),
        ("E! Failed to get credential from session: SharedCredsLoad: failed to get profile", "/etc/c has no profile P"),
        (
            "E! Failed to get credential: SharedCredsSecret: shared credentials P in /etc/c did not contain aws_secret_access_key",
            "profile P in /etc/c holds no aws_secret_access_key",
        ),
        ("E! cloudwatch: code: NoCredentialProviders, message: no valid providers in chain", "found no credentials"),
        ("E! ec2tagger: Unable to retrieve EC2 Metadata. This plugin must only be used on an EC2 instance.", "metrics.append_dimensions"),
        ("E! Region info is missing for mode: onPremise", "set agent_region"),
        ("E! Cannot translate JSON, ERROR is exit status 1", "cannot translate"),
        ("E! Failed to ChangeUser: unknown user nobody", "run_as_user"),
        (f"{UNSENT} dial tcp: lookup monitoring.eu-wset-1.amazonaws.com: no such host", "monitoring.eu-wset-1.amazonaws.com is no name"),
        (f"{UNSENT} x509: certificate signed by unknown authority", "ca_bundle"),
        (f"{UNSENT} proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: connection refused", "http_proxy and https_proxy"),
        (f"{UNSENT} dial tcp 1.2.3.4:443: i/o timeout", "nothing answers"),
        (f"E! {LOGS} All 13 retries to g/s failed for PutLogEvents, request dropped.", "data could not be sent"),
    ],
)
def test_texts_of_the_log(text, words):
    (finding,) = findings(at(NOW, text), AROUND)
    assert words in finding.says and not finding.cause.warning
    seen = Seen(NOW + 1, True, NOW - 1000, log=tuple(at(NOW, text)))
    health = judge(seen, 60, AROUND)
    assert health.verdict == "failing" and words in health.says and bool(health.wait) != finding.cause.lasting


@pytest.mark.parametrize(
    "text",
    [
        "E! [inputs.procstat] cannot read pid file: no such file or directory",
        "E! [inputs.prometheus] could not scrape: dial tcp: connection refused, credentials wrong",
        RETRY,
        f"W! {LOGS} Retried 1 time, going to sleep 400ms before retrying.",
        "I! cloudwatch: will use file based credentials provider",
        "E! some other matter",
        "no entry at all",
    ],
)
def test_what_is_none_of_it(text):
    assert findings(at(NOW, text) if "!" in text else [text], AROUND) == []


@pytest.mark.parametrize(
    "text",
    [
        f"E! {LOGS} failed to describe log group retention for target g: AccessDenied: not authorized to perform: logs:DescribeLogGroups",
        f"E! {LOGS} failed to batch describe log group retention for targets map[g:s]: AccessDeniedException",
        f"E! {LOGS} failed to update retention policy for target g after 5 attempts",
        "E! cloudwatch: code: Throttling, message: Rate exceeded, original error: <nil>",
    ],
)
def test_what_is_a_warning(text):
    health = judge(Seen(NOW, True, NOW - 1000, log=tuple(at(NOW - 1, text))), 60, AROUND)
    assert health.verdict == "proven" and len(health.warnings) == 1


def seen(up=1000.0, errors=(), running=True, **more):
    lines = [line for ago in errors for line in at(NOW - ago, INVALID)]
    return Seen(NOW, running, NOW - up - 3 if running else 0.0, log=tuple(lines), **{"begun": NOW - up - 1, **more})


@pytest.mark.parametrize(
    ("what", "verdict", "wait"),
    [
        (seen(), "proven", 0.0),
        (seen(up=75.5), "proven", 0.0),
        (seen(up=74), "unproven", 1.1),
        (seen(up=0.5), "unproven", 74.6),
        (seen(errors=[10]), "failing", 66.0),
        (seen(errors=[90, 80]), "proven", 0.0),
        (seen(up=30, errors=[40]), "unproven", 45.1),
        (seen(up=80, begun=0.0), "unproven", 2.1),
        (seen(up=30, begun=NOW - 500), "unproven", 52.1),
        (seen(up=83, begun=0.0), "proven", 0.0),
        (seen(up=30, errors=[20]), "failing", 56.0),
        (seen(log_there=False), "unknown", 0.0),
        (seen(up=5, log_there=False), "unproven", 70.1),
        (seen(running=False, status="inactive/dead"), "failing", 2.0),
        (seen(running=False, errors=[5]), "failing", 2.0),
        (Seen(NOW, running=True), "unknown", 0.0),
        (seen(log_moved="/l.log.1"), "unknown", 0.0),
        (seen(unanswered=(("10.0.0.1", 443),)), "unproven", 10.0),
        (seen(unanswered=(("10.0.0.1", 53),)), "unproven", 10.0),
        (seen(unanswered=(("10.0.0.1", 9100),)), "proven", 0.0),
        (seen(errors=[10], unanswered=(("10.0.0.1", 443),)), "failing", 66.0),
    ],
)
def test_verdicts(what, verdict, wait):
    health = judge(what, 60, AROUND)
    assert (health.verdict, round(health.wait, 3)) == (verdict, wait), health


def test_what_is_not_answered_is_named():
    assert "10.0.0.1 (port 443) does not answer it" in judge(seen(unanswered=(("10.0.0.1", 443),)), 60, AROUND).says
    assert judge(seen(unanswered=(("10.0.0.1", 8080),)), 60, replace(AROUND, ports=AROUND.ports | {8080})).verdict == "unproven"


@pytest.mark.parametrize(("ago", "verdict", "wait"), [(50, "failing", 16.0), (66, "proven", 0.0)])
def test_log_events_are_tried_again_after_a_minute_only(ago, verdict, wait):
    health = judge(seen(errors=[ago]), 5, AROUND, silence=65.0)
    assert (health.verdict, health.wait) == (verdict, wait)
    replaced = seen(errors=[ago], credentials_written=NOW - 70)
    assert needs_restart(replaced, 5, AROUND, silence=65.0) is (verdict == "failing")


def test_a_log_that_was_moved_away_is_named():
    assert "/l.log.1" in judge(seen(log_moved="/l.log.1"), 60, AROUND).says


def test_a_telling_entry_wins_over_a_vague_one():
    lines = at(NOW - 3, INVALID) + at(NOW - 2, f"E! {LOGS} All 13 retries to g/s failed for PutLogEvents, request dropped.")
    assert "does not know the access key" in judge(Seen(NOW, True, NOW - 99, log=tuple(lines)), 60, AROUND).says


def test_the_window_is_an_interval_and_a_quarter():
    assert [window(seconds) for seconds in (1, 5, 60)] == [3, 7, 75]


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (seen(errors=[5], credentials_written=NOW - 10), True),
        (seen(errors=[15], credentials_written=NOW - 10), True),
        (seen(errors=[5], credentials_written=NOW - 2000), False),
        (seen(errors=[5]), False),
        (seen(credentials_written=NOW - 10), False),
        (seen(errors=[5], credentials_written=NOW - 10, running=False), False),
        (seen(errors=[90], credentials_written=NOW - 95), False),
    ],
)
def test_replaced_credentials_need_a_restart_while_it_fails(what, expected):
    assert needs_restart(what, 60, AROUND) is expected


def test_unknown_until_something_was_seen():
    assert Health().verdict == "unknown"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"stderr": "unknown init system"}, "systemd"),
        (
            {"stderr": "E! fail to fetch json config: error in retrieving parameter store content: AccessDeniedException"},
            "ssm:GetParameter",
        ),
        ({"stderr": "content: ParameterNotFound: "}, "no such parameter"),
        ({"stderr": "content: UnrecognizedClientException: The security token"}, "does not know the access key"),
        ({"stderr": "please make sure the credentials and region set correctly on your hosts"}, "agent_region"),
        ({"stderr": "failed to open Common Config"}, "reinstall"),
        (
            {"stdout": "second phase failed", "validation": "E! bad\nlast line"},
            "configuration-validation.log ends with: E! bad / last line",
        ),
        ({"stdout": "said here"}, "It said: said here"),
        ({}, "It said nothing"),
    ],
)
def test_a_control_script_that_fails(said, words):
    answer = {"rc": 1, "stdout": "", "stderr": "", "validation": "", **said}
    assert words in explain(answer, secret=False)
    quoted = explain({**answer, "stderr": answer["stderr"] + "\ns3cret", "validation": "s3cret"}, secret=True)
    assert "s3cret" not in quoted and "status 1" in quoted
