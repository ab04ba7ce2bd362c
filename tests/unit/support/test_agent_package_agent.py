# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in's agent: how it signs, which keys it uses and for how long, what it sends, and what it logs when it is refused."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
import tomllib
import urllib.parse
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.agent.stand_in import aws, sigv4, toml_text
from tests.agent.stand_in.credentials import Keys, Provider, read_file
from tests.agent.stand_in.errors import AwsError
from tests.support.agent_package import HOME, lay_out
from tests.support.recording_proxy import Call, Forward, Handler, RecordingProxy, Response, failure

SENT = "var/sent.jsonl"
LOG = "logs/amazon-cloudwatch-agent.log"
STAMP = r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ "


@pytest.mark.parametrize("token", ["", "a-token=="])
@pytest.mark.parametrize("service", ["monitoring", "logs"])
@pytest.mark.parametrize("url", ["http://127.0.0.1:4566/", "https://monitoring.eu-west-1.amazonaws.com/"])
def test_signatures_are_those_of_botocore(url: str, service: str, token: str) -> None:
    now = "20261122T041504Z"
    body = b"Action=PutMetricData&Version=2010-08-01"
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "Content-Encoding": "gzip"}
    signed = sigv4.sign(url, headers, body, Keys("AKIAEXAMPLE", "secret/+", token), "eu-west-1", service, now)

    request = AWSRequest("POST", url, data=body, headers=dict(headers))
    request.headers["X-Amz-Date"] = now
    request.context["timestamp"] = now
    if token:
        request.headers["X-Amz-Security-Token"] = token
    request.headers["Host"] = urllib.parse.urlsplit(url).netloc
    auth = SigV4Auth(Credentials("AKIAEXAMPLE", "secret/+", token or None), service, "eu-west-1")
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    assert signed["Authorization"].endswith(f"Signature={signature}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            None,
            "SharedCredsLoad: failed to load shared credentials file\ncaused by: FailedRead: unable to open file\ncaused by: open {}",
        ),
        ("[other]\n", "SharedCredsLoad: failed to get profile"),
        ("[p]\naws_access_key_id=A\n", "SharedCredsSecret: shared credentials p in {} did not contain aws_secret_access_key"),
        ("[p]\naws_secret_access_key=A\n", "SharedCredsAccessKey: shared credentials p in {} did not contain aws_access_key_id"),
    ],
)
def test_credentials_that_cannot_be_read(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "credentials"
    if text is not None:
        path.write_text(text)
    with pytest.raises(AwsError) as caught:
        read_file(str(path), "p")
    assert str(caught.value).startswith(said.format(path))


def test_keys_are_read_again_after_their_time_and_kept_when_that_fails() -> None:
    answers: List[Any] = [Keys("A", "1"), AwsError("SharedCredsLoad", "gone"), Keys("B", "2")]

    def read() -> Keys:
        answer = answers.pop(0)
        if isinstance(answer, AwsError):
            raise answer
        keys: Keys = answer
        return keys

    provider = Provider(read, seconds=0.2)
    assert [provider.get().access_key_id for _time in range(3)] == ["A", "A", "A"]
    time.sleep(0.25)
    with pytest.raises(AwsError):
        provider.get()
    assert provider.get().access_key_id == "A"
    time.sleep(0.25)
    assert provider.get().access_key_id == "B"


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://a.example/", ""),
        ({"HTTPS_PROXY": "http://p:1"}, "https://a.example/", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, "http://a.example/", ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "b.example,a.example"}, "https://a.example/", ""),
        ({"HTTPS_PROXY": "http://p:1"}, "https://127.0.0.1:8443/", ""),
        ({"HTTPS_PROXY": "http://p:1"}, "https://localhost/", ""),
    ],
)
def test_proxies(monkeypatch: pytest.MonkeyPatch, environment: Dict[str, str], url: str, proxy: str) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert aws.proxy_for(url) == proxy


def test_toml_reads_back() -> None:
    tables = {
        "agent": {"a b": 'q"\\', "n": 1, "yes": True, "list": ["x", "y"], "none": []},
        "inputs": {"mem": [{"a": 1}, {"b": {"c": "d"}}]},
    }
    assert tomllib.loads(toml_text.dumps(tables)) == tables


