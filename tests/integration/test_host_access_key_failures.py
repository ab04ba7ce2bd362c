# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The handover when AWS, the connection or the person at the keyboard ends it."""

from __future__ import annotations

import gzip
import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.integration.key_site import USER, Site
from tests.support.recording_proxy import Dropped, RecordingProxy, Response, failure


@pytest.fixture
def site(ministack, tmp_path):
    made = Site(ministack, tmp_path)
    made.make_user()
    return made


def test_lost_answer_of_create(site):
    """The key is there and its secret is lost: nothing is repeated, and nothing deleted that may be another run's."""

    def lose(call, forward):
        answer = forward()
        if call.operation == "CreateAccessKey":
            raise Dropped
        return answer

    with RecordingProxy(site.emulator.endpoint_url, handler=lose) as proxy:
        variables = {"AWS_ENDPOINT_URL": proxy.url, "AWS_MAX_ATTEMPTS": "5"}
        failed = site.result(environment=variables, aws_config={"retries": {"max_attempts": 9}})
        assert failed.outcome == "failed" and "not known" in failed.msg, site.last
        assert proxy.counts()["iam:CreateAccessKey"] == 1 and not proxy.counts()["iam:DeleteAccessKey"]
    (orphan,) = site.keys()
    assert "another run" in site.result().result["decision"]
    assert f"delete access key {orphan} from user {USER}" in site.result(orphan_grace="0").result["changes"]


def test_answer_of_create_that_cannot_be_read(site):
    """botocore quotes such an answer, and this one holds the secret: it is in no message and no traceback."""
    secrets = []

    def garble(call, forward):
        answer = forward()
        if call.operation != "CreateAccessKey":
            return answer
        body = answer.body if answer.body[:2] != b"\x1f\x8b" else gzip.decompress(answer.body)
        secrets.extend(re.findall(rb"<SecretAccessKey>([^<]+)<", body))
        headers = tuple((name, value) for name, value in answer.headers if name.lower() not in ("content-encoding", "content-length"))
        return Response(200, headers, body.replace(b"</AccessKey>", b"</Access"))

    log = site.scratch / "ansible.log"
    with RecordingProxy(site.emulator.endpoint_url, handler=garble) as proxy:
        variables = {"AWS_ENDPOINT_URL": proxy.url, "ANSIBLE_LOG_PATH": str(log), "ANSIBLE_DISPLAY_TRACEBACK": "always"}
        run = site.run(["-vvvvv"], variables)
        assert "was lost" in run.task("hand over").msg and secrets, run
        assert proxy.counts()["iam:CreateAccessKey"] == 1
    assert secrets[0].decode() not in run.stdout + run.stderr + log.read_text()


def test_time_limit_of_the_task(site):
    """A limit that ends while a key is verified waits until that key is gone."""

    def never_known(call, forward):
        answer = forward()
        return failure(call, "InvalidClientTokenId", status=403) if call.operation == "GetCallerIdentity" else answer

    with RecordingProxy(site.emulator.endpoint_url, handler=never_known) as proxy:
        failed = site.result(environment={"AWS_ENDPOINT_URL": proxy.url}, task={"timeout": 6})
        assert failed.outcome == "failed" and proxy.counts()["iam:CreateAccessKey"] == 1, site.last
    assert not site.keys() and not site.path.exists()


def test_limit_that_the_list_does_not_show_yet(site):
    """LimitExceeded with room in the list: the list was stale. It is read again, and nothing is deleted for it."""
    refused = []

    def limited(call, forward):
        if call.operation == "CreateAccessKey" and not refused:
            refused.append(call)
            return failure(call, "LimitExceeded", status=409)
        return forward()

    with RecordingProxy(site.emulator.endpoint_url, handler=limited) as proxy:
        assert site.result(environment={"AWS_ENDPOINT_URL": proxy.url}).changed, site.last
        assert proxy.counts()["iam:CreateAccessKey"] == 2 and not proxy.counts()["iam:DeleteAccessKey"]
        assert site.last.stderr.count("waiting for AWS to make a new key for user cwagent-web1, 2 minutes at most") == 1, site.last.stderr


