# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host becomes a node and leaves again; and the activation is gone, however that ends."""

from __future__ import annotations

import gzip
import json
import os
import signal
import stat
import threading
import time
from pathlib import Path

import pytest

from tests.integration.registration_site import ROLE, Site
from tests.support.recording_proxy import Dropped, RecordingProxy, failure

CONFIG = "/etc/amazon/ssm/amazon-ssm-agent.json"
JOIN = ["register node web1", "start service"]


@pytest.fixture
def site(ministack, tmp_path):
    made = Site(ministack, tmp_path)
    yield made
    made.end()


@pytest.fixture
def moto_site(moto, tmp_path):
    made = Site(moto, tmp_path)
    yield made
    made.end()


class Codes:
    """A handler of the proxy that writes the codes of activations down, and more on request."""

    def __init__(self, more=None):
        self.found = []
        self.more = more or (lambda _call, forward: forward())

    def __call__(self, call, forward):
        answer = self.more(call, forward)
        if call.operation == "CreateActivation" and answer.status == 200:
            body = answer.body if answer.body[:2] != b"\x1f\x8b" else gzip.decompress(answer.body)
            self.found.append(json.loads(body)["ActivationCode"])
        return answer


def test_the_life_of_a_node(site):
    """Predicted, registered, left alone, changed, and gone; no file, log or result ever holds the code."""
    assert "not installed" in site.result().msg
    site.install()
    shares = {"share_profile": "AmazonCloudWatchAgent", "credentials_file": str(site.credentials), "no_proxy": "127.0.0.1"}
    predicted = site.result(["--check", "--diff"], **shares)
    assert predicted.result["instance_id"] == "(new)" and predicted.result["iam_role"] == ROLE
    assert '+    "instance_id": "(new)",' in site.last.stdout and not (site.nodes() or site.activations() or site.turned())

    codes, log = Codes(), site.scratch / "ansible.log"
    with RecordingProxy(site.endpoint, handler=codes) as proxy:
        debug = {"AWS_ENDPOINT_URL": proxy.url, "ANSIBLE_LOG_PATH": str(log), "ANSIBLE_DEBUG": "1"}
        run = site.run(["-vvvvv", "--diff"], debug, tags={"site": "cellar"}, **shares).ok()
        counts = {"DescribeActivations": 1, "CreateActivation": 1, "DeleteActivation": 1}
        seen = {str(call).partition(":")[2]: count for call, count in proxy.counts().items()}
        assert {name: seen[name] for name in counts} == counts and set(seen) == {*counts, "DescribeInstanceInformation"}
        created = next(call.parameters for call in proxy.calls if call.operation == "CreateActivation")
    joined = run.task("register")
    instance = site.instance()
    assert joined.result["changes"] == predicted.result["changes"], run
    assert joined.result["changes"] == [
        f"create folder {site.credentials.parent}",
        f"create configuration Ssm.Endpoint, Profile.ShareProfile for {CONFIG}",
        f"create environment for {site.drop_in}",
        *JOIN,
    ]
    assert (joined.result["instance_id"], joined.result["ping_status"], site.activations()) == (instance, "Online", [])
    assert created["RegistrationLimit"] == 1 and created["DefaultInstanceName"] == "web1" and created["IamRole"] == ROLE
    tags = {
        tag["Key"]: tag["Value"] for tag in site.ssm.list_tags_for_resource(ResourceType="ManagedInstance", ResourceId=instance)["TagList"]
    }
    assert tags == {"site": "cellar", "hybridops.aws_agents/owner": "default", "hybridops.aws_agents/host": "web1"}
    assert (site.nodes()[instance]["Name"], site.nodes()[instance]["IamRole"]) == ("web1", ROLE)
    assert json.loads(site.config.read_text())["Profile"]["ShareProfile"] == "AmazonCloudWatchAgent"
    assert stat.S_IMODE(site.drop_in.stat().st_mode) == 0o600
    assert "[AmazonCloudWatchAgent]" in site.credentials.read_text(), "the node's credentials, by the agent"
    assert site.turned() == ["daemon-reload", "start"]

    (code,) = codes.found
    written = run.stdout + run.stderr + log.read_text()
    for folder in (site.root, site.scratch / f"run{site.runs}"):
        written += "".join(file.read_text(errors="replace") for file in folder.rglob("*") if file.is_file())
    assert instance in written and code not in written
    assert site.emulator.operator().secret_access_key not in written
    assert json.loads(site.vault.read_text())["privateKey"] not in run.stdout + run.stderr + log.read_text()

    with RecordingProxy(site.endpoint) as proxy:
        idle = site.result(environment={"AWS_ENDPOINT_URL": proxy.url}, **shares)
        assert (idle.outcome, idle.changed) == ("ok", False), site.last
        # The second one finds what a killed run left, for two days after a registration.
        assert (
            proxy.counts() == {"ssm:DescribeInstanceInformation": 1, "ssm:DescribeActivations": 1}
            and site.executions() == 1
            and not site.turned()
        )

    changed = site.result(https_proxy="http://127.0.0.1:1", **shares)
    assert changed.result["changes"] == [f"update environment of {site.drop_in}", "restart service"], site.last
    assert site.turned() == ["daemon-reload", "restart"] and site.instance() == instance

    leaving = {"state": "absent", "iam_role": None, **shares}
    gone = site.result(**leaving)
    assert gone.result["changes"] == [
        "stop service", "disable service", f"deregister node {instance}", f"clear registration {instance}",
        f"remove profile AmazonCloudWatchAgent from {site.credentials}", f"delete configuration from {CONFIG}",
        f"delete environment from {site.drop_in}",
    ], site.last  # fmt: skip
    assert not site.credentials.exists()
    assert not (site.nodes() or site.instance() or site.config.exists() or site.drop_in.exists())
    assert not site.result(**leaving).changed, site.last