class Agent:
    """The agent as a process, below a folder of its own."""

    def __init__(self, path: Path) -> None:
        self.home = path / HOME
        self.credentials = path / "credentials"
        lay_out(path, reread_seconds=0.5)
        self._environment = {"STAND_IN_ROOT": str(path), "STAND_IN_IMDS_ENDPOINT": "http://127.0.0.1:9"}
        self._process: subprocess.Popen[bytes] | None = None
        self.key("AKIAFIRST")

    def key(self, name: str) -> None:
        self.credentials.write_text(f"[AmazonCloudWatchAgent]\naws_access_key_id={name}\naws_secret_access_key=secret\n")

    def start(
        self, url: str, processors: Dict[str, Any] | None = None, logs: List[Dict[str, Any]] | None = None, **environment: str
    ) -> None:
        keys = {"region": "eu-west-1", "profile": "AmazonCloudWatchAgent", "shared_credential_file": str(self.credentials)}
        output = {**keys, "namespace": "CWAgent", "endpoint_override": url, "force_flush_interval": "0.3s"}
        tables = {
            "agent": {"hostname": "", "interval": "0.1s", "logfile": str(self.home / LOG), "omit_hostname": False},
            "inputs": {"metrics": [{"name": "mem", "measurement": ["mem_used_percent"]}], "logfile": logs or []},
            "outputs": {"cloudwatch": output, **({"cloudwatchlogs": output} if logs else {})},
            "processors": processors or {},
        }
        toml = self.home / "etc/agent.toml"
        toml.write_text(toml_text.dumps(tables))
        command = [str(self.home / "bin/amazon-cloudwatch-agent"), "-config", str(toml), "-pidfile", str(self.home / "var/pid")]
        self._process = subprocess.Popen(command, env={**self._environment, **environment})

    def stop(self) -> int:
        assert self._process
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def ended(self) -> int:
        assert self._process
        return self._process.wait(timeout=30)

    def sent(self) -> List[Dict[str, Any]]:
        file = self.home / SENT
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def log(self) -> str:
        file = self.home / LOG
        return file.read_text() if file.exists() else ""

    def wait(self, until: Callable[[], Any]) -> None:
        deadline = time.monotonic() + 15
        while not until():
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    running = Agent(tmp_path)
    yield running
    running.stop()


def accepts(call: Call, forward: Forward) -> Response:
    return Response(200, (), b"<PutMetricDataResponse/>" if call.protocol == "query" else b"{}")


def refuses(code: str, message: str, status: int = 403) -> Handler:
    return lambda call, forward: failure(call, code, message, status)


def sequences(calls: List[Call]) -> List[int]:
    """Return the numbers that arrived, as a test of the collection counts them."""
    found = []
    for call in calls:
        fields = call.parameters
        names = [field.rpartition(".")[0] for field, value in fields.items() if value == "stand_in_sequence"]
        found += [int(float(fields[f"{name}.Value"])) for name in names]
    return found


def test_everything_collected_arrives_once_across_a_restart(agent: Agent) -> None:
    with RecordingProxy("http://127.0.0.1:9", handler=accepts) as cloudwatch:
        for number in (1, 2):
            agent.start(cloudwatch.url)
            agent.wait(lambda number=number: len(agent.sent()) >= 2 * number)  # type: ignore[misc]
            assert agent.stop() == 0
    arrived = sequences(cloudwatch.calls)
    assert sorted(arrived) == list(range(1, int((agent.home / "var/sequence").read_text()) + 1))
    assert sorted(number for line in agent.sent() for number in line["sequences"]) == sorted(arrived)
    assert {(line["kind"], line["key"], line["outcome"], line["code"]) for line in agent.sent()} == {("metrics", "AKIAFIRST", "sent", "")}
    call = cloudwatch.calls[0]
    assert (str(call), call.protocol, call.region) == ("cloudwatch:PutMetricData", "query", "eu-west-1")
    assert (call.parameters["Namespace"], call.parameters["MetricData.member.1.MetricName"]) == ("CWAgent", "mem_used_percent")
    assert call.parameters["MetricData.member.1.Dimensions.member.1.Name"] == "host"
    # Amazon's agent says nothing of a batch that arrived.
    assert not re.search(" [EW]! ", agent.log()) and "I! will use file based credentials provider" in agent.log()


