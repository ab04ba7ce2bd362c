# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An activation on its way to a host, at each place where that can end."""

from __future__ import annotations

import json
import os
import re
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.hybridops.aws_agents.plugins.module_utils import _reconcile as loop
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws import activations as aws
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.registration.state import PLACES, Rules
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils import activation, ssm_registration
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError
from botocore.parsers import ResponseParserError

MI, OTHER = "mi-0123456789abcdef0", "mi-0fedcba9876543210"
CODE = "c0de-that-nobody-sees"
RULES = Rules(region="eu-west-1", name="web1", iam_role="SSMServiceRole", tags={"site": "cellar"})
TAGS = {"site": "cellar", "hybridops.aws_agents/owner": "default", "hybridops.aws_agents/host": "web1"}
DATE = {"ResponseMetadata": {"HTTPHeaders": {"date": "Sat, 31 Jan 2026 10:00:00 GMT"}}}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    slept = []
    monkeypatch.setattr(aws.time, "sleep", slept.append)
    monkeypatch.setattr(activation.Trap, "pause", lambda self, seconds: (slept.append(seconds), self.check()))
    return slept


def refused(code, message="no", status=400):
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "CreateActivation")


class Ssm:
    """Systems Manager, in one Region."""

    def __init__(self):
        self.calls = []
        self.clients = []
        self.activations = {}
        self.nodes = {}
        self.fails = {}
        """By operation: what is raised in turn, and whether the call is carried out before."""

    def client(self, service, **more):
        self.clients.append(more)
        assert service == "ssm"
        return self

    def _did(self, operation, arguments):
        self.calls.append((operation, arguments))

    def _fail(self, operation):
        if self.fails.get(operation):
            raise self.fails[operation].pop(0)

    def create_activation(self, **asked):
        self._did("create", asked)
        if not isinstance(next(iter(self.fails.get("create", [])), None), ClientError):
            self.activations["a-1"] = dict(asked, ActivationId="a-1")
        self._fail("create")
        return dict(DATE, ActivationId="a-1", ActivationCode=CODE)

    def get_paginator(self, name):
        assert name == "describe_activations"
        return self

    def paginate(self, Filters):  # noqa: N803  (AWS's names)
        self._did("describe", Filters)
        self._fail("describe")
        (name,) = Filters[0]["FilterValues"]
        yield dict(DATE, ActivationList=[made for made in self.activations.values() if made["DefaultInstanceName"] == name])

    def delete_activation(self, ActivationId):  # noqa: N803
        self._did("delete", ActivationId)
        self._fail("delete")
        if self.activations.pop(ActivationId, None) is None:
            raise refused("InvalidActivation")
        return DATE

    def describe_instance_information(self, Filters):  # noqa: N803
        self._did("node", Filters)
        found = self.nodes.get(Filters[0]["Values"][0])
        return dict(DATE, InstanceInformationList=[found] if found else [])

    def deregister_managed_instance(self, InstanceId):  # noqa: N803
        self._did("deregister", InstanceId)
        if self.nodes.pop(InstanceId, None) is None:
            raise refused("InvalidInstanceId")

    def operations(self):
        return [operation for operation, _arguments in self.calls]