def test_new_key_that_aws_never_accepts(site):
    def unknown(call, forward):
        answer = forward()
        return failure(call, "InvalidClientTokenId", status=403) if call.operation == "GetCallerIdentity" else answer

    with RecordingProxy(site.emulator.endpoint_url, handler=unknown) as proxy:
        failed = site.result(environment={"AWS_ENDPOINT_URL": proxy.url}, verify_timeout="3")
        assert failed.outcome == "failed" and "within 3 seconds" in failed.msg, site.last
    assert not site.keys() and not site.path.exists()


DROPS = """
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local
import os
DOCUMENTATION = "name: drops\\nshort_description: local, until it is not\\ndescription: x\\nauthor: x\\noptions: {}\\n"
class Connection(Local):
    transport = "drops"
    def exec_command(self, cmd, in_data=None, sudoable=True):
        down = os.path.join(os.environ["SCRATCH"], "down")
        if os.path.exists(down):
            raise AnsibleConnectionFailure("no route to host")
        delivers = b'"do": "deliver"' in (in_data or b"")
        when = os.environ.get("DROPS", "")
        if delivers and "gone" in when:
            open(down, "w").close()
        if delivers and "before" in when:
            raise AnsibleConnectionFailure("connection dropped")
        answer = super().exec_command(cmd, in_data, sudoable)
        if delivers and "after" in when:
            raise AnsibleConnectionFailure("connection dropped")
        return answer
    def reset(self):
        pass
"""


def dropping(site, when):
    folder = site.scratch / "connections"
    folder.mkdir(exist_ok=True)
    (folder / "drops.py").write_text(DROPS)
    variables = {"ANSIBLE_CONNECTION_PLUGINS": str(folder), "DROPS": when, "SCRATCH": str(site.scratch)}
    return site.result(environment=variables, task={"vars": {"ansible_connection": "drops"}})


def test_connection_that_drops_after_the_write(site):
    result = dropping(site, "after")
    assert result.outcome == "ok" and list(site.keys()) == [result.result["key_id"]] and site.caller()


def test_connection_that_drops_before_the_write(site):
    failed = dropping(site, "before")
    assert failed.outcome == "failed" and "was deleted again" in failed.msg and not site.keys() and not site.path.exists()


def test_host_that_is_gone(site):
    """The host did write and cannot be asked: the key is deleted, since none worked before; the next run hands over another."""
    failed = dropping(site, "gone after")
    assert failed.outcome == "unreachable" and "not known" in failed.msg, site.last
    assert not site.keys() and site.path.exists()
    (site.scratch / "down").unlink()
    assert site.result().changed and site.caller()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_during_the_handover(site, number):
    """Whoever ends the run while a key is verified: it is gone, and nothing is left behind."""
    started = threading.Event()

    def never_known(call, forward):
        answer = forward()
        if call.operation == "GetCallerIdentity":
            started.set()
            return failure(call, "InvalidClientTokenId", status=403)
        return answer

    with RecordingProxy(site.emulator.endpoint_url, handler=never_known) as proxy:
        pids = []

        def end():
            started.wait(60)
            made = [child for child in Path("/proc").glob("[0-9]*/environ") if marked(child, site.scratch)]
            pids.extend(int(child.parent.name) for child in made)
            os.kill(min(pids), number)

        killer = threading.Thread(target=end)
        killer.start()
        site.runs += 10
        run = site.run(environment={"AWS_ENDPOINT_URL": proxy.url, "SCRATCH": str(site.scratch)})
        killer.join()
        assert run.rc != 0 and pids
        deadline = time.monotonic() + 20
        while site.keys() and time.monotonic() < deadline:
            time.sleep(0.2)
        assert proxy.counts()["iam:CreateAccessKey"] == proxy.counts()["iam:DeleteAccessKey"] == 1
    assert not site.keys() and not site.path.exists()


def marked(environ, scratch):
    """Return whether a process is one of this test's own: it has the test's folder in its environment."""
    try:
        return f"SCRATCH={scratch}".encode() in environ.read_bytes().split(b"\0")
    except OSError:
        return False