def test_what_was_collected_can_be_lost_on_stop(agent: Agent) -> None:
    with RecordingProxy("http://127.0.0.1:9", handler=accepts) as cloudwatch:
        agent.start(cloudwatch.url, STAND_IN_FLUSH_ON_STOP="no")
        agent.wait((agent.home / "var/sequence").exists)
        agent.stop()
    assert len(sequences(cloudwatch.calls)) < int((agent.home / "var/sequence").read_text())


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidClientTokenId", "The security token included in the request is invalid"),
        ("SignatureDoesNotMatch", "The request signature we calculated does not match"),
        ("AccessDenied", "User: x is not authorized to perform: cloudwatch:PutMetricData"),
    ],
)
def test_refused_batches_are_dropped_and_logged(agent: Agent, code: str, message: str) -> None:
    with RecordingProxy("http://127.0.0.1:9", handler=refuses(code, message)) as cloudwatch:
        agent.start(cloudwatch.url)
        agent.wait(lambda: "WriteToCloudWatch" in agent.log())
        agent.stop()
    log = agent.log()
    assert re.search(STAMP + re.escape(f"E! cloudwatch: code: {code}, message: {message}, original error: <nil>"), log)
    assert re.search(STAMP + r"W! cloudwatch: 0 retries, going to sleep \d+ ms before retrying\.", log)
    assert re.search(STAMP + re.escape(f"E! cloudwatch: WriteToCloudWatch failure, err:  {code}: {message}\n\tstatus code: 403"), log)
    assert {(line["key"], line["outcome"], line["code"], line["attempts"]) for line in agent.sent()} == {("AKIAFIRST", "dropped", code, 1)}


def test_limits_are_tried_again(agent: Agent) -> None:
    refusals = [1, 1]
    lock = threading.Lock()

    def twice(call: Call, forward: Forward) -> Response:
        with lock:
            return failure(call, "LimitExceeded", "slow down") if refusals and refusals.pop() else accepts(call, forward)

    with RecordingProxy("http://127.0.0.1:9", handler=twice) as cloudwatch:
        agent.start(cloudwatch.url)
        agent.wait(lambda: any(line["attempts"] > 1 for line in agent.sent()))
        agent.stop()
    assert {line["outcome"] for line in agent.sent()} == {"sent"}
    assert "W! cloudwatch: PutMetricData, error: LimitExceeded, message: slow down" in agent.log()


def test_an_endpoint_that_is_not_there(agent: Agent) -> None:
    agent.start("http://127.0.0.1:9")
    agent.wait(agent.sent)
    cause = 'Post "http://127.0.0.1:9/": dial tcp 127.0.0.1:9: connect: connection refused'
    assert f"E! cloudwatch: code: RequestError, message: send request failed, original error: {cause}" in agent.log()


def test_a_new_key_is_taken_up_without_a_restart(agent: Agent) -> None:
    with RecordingProxy("http://127.0.0.1:9", handler=accepts) as cloudwatch:
        agent.start(cloudwatch.url)
        agent.wait(agent.sent)
        agent.key("AKIASECOND")
        agent.wait(lambda: agent.sent()[-1]["key"] == "AKIASECOND")
        agent.stop()
    assert {call.access_key_id for call in cloudwatch.calls} == {"AKIAFIRST", "AKIASECOND"}


def test_keys_that_are_not_there_are_logged_at_the_start_and_at_each_push(agent: Agent) -> None:
    agent.credentials.unlink()
    with RecordingProxy("http://127.0.0.1:9", handler=accepts) as cloudwatch:
        agent.start(cloudwatch.url)
        agent.wait(agent.sent)
        agent.key("AKIALATE")
        agent.wait(lambda: agent.sent()[-1]["outcome"] == "sent")
        agent.stop()
    cause = f"FailedRead: unable to open file\ncaused by: open {agent.credentials}: no such file or directory"
    text = "failed to load shared credentials file"
    assert f"E! Failed to get credential from session: SharedCredsLoad: {text}\ncaused by: {cause}" in agent.log()
    assert f"E! cloudwatch: code: SharedCredsLoad, message: {text}, original error: {cause}" in agent.log()
    assert (agent.sent()[0]["key"], agent.sent()[0]["code"]) == ("", "SharedCredsLoad")