def test_a_deregistered_node_and_a_run_that_was_killed(site):
    site.install()
    first = site.run().ok().task("register").result["instance_id"]
    site.ssm.deregister_managed_instance(InstanceId=first)
    old = time.time() - 3600
    os.utime(site.vault, (old, old))
    refused = site.result()
    assert refused.outcome == "failed" and "was deregistered" in refused.msg and "force: true" in refused.msg, site.last
    tags = [{"Key": "hybridops.aws_agents/owner", "Value": "default"}, {"Key": "hybridops.aws_agents/host", "Value": "web1"}]
    made = [site.ssm.create_activation(IamRole=ROLE, DefaultInstanceName="web1", Tags=tags)["ActivationId"] for _count in range(12)]
    theirs = site.ssm.create_activation(IamRole=ROLE, DefaultInstanceName="web1")["ActivationId"]
    again = site.result(force=True)
    assert again.result["changes"] == [*(f"delete activation {name}" for name in made), "stop service", *JOIN], site.last
    assert site.instance() not in ("", first) and set(site.nodes()) == {site.instance()} and site.activations() == [theirs]
    assert f"was node {first}" in warned(site)


def test_what_goes_wrong_leaves_no_activation(moto_site):
    site = moto_site
    site.install()

    def lose(call, forward):
        answer = forward()
        if call.operation == "CreateActivation":
            raise Dropped
        return answer

    def spoil(call, forward):
        answer = forward()
        if call.operation == "CreateActivation":
            site.ssm.delete_activation(ActivationId=json.loads(answer.body)["ActivationId"])
        return answer

    def keep(call, forward):
        return failure(call, "AccessDeniedException") if call.operation == "DeleteActivation" else forward()

    with RecordingProxy(site.endpoint, handler=lose) as proxy:
        variables = {"AWS_ENDPOINT_URL": proxy.url, "AWS_MAX_ATTEMPTS": "5"}
        lost = site.result(environment=variables, aws_config={"retries": {"max_attempts": 9}})
        assert "found by its description and deleted" in lost.msg and proxy.counts()["ssm:CreateActivation"] == 1, site.last
        assert not (site.activations() or site.instance())
        proxy.handler = spoil
        failed = site.result(environment=variables)
        assert "does not accept the activation" in failed.msg and not (site.activations() or site.instance()), site.last
        proxy.handler = lambda _call, forward: forward()
        gone = site.result(environment={**variables, "DROPS": "gone"})
        assert gone.outcome == "unreachable" and "not known whether the host registered" in gone.msg and not site.activations()
        (site.root / "down").unlink()
        assert site.instance() and site.result(environment=variables).result["changes"] == ["start service"], site.last
        site.vault.unlink()
        proxy.handler = keep
        left = site.result(environment=variables)
        (name,) = site.activations()
        assert left.changed and f"--activation-id {name}" in warned(site) and left.result["ping_status"] == "Online"


def test_a_signal_while_the_host_registers(site):
    site.install()
    asked = threading.Event()

    def slow(call, forward):
        if call.operation == "RegisterManagedInstance":
            asked.set()
            time.sleep(2)
        return forward()

    with RecordingProxy(site.endpoint, handler=slow) as proxy:

        def end():
            asked.wait(60)
            made = [int(found.parent.name) for found in Path("/proc").glob("[0-9]*/environ") if marked(found, site.scratch)]
            os.kill(min(made), signal.SIGTERM)

        killer = threading.Thread(target=end)
        killer.start()
        run = site.run(environment={"SCRATCH": str(site.scratch)}, agent_config={"Ssm": {"Endpoint": proxy.url}})
        killer.join()
        deadline = time.monotonic() + 20
        while site.activations() and time.monotonic() < deadline:
            time.sleep(0.2)
        assert run.rc != 0 and asked.is_set() and not site.activations(), run


def warned(site):
    """Return what the last run said, on one line: warnings are folded."""
    return " ".join((site.last.stdout + site.last.stderr).split())


def marked(environ, scratch):
    """Return whether a process is one of this test's own: it has the test's folder in its environment."""
    try:
        return f"SCRATCH={scratch}".encode() in environ.read_bytes().split(b"\0")
    except OSError:
        return False