class Host:
    """A host, asked in place of a channel."""

    def __init__(self, ssm, instance="", region="eu-west-1"):
        self.ssm = ssm
        self.instance, self.region = instance, region if instance else ""
        self.running = True
        self.asked = []
        self.age = 200000.0
        """Seconds since it was registered."""
        self.down = False
        self.on_register = lambda: None
        self.after_register = lambda: None
        self.result = {"rc": 0, "stdout": "", "stderr": ""}

    def _registration(self):
        return {"instance": self.instance, "region": self.region, "broken": False, "registered_at": 300000.0 - self.age, "remembered": "",
                "remembered_region": "", "errors": ["InvalidActivation"], "status": "active/running"}  # fmt: skip

    def ask(self, do, **request):
        if self.down:
            raise AnsibleConnectionFailure("no route to host")
        self.asked.append((do, request))
        assert request["places"] == PLACES
        return dict(getattr(self, do)(request), ok=True) if do != "register" else self.register(request)

    def probe(self, _request):
        return {**self._registration(), "installed": ["package"], "agent": PLACES["agents"][0], "version": "3.3", "systemd": True,
                "enabled": True, "running": self.running, "started": 0.0, "now": 300000.0, "config": None, "config_written": None,
                "template": None, "drop_in": "/d", "environment": "", "environment_written": None, "folder": True, "shares": False,
                "hostname": "web1",
                "hindrance": ""}  # fmt: skip

    def look(self, _request):
        return self._registration()

    def turn(self, request):
        self.running = request["verb"] in ("start", "restart")
        return {"rc": 0, "stdout": "", "stderr": ""}

    def clear(self, _request):
        self.instance = ""
        return {**self._registration(), "rc": 0}

    def write(self, _request):
        return {}

    def register(self, request):
        self.on_register()
        if not self.result["rc"]:
            self.instance, self.region = OTHER if self.instance else MI, request["region"]
            self.ssm.nodes[self.instance] = {"InstanceId": self.instance, "PingStatus": "Online", "ComputerName": "web1.example.com"}
        self.after_register()
        return {**self._registration(), **self.result, "ok": True}

    def did(self):
        return [do if do != "turn" else request["verb"] for do, request in self.asked]


def run(host, rules=RULES, options=None, announce=lambda *_said: None):
    resource = ssm_registration.SsmRegistration(rules, options or {}, host.ssm.client, host, lambda: None)
    resource.announce = announce
    try:
        return loop.converge(resource, False, True), resource
    except loop.Failure as failure:
        return dict(failure.result, failed=f"{failure.text}: {failure.cause}"), resource


@pytest.fixture
def host():
    return Host(Ssm())


def test_a_host_becomes_a_node(host):
    result, _resource = run(host)
    assert result["changes"] == ["stop service", "register node web1", "start service"]
    assert (result["instance_id"], result["region"], result["ping_status"]) == (MI, "eu-west-1", "Online")
    assert host.did() == ["probe", "stop", "register", "start"]
    assert host.ssm.operations() == ["describe", "create", "delete", "node"] and not host.ssm.activations
    asked = host.ssm.calls[1][1]
    assert (asked["IamRole"], asked["DefaultInstanceName"], asked["RegistrationLimit"]) == ("SSMServiceRole", "web1", 1)
    assert {tag["Key"]: tag["Value"] for tag in asked["Tags"]} == TAGS
    assert abs((asked["ExpirationDate"] - datetime(2026, 1, 31, 10, 15, tzinfo=UTC)).total_seconds()) < 60, "by AWS's clock"
    register = host.asked[2][1]
    assert (register["code"], register["activation"], register["expected"]) == (CODE, "a-1", "")
    assert CODE not in json.dumps(result) and CODE not in repr(aws.Made("a-1", CODE))


def test_an_idle_run_is_one_command_and_one_call(host):
    host.instance, host.region = MI, "eu-west-1"
    host.ssm.nodes[MI] = {"InstanceId": MI, "PingStatus": "Online", "ComputerName": "web1"}
    result, _resource = run(host)
    assert not result["changed"] and host.did() == ["probe"] and host.ssm.operations() == ["node"]
    assert result["diff"]["before"] == result["diff"]["after"]


def test_one_attempt_whatever_the_caller_says(host):
    run(host, options={"aws_config": {"retries": {"max_attempts": 9}, "read_timeout": 3}})
    retries = {"mode": "standard", "total_max_attempts": 1}
    assert {"region": "eu-west-1", "aws_config": {"read_timeout": 3, "retries": retries}} in host.ssm.clients


def test_what_a_killed_run_left_is_deleted_and_nothing_else(host):
    mine = [{"Key": key, "Value": value} for key, value in TAGS.items()]
    theirs = [{"Key": "hybridops.aws_agents/owner", "Value": "other"}, mine[2]]
    for name, tags in (("a-8", mine), ("a-9", theirs), ("a-7", [])):
        host.ssm.activations[name] = {"ActivationId": name, "DefaultInstanceName": "web1", "Tags": tags}
    result, _resource = run(host)
    assert result["changes"][0] == "delete activation a-8" and set(host.ssm.activations) == {"a-9", "a-7"}