def test_append_dimensions_end_the_agent_where_no_instance_is(agent: Agent) -> None:
    agent.start("http://127.0.0.1:9", processors={"ec2tagger": {"ec2_metadata_tags": ["InstanceId"]}})
    assert agent.ended() == 1
    assert "ec2tagger: Unable to retrieve EC2 Metadata. This plugin must only be used on an EC2 instance." in agent.log()
    assert "E! Error running agent: " in agent.log()


def logs_of(held: List[str]) -> Handler:
    """Answer as CloudWatch Logs that holds these groups and streams."""

    def answer(call: Call, forward: Forward) -> Response:
        if call.service != "logs":
            return accepts(call, forward)
        name = {"CreateLogGroup": "group", "CreateLogStream": "stream"}.get(call.operation, "")
        needs = {"CreateLogStream": ["group"], "PutLogEvents": ["group", "stream"]}.get(call.operation, [])
        if not set(needs) <= set(held):
            return failure(call, "ResourceNotFoundException", "not there")
        held.extend([name] if name else [])
        return Response(200, (), b"{}")

    return answer


@pytest.mark.parametrize(
    ("retention", "operations"),
    [
        (-1, ["PutLogEvents", "CreateLogStream", "CreateLogGroup", "CreateLogStream", "PutLogEvents"]),
        (
            7,
            [
                "DescribeLogGroups",
                "PutLogEvents",
                "CreateLogStream",
                "CreateLogGroup",
                "CreateLogStream",
                "PutRetentionPolicy",
                "PutLogEvents",
            ],
        ),
    ],
)
def test_lines_of_files_are_sent_once(agent: Agent, tmp_path: Path, retention: int, operations: List[str]) -> None:
    file = tmp_path / "app.log"
    file.write_text("one\ntwo\nthr")
    entry = {"file_path": str(file), "log_group_name": "g", "log_stream_name": "s", "retention_in_days": retention}
    with RecordingProxy("http://127.0.0.1:9", handler=logs_of([])) as cloud:
        agent.start(cloud.url, logs=[entry])
        agent.wait(lambda: [line for line in agent.sent() if line["kind"] == "logs"])
        agent.stop()
        with file.open("a") as more:
            more.write("ee\n")
        agent.start(cloud.url, logs=[{**entry, "retention_in_days": -1}])
        agent.wait(lambda: len([line for line in agent.sent() if line["kind"] == "logs"]) == 2)
        agent.stop()
    calls = [call for call in cloud.calls if call.service == "logs"]
    assert [call.operation for call in calls] == [*operations, "PutLogEvents"]
    stored: List[Tuple[int, str]] = [
        (call.status or 0, event["message"]) for call in calls if call.operation == "PutLogEvents" for event in call.parameters["logEvents"]
    ]
    assert [text for status, text in stored if status == 200] == ["one", "two", "three"]
    assert "W! [outputs.cloudwatchlogs] Retried 0 time, going to sleep " in agent.log()


def test_refused_lines_are_tried_again_until_the_agent_ends(agent: Agent, tmp_path: Path) -> None:
    file = tmp_path / "app.log"
    file.write_text("one\n")
    entry = {"file_path": str(file), "log_group_name": "g", "log_stream_name": "s", "retention_in_days": -1}
    with RecordingProxy("http://127.0.0.1:9", handler=refuses("AccessDeniedException", "not you", 400)) as cloud:
        agent.start(cloud.url, logs=[entry])
        agent.wait(lambda: "[outputs.cloudwatchlogs] Retried 1 time" in agent.log())
        agent.stop()
    assert "E! [outputs.cloudwatchlogs] Aws error received when sending logs to g/s: AccessDeniedException: not you" in agent.log()
    assert [line["outcome"] for line in agent.sent() if line["kind"] == "logs"] == ["dropped"]


@pytest.mark.parametrize(("level", "shown"), [("INFO", True), ("WARN", False)])
def test_the_level_of_the_log(agent: Agent, level: str, shown: bool) -> None:
    agent.start("http://127.0.0.1:9", CWAGENT_LOG_LEVEL=level)
    agent.wait(agent.sent)
    assert (" I! " in agent.log()) is shown and " E! " in agent.log()
    assert os.stat(agent.home / LOG).st_mode & 0o777 == 0o600