@pytest.mark.parametrize(
    "error", [ConnectionClosedError(endpoint_url="x"), refused("InternalServerError", status=500), ResponseParserError(CODE)]
)
def test_a_lost_answer_is_looked_for_and_deleted(host, error):
    host.ssm.fails["create"] = [error]
    if isinstance(error, ClientError):
        host.ssm.create_activation = lambda **asked: _made_and_lost(host.ssm, asked, error)
    result, _resource = run(host)
    assert "was lost" in result["failed"] and "a-1 was found by its description and deleted" in result["failed"]
    assert not host.ssm.activations and host.ssm.operations().count("create") == 1 and "register" not in host.did()
    assert CODE not in str(result)


def _made_and_lost(ssm, asked, error):
    ssm.calls.append(("create", asked))
    ssm.activations["a-1"] = dict(asked, ActivationId="a-1")
    raise error


def test_no_traceback_leads_to_the_code(host):
    host.ssm.fails["create"] = [ResponseParserError(CODE)]
    resource = ssm_registration.SsmRegistration(RULES, {}, host.ssm.client, host, lambda: None)
    with pytest.raises(loop.Failure) as failure:
        loop.converge(resource, False)
    error = failure.value
    while error:
        assert CODE not in str(error)
        error = error.__cause__ or error.__context__


def test_a_lost_answer_that_left_nothing(host, no_waiting):
    def lose(**asked):
        host.ssm.calls.append(("create", asked))
        raise ConnectionClosedError(endpoint_url="x")

    host.ssm.create_activation = lose
    result, _resource = run(host)
    assert "lists no activation of its description" in result["failed"] and no_waiting == [0.0, 1.0, 2.0, 4.0]


def test_a_lost_answer_and_no_way_to_look(host):
    host.ssm.fails["create"] = [ConnectionClosedError(endpoint_url="x")]
    host.ssm.fails["delete"] = [refused("AccessDenied")]
    result, _resource = run(host)
    assert "a-1 is there: delete it" in result["failed"]


def test_a_call_that_was_not_sent(host):
    host.ssm.fails["create"] = [EndpointConnectionError(endpoint_url="x")]
    result, _resource = run(host)
    assert "was not sent" in result["failed"] and host.ssm.operations() == ["describe", "create"]


def test_a_role_that_is_new_is_waited_for_and_one_that_is_none_is_not_for_long(host, no_waiting):
    unknown = "Nonexistent role or missing ssm service principal in trust policy: SSMServiceRole"
    host.ssm.fails["create"] = [refused("ValidationException", unknown)]
    assert run(host)[0]["changed"] and no_waiting == [5]
    other, told = Host(Ssm()), []
    other.ssm.fails["create"] = [refused("ValidationException", unknown)] * 9
    result, _resource = run(other, announce=lambda *said: told.append(said))
    assert told == [("Systems Manager to make an activation", 30)]
    assert "trusts ssm.amazonaws.com" in result["failed"] and other.ssm.operations().count("create") == 7


def test_a_host_that_does_not_register(host):
    host.result = {"rc": 1, "stdout": "", "stderr": "ERROR Registration failed. InvalidActivation: \n"}
    result, _resource = run(host)
    assert "does not accept the activation" in result["failed"] and "activation is gone again" in result["failed"]
    assert not host.ssm.activations and result["changes_left"] == ["register node web1", "start service"]
    host.result["rc"] = 0
    assert run(host)[0]["instance_id"] == MI


def test_a_host_that_somebody_else_registers_meanwhile(host):
    host.register = lambda _request: {"ok": False, "kind": "conflict", "error": f"the host is now registered as {OTHER}"}
    result, _resource = run(host)
    assert OTHER in result["failed"] and not host.ssm.activations


def test_a_connection_that_drops_after_the_host_registered(host):
    def drop():
        raise AnsibleConnectionFailure("dropped")

    host.after_register = drop
    result, resource = run(host)
    assert result["instance_id"] == MI and not host.ssm.activations and not resource.unreachable
    assert host.did() == ["probe", "stop", "register", "look", "start"]


def test_a_connection_that_drops_before_the_host_registered(host):
    def drop():
        raise AnsibleConnectionFailure("dropped")

    host.on_register = drop
    result, resource = run(host)
    assert "the host was not registered: dropped" in result["failed"] and not host.ssm.activations and not resource.unreachable


def test_a_host_that_is_gone(host):
    def vanish():
        host.down = True
        raise AnsibleConnectionFailure(f"no route to host, {CODE}")

    host.after_register = vanish
    result, resource = run(host)
    assert "not known whether the host registered" in result["failed"] and resource.unreachable
    assert not host.ssm.activations and CODE not in str(result)
    host.down, host.running, host.after_register = False, False, lambda: None
    again, _resource = run(host)
    assert again["changes"] == ["start service"] and again["instance_id"] == MI


def test_an_activation_that_cannot_be_deleted_is_named(host):
    host.ssm.fails["delete"] = [refused("AccessDenied")]
    result, _resource = run(host)
    assert result["changed"] and "delete-activation --region eu-west-1 --activation-id a-1" in result["warnings"][0]


def test_neither_registered_nor_deleted(host):
    host.ssm.fails["delete"] = [refused("AccessDenied")]
    host.result = {"rc": 1, "stdout": "", "stderr": "x509: unknown authority"}
    result, _resource = run(host)
    assert "not trusted" in result["failed"] and "--activation-id a-1" in result["failed"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("when", ["create", "register"])
def test_a_signal_ends_the_activation_first(host, number, when):
    caught = []
    before = signal.signal(number, lambda *_arguments: caught.append(list(host.ssm.activations)))
    try:
        if when == "create":
            create = host.ssm.create_activation
            host.ssm.create_activation = lambda **asked: (create(**asked), os.kill(os.getpid(), number))[0]
        else:
            host.on_register = lambda: os.kill(os.getpid(), number)
        result, _resource = run(host)
    finally:
        signal.signal(number, before)
    assert caught == [[]], "the handler of before is told once, when the activation is gone"
    assert ("register" in host.did()) is (when == "register") and ("failed" in result) is (when == "create")


@pytest.mark.parametrize(
    ("when", "ends"),
    [
        ("stop", ["probe", "stop", "look", "start"]),
        ("create", ["probe", "stop", "look", "start"]),
        ("register", ["probe", "stop", "register", "start"]),
    ],
)
def test_a_signal_leaves_no_agent_stopped_that_ran(host, when, ends):
    host.instance, host.region = MI, "eu-west-1"
    caught = []
    before = signal.signal(signal.SIGTERM, lambda *_arguments: caught.append(host.running))
    turn, create = host.turn, host.ssm.create_activation
    try:
        if when == "stop":
            host.turn = lambda request: (turn(request), request["verb"] == "stop" and os.kill(os.getpid(), signal.SIGTERM))[0]
        elif when == "create":
            host.ssm.create_activation = lambda **asked: (create(**asked), os.kill(os.getpid(), signal.SIGTERM))[0]
        else:
            host.on_register = lambda: os.kill(os.getpid(), signal.SIGTERM)
        result, _resource = run(host, replace(RULES, force=True))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert caught == [True] and host.did() == ends and not host.ssm.activations
    assert (host.instance, "failed" in result) == ((OTHER, False) if when == "register" else (MI, True))


@pytest.mark.parametrize(
    ("verb", "did"),
    [("stop", ["probe", "stop", "look", "start"]), ("start", ["probe", "stop", "register", "start", "look", "start"])],
)
def test_a_connection_that_drops_leaves_no_agent_stopped(host, verb, did):
    host.instance, host.region = MI, "eu-west-1"
    turn, dropped = host.turn, []

    def drop(request):
        if request["verb"] == verb and not dropped:
            dropped.append(verb)
            turn(request) if verb == "stop" else None
            raise AnsibleConnectionFailure("dropped")
        return turn(request)

    host.turn = drop
    result, _resource = run(host, replace(RULES, force=True))
    assert "dropped" in result["failed"] and host.running and host.did() == did


def test_an_activation_that_the_run_before_left_is_deleted_from_a_host_that_is_registered(host):
    host.instance, host.region = MI, "eu-west-1"
    host.ssm.nodes[MI] = {"InstanceId": MI, "PingStatus": "Online", "ComputerName": "web1"}
    tags = [{"Key": key, "Value": value} for key, value in TAGS.items()]
    host.ssm.activations["a-8"] = {"ActivationId": "a-8", "DefaultInstanceName": "web1", "Tags": tags}
    host.age = 3600.0
    result, _resource = run(host)
    assert result["changes"] == ["delete activation a-8"] and not host.ssm.activations


def test_registering_anew_that_did_not_begin_leaves_the_agent_running(host):
    host.instance, host.region = MI, "eu-west-1"
    host.ssm.fails["create"] = [refused("AccessDenied")]
    result, _resource = run(host, replace(RULES, force=True))
    assert "AccessDenied" in result["failed"] and host.running and host.instance == MI
    assert host.did() == ["probe", "stop", "look", "start"]


def test_a_file_that_cannot_be_written_leaves_the_agent_running(host):
    host.instance, host.region = MI, "eu-west-1"
    host.write = lambda _request: {"rc": 1, "stdout": "", "stderr": "no space left"}
    result, _resource = run(host, replace(RULES, force=True, settings={"Ssm": {"Endpoint": "x"}}))
    assert "no space left" in result["failed"] and host.running and not host.ssm.activations
    assert host.did() == ["probe", "stop", "write", "look", "start"]
    gone = Host(host.ssm, MI)
    gone.ssm.nodes[MI] = {"InstanceId": MI, "ComputerName": "web1"}
    gone.turn = lambda request: {"rc": int(request["verb"] == "disable"), "stdout": "", "stderr": "busy"}
    assert "busy" in run(gone, replace(RULES, present=False))[0]["failed"] and gone.did() == ["probe", "stop", "disable"]


@pytest.mark.parametrize(("reports", "fails"), [(True, False), (False, True)])
def test_a_node_counts_as_online_once_it_was_heard_since_its_restart(host, reports, fails):
    """What AWS lists of it stays for minutes: a setting that cuts it off would pass."""
    host.instance, host.region, host.running = MI, "eu-west-1", False
    heard = datetime(2026, 1, 31, 9, 58, tzinfo=UTC)
    host.ssm.nodes[MI] = {"InstanceId": MI, "PingStatus": "Online", "ComputerName": "web1", "LastPingDateTime": heard}

    def turn(request):
        if request["verb"] == "start" and reports:
            host.ssm.nodes[MI]["LastPingDateTime"] = heard + timedelta(minutes=3)
        return {"rc": 0, "stdout": "", "stderr": ""}

    host.turn = turn
    result, _resource = run(host, replace(RULES, verify_timeout=timedelta()))
    assert ("failed" in result) is fails and (not fails or "has not heard of it since its service was started" in result["failed"])


def test_registering_anew_that_failed_says_that_the_old_one_is_lost(host):
    host.instance, host.region = MI, "eu-west-1"

    def lose():
        host.instance = ""

    host.on_register = lose
    host.result = {"rc": 1, "stdout": "", "stderr": "InvalidActivation"}
    result, _resource = run(host, replace(RULES, force=True))
    assert f"({MI}) is lost" in result["failed"]


def test_registering_anew(host):
    host.instance, host.region = MI, "us-east-1"
    result, _resource = run(host, replace(RULES, force=True))
    assert result["instance_id"] == OTHER and f"was node {MI} of us-east-1" in result["warnings"][0]
    assert host.asked[2][1]["expected"] == MI


@pytest.mark.parametrize(
    ("node", "words"),
    [({"PingStatus": "ConnectionLost"}, "AWS says ConnectionLost.*does not accept the activation"), (None, "lists no such node")],
)
def test_a_node_that_is_not_online(host, node, words):
    host.instance, host.region, host.running = MI, "eu-west-1", node is not None
    if node:
        host.ssm.nodes[MI] = dict(node, InstanceId=MI)
    result, _resource = run(host, replace(RULES, verify_timeout=RULES.expires_in * 0))
    assert re.search(words, result["failed"])
    assert run(host, replace(RULES, verify=False))[0]["ping_status"] == (node or {}).get("PingStatus", "") or node is None


def test_leaving(host):
    host.instance, host.region = MI, "us-east-1"
    host.ssm.nodes[MI] = {"InstanceId": MI, "PingStatus": "Online", "ComputerName": "web1"}
    gone = replace(RULES, present=False)
    result, _resource = run(host, gone)
    assert result["changes"] == ["stop service", "disable service", f"deregister node {MI}", f"clear registration {MI}"]
    assert not host.ssm.nodes and not host.instance and result["instance_id"] == ""
    assert {"region": "us-east-1", "config": aws.CLIENT_CONFIG} in host.ssm.clients, "asked where the node is"
