# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a new key when its handover goes wrong, at each place where it can."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.access_keys import NoKey
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.proof import NotVerified
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.channel import Channel, NoAnswer
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_key import Key, Proof, Rules, User
from ansible_collections.hybridops.aws_agents.plugins.module_utils._reconcile import Failure, converge
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils import access_key as plugin
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils import handover
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.controller import laid_over

SECRET = "s3cr3t" + "x" * 34
START = datetime.now(UTC)


def fail(error):
    if error:
        raise error


class Aws:
    """IAM and STS for one user, in memory."""

    def __init__(self):
        self.made = {}
        self.deleted = []
        self.retired = {}
        self.create_fails = self.verify_fails = self.delete_fails = None
        self.verdict = Proof.PROVEN
        self.during_verify = lambda: None

    now = START
    passes = timedelta(0)
    owner = "default"

    def user(self):
        return User("web1", "arn:user/web1", self.owner), {}

    def listed(self):
        return tuple(self.made.values())

    def tagged(self, keys, _retired):
        return keys

    def keys(self, _retired):
        return self.listed()

    def with_use(self, key):
        self.now += self.passes
        return key

    def with_rights(self, user):
        return user

    def holder(self, _key_id):
        return ""

    def create(self):
        fail(self.create_fails)
        assert len(self.made) < 2
        key = Key(f"AKIA{len(self.made) + len(self.deleted)}", True, self.now)
        self.made[key.id] = key
        return key, SECRET

    def delete(self, key_id, tagged=False):
        fail(self.delete_fails)
        self.deleted.append(key_id)
        del self.made[key_id]

    def retire(self, key_id):
        self.retired[key_id] = self.now

    def ask(self, _now):
        return {"scope": "20260301/eu-west-1/sts/aws4_request", "string_to_sign": "x"}

    def judge(self, key_id, _signature, _arn=None):
        assert key_id.isascii() and key_id.isalnum(), "cannot stand in a header"
        if key_id not in self.made:
            return Proof.UNKNOWN, "InvalidClientTokenId"
        return self.verdict, "arn:user/web1"

    def verify(self, *_arguments):
        self.during_verify()
        fail(self.verify_fails)


class Host:
    """This machine as the host, with a connection that can fail before or after the host did its work."""

    def __init__(self):
        self.before = self.after = None
        self.down = False
        self.runs = 0

    def execute(self, command, data):
        self.runs += 1
        delivers = b'"do": "deliver"' in data
        if self.down or (delivers and self.before):
            fail(self.before or AnsibleConnectionFailure("down"))
        done = subprocess.run(["/bin/sh", "-c", command], input=data, capture_output=True, check=False)
        if delivers:
            fail(self.after)
        return {"rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}


@pytest.fixture
def aws(monkeypatch):
    made = Aws()
    monkeypatch.setattr(plugin, "AccessKeys", lambda *_arguments: made)
    monkeypatch.setattr(plugin, "HostProof", lambda *_arguments: made)
    monkeypatch.setattr(plugin, "_RELISTS", 0)
    monkeypatch.setattr(handover, "verify", made.verify)
    monkeypatch.setattr(handover, "_READ_BACKS", (0.0, 0.0))
    return made


@pytest.fixture
def site(aws, tmp_path):
    class Site:
        path = tmp_path / "credentials"
        host = Host()
        rules = Rules("web1", path=str(tmp_path / "credentials"), region="eu-west-1")

        def run(self, **rules):
            wanted = Rules(**{**self.rules.__dict__, **rules})
            self.resource = plugin.HostAccessKey(
                wanted, {}, None, Channel(self.host.execute, sys.executable), self.host.execute, lambda: None
            )
            try:
                return converge(self.resource, check=False, diff=True)
            except Failure as failure:
                said = f"{failure.text}: {failure.cause}"
                self.failed = f"{said} {failure.result}"
            assert SECRET not in self.failed
            return said

        def held(self):
            return self.path.read_text() if self.path.exists() else ""

    made = Site()
    made.host = Host()
    return made


def test_handed_over_and_proven_with_few_visits(site, aws):
    result = site.run()
    assert result["changed"] and result["key_id"] == "AKIA0" and SECRET not in str(result) and SECRET in site.held()
    assert site.host.runs == 2, "look, then deliver and prove"
    assert not site.run()["changed"] and site.host.runs == 3, "look and prove"


def test_whose_user_it_is_matters_where_something_is_done(site, aws):
    site.run()
    aws.owner, aws.now = "somebody", START + timedelta(minutes=20)
    assert not site.run()["changed"]
    for more in ({"mode": "0640"}, {"region": "eu-north-1"}, {"rotate_after": timedelta(0)}, {"present": False}):
        assert "so it is not one of owned_by: default" in site.run(**more), more
    assert not site.run(adopt=True)["changed"] and site.run(adopt=True, mode="0640")["changed"]


@pytest.mark.parametrize(
    ("failing", "says"),
    [
        ({"create_fails": NoKey("whether a key was made is not known")}, "not known"),
        ({"verify_fails": NotVerified("not accepted")}, "not accepted"),
        ({"verify_fails": RuntimeError("network")}, "network"),
    ],
)
def test_before_it_is_sent(site, aws, failing, says):
    for name, error in failing.items():
        setattr(aws, name, error)
    assert says in site.run()
    assert not aws.made and not site.held() and site.host.runs == 1


def test_a_key_that_cannot_be_deleted_again_is_named(site, aws):
    aws.verify_fails, aws.delete_fails = NotVerified("not accepted"), RuntimeError("denied")
    said = site.run()
    assert "AKIA0" in said and "denied" in said and "not accepted" in said


LOST = [AnsibleConnectionFailure("dropped"), NoAnswer("ended with status 255"), AnsibleError("sudo: a password is required")]


@pytest.mark.parametrize("error", LOST)
def test_dropped_before_the_host_wrote(site, aws, error):
    site.host.before = error
    assert "AKIA0 was deleted again" in site.run()
    assert aws.deleted == ["AKIA0"] and not site.held() and not site.resource.unreachable


@pytest.mark.parametrize("error", LOST)
def test_dropped_after_the_host_wrote(site, aws, error):
    """Read back: it has the key, so the handover goes on."""
    site.host.after = error
    result = site.run()
    assert result["key_id"] == "AKIA0" and SECRET in site.held() and not aws.deleted and not site.resource.unreachable


def test_old_key_still_seen_after_an_unknown_outcome(site, aws):
    """The host may still be writing when it is looked at, so a key that it is about to hold is not deleted."""
    site.run()
    aws.made["AKIA0"] = Key("AKIA0", True, START - timedelta(days=91))
    real, late = site.host.execute, []

    def execute(command, data):
        if b'"do": "deliver"' in data:
            late.append((command, data))
            raise AnsibleConnectionFailure("dropped")
        return real(command, data)

    site.host.execute = execute
    said = site.run(rotate_after=timedelta(days=90))
    assert "AKIA0" in said and "AKIA1" in said and "both stay Active" in said and not aws.deleted and not site.resource.unreachable
    real(*late[0])
    site.host.execute = real
    assert site.run(rotate_after=timedelta(days=90))["key_id"] == "AKIA1", "the host finished after all, and its key works"


def test_refused_by_the_host_and_one_worked_before(site, aws):
    site.run()
    aws.made["AKIA0"] = Key("AKIA0", True, START - timedelta(days=91))
    with open(site.path.with_name(".credentials.hybridops-new"), "x") as another_run:
        fcntl.flock(another_run, fcntl.LOCK_EX)
        said = site.run(rotate_after=timedelta(days=90))
    assert "AKIA1 was deleted again" in said and aws.deleted == ["AKIA1"] and list(aws.made) == ["AKIA0"]


class TimedOut(BaseException):
    """What a task's time limit raises in ansible-core, from the handler of SIGALRM."""


def limited(_number, _frame):
    raise TimedOut("Timed out")


@pytest.fixture
def told(monkeypatch):
    said = []
    monkeypatch.setattr(handover, "Display", type("Display", (), {"error": lambda _self, text: said.append(text)}))
    before = signal.signal(signal.SIGALRM, limited)
    yield said
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("when", ["made", "verified"])
def test_time_limit_before_it_is_sent(site, aws, told, when):
    """It waits until the new key is gone."""
    if when == "verified":
        aws.during_verify = lambda: os.kill(os.getpid(), signal.SIGALRM)
    else:
        real = aws.create
        aws.create = lambda: (real(), os.kill(os.getpid(), signal.SIGALRM))[0]
    with pytest.raises(TimedOut):
        site.run()
    assert aws.deleted == ["AKIA0"] and not aws.made and not site.held() and signal.getsignal(signal.SIGALRM) is limited


@pytest.mark.parametrize("worked", [False, True])
def test_time_limit_while_it_is_sent(site, aws, told, worked):
    if worked:
        site.run()
        aws.made["AKIA0"] = Key("AKIA0", True, START - timedelta(days=91))
    real = site.host.execute

    def execute(command, data):
        if b'"do": "deliver"' in data:
            os.kill(os.getpid(), signal.SIGALRM)
        return real(command, data)

    site.host.execute = execute
    with pytest.raises(TimedOut):
        site.run(rotate_after=timedelta(days=90))
    (said,) = told
    if worked:
        assert "AKIA0" in said and "AKIA1" in said and "both stay Active" in said and not aws.deleted
    else:
        assert "AKIA0" in said and aws.deleted == ["AKIA0"]
    assert SECRET not in said


def test_any_other_error_while_it_is_sent(site, aws):
    site.host.before = BrokenPipeError("broken pipe")
    said = site.run()
    assert "AKIA0" in said and "was deleted" in said and aws.deleted == ["AKIA0"]


def test_an_answer_cut_short(site, aws):
    real, cut = site.host.execute, []

    def execute(command, data):
        said = real(command, data)
        if b'"do": "deliver"' in data and not cut:
            cut.append(said)
            said = {**said, "stdout": said["stdout"][:-20]}
        return said

    site.host.execute = execute
    assert site.run()["key_id"] == "AKIA0" and cut and not aws.deleted


def test_a_key_that_cannot_be_deleted_is_named_before_a_signal_goes_on(site, aws, told):
    got = []
    before = signal.signal(signal.SIGTERM, lambda *_caught: got.append(list(told)))
    try:
        aws.during_verify = lambda: os.kill(os.getpid(), signal.SIGTERM)
        aws.delete_fails = RuntimeError("denied")
        site.run()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert len(got) == 1 and "AKIA0" in got[0][0] and "denied" in got[0][0]


@pytest.mark.parametrize(
    ("restart", "says"), [({"rc": 1, "stderr": "no", "stdout": ""}, "status 1"), (AnsibleConnectionFailure("gone"), "gone")]
)
def test_a_restart_that_fails(site, aws, restart, says):
    site.run()
    aws.made["AKIA0"] = Key("AKIA0", True, START - timedelta(days=91))
    real = site.host.execute

    def execute(command, data):
        if command != plugin.RESTART:
            return real(command, data)
        if isinstance(restart, Exception):
            raise restart
        return restart

    site.host.execute = execute
    said = site.run(rotate_after=timedelta(days=90), settle="restart")
    assert says in said and "Both keys stay Active" in said and site.resource.unreachable == isinstance(restart, Exception)


def test_retired_as_of_now(site, aws):
    """Not as of the call that made the new key: the agent used the old one since."""
    site.run()
    aws.made["AKIA0"] = Key("AKIA0", True, START - timedelta(days=91))
    real = site.host.execute
    restarted = {"rc": 0, "stdout": "", "stderr": ""}

    def execute(command, data):
        if command != plugin.RESTART:
            return real(command, data)
        aws.passes = timedelta(minutes=9)
        return restarted

    site.host.execute = execute
    site.run(rotate_after=timedelta(days=90), settle="restart")
    assert aws.retired == {"AKIA0": START + timedelta(minutes=9)}


def test_what_would_fail_is_refused_before_a_key_is_made(site, aws):
    for rules, says in (({"owner": "no-such-user"}, "no-such-user"), ({"group": "no-such-group"}, "no-such-group")):
        assert says in site.run(**rules)
    site.path.write_text("  [AmazonCloudWatchAgent]\nregion = x\n")
    assert "cannot be w" in site.run()
    assert not aws.made and not aws.deleted
    with pytest.raises(Failure, match="was made"):
        converge(plugin.HostAccessKey(Rules(**{**site.rules.__dict__, "path": str(site.path)}), {}, None,
                                      Channel(site.host.execute, sys.executable), site.host.execute, lambda: None), check=True)  # fmt: skip


def test_a_group_that_an_earlier_step_would_make_is_predicted_and_required(site, aws):
    rules = Rules(**{**site.rules.__dict__, "group": "no-such-group", "path": str(site.path)})
    predicted = converge(plugin.HostAccessKey(rules, {}, None, Channel(site.host.execute, sys.executable), site.host.execute,
                                              lambda: None), check=True)  # fmt: skip
    assert [change.split()[0] for change in predicted["changes"]] == ["require", "hand"]
    assert "The host knows no group no-such-group" in site.run(group="no-such-group")
    assert not aws.made


def test_an_update_is_shown_before_and_after(site):
    site.run()
    site.path.chmod(0o644)
    result = site.run(region="us-east-1")
    before, after = (result["diff"][name] for name in ("before", "after"))
    assert (before["mode"], before["region"]) == ("0644", "eu-west-1") and (after["mode"], after["region"]) == ("0600", "us-east-1")
    assert before["owner"] and before["owner"] == after["owner"] and result["mode"] == "0600" and result["changed"]


@pytest.mark.parametrize("key_id", ["CHANGEME", "your key", "\udcff"])
def test_a_placeholder_is_replaced(site, aws, key_id):
    text = f"[AmazonCloudWatchAgent]\naws_access_key_id = {key_id}\naws_secret_access_key = caf\udce9\n"
    site.path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert site.run()["key_id"] == "AKIA0" and SECRET in site.held()


def test_credentials_of_a_session_are_somebodys(site, aws):
    text = "[AmazonCloudWatchAgent]\naws_access_key_id = {}\naws_secret_access_key = s\n{}"
    for key_id, more in (("ASIA1", ""), ("AKIA9", "aws_session_token = t\n")):
        site.path.write_text(text.format(key_id, more))
        assert "session" in site.run() and not aws.made
    assert site.run(replace_foreign=True)["key_id"] == "AKIA0" and "session_token" not in site.held()


def test_no_signature_after_the_delivery(site, aws):
    real = site.host.execute

    def execute(command, data):
        said = real(command, data)
        return {**said, "stdout": said["stdout"].replace('"signature"', '"other"')}

    site.host.execute = execute
    assert "no signature" in site.run() and not aws.deleted


def test_gone_for_good_and_nothing_worked_before(site, aws):
    site.host.before = AnsibleConnectionFailure("dropped")
    real = site.host.execute
    site.host.execute = lambda command, data: (
        setattr(site.host, "down", site.host.down or b'"do": "deliver"' in data),
        real(command, data),
    )[1]
    said = site.run()
    assert "not known" in said and "was deleted" in said and aws.deleted == ["AKIA0"] and site.resource.unreachable


def test_gone_for_good_and_one_worked_before(site, aws):
    assert site.run()["key_id"] == "AKIA0"
    aws.made["AKIA0"] = Key("AKIA0", True, START - timedelta(days=91))
    real = site.host.execute
    site.host.execute = lambda command, data: (
        setattr(site.host, "down", site.host.down or b'"do": "deliver"' in data),
        real(command, data),
    )[1]
    said = site.run(rotate_after=timedelta(days=90))
    assert "both stay Active" in said and not aws.deleted and len(aws.made) == 2 and site.resource.unreachable
    site.host.down = False
    site.host.execute = real
    assert site.run(rotate_after=timedelta(days=90))["key_id"] == "AKIA0", "the next run decides from what the host holds"


def test_somebody_else_wrote_meanwhile(site, aws):
    aws.during_verify = lambda: site.path.write_text("[AmazonCloudWatchAgent]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = o\n")
    # As if it had run once more: that key is nobody's, as far as IAM knows.
    assert site.run()["key_id"] == "AKIA1" and aws.deleted == ["AKIA0"] and "AKIA1" in site.held()


def test_delivered_and_not_accepted(site, aws):
    aws.verdict = Proof.WRONG
    said = site.run()
    assert "AKIA0" in said and "not accepted" in said and not aws.deleted and SECRET in site.held()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_before_it_is_sent(site, aws, number):
    got = []
    before = signal.signal(number, lambda *caught: got.append((caught[0], dict(aws.made))))
    try:
        aws.during_verify = lambda: os.kill(os.getpid(), number)
        said = site.run()
        assert signal.getsignal(number).__name__ == "<lambda>", "the handler of before is back"
    finally:
        signal.signal(number, before)
    assert "ended by SIG" in said and aws.deleted == ["AKIA0"] and not site.held()
    assert got == [(number, {})], "sent on once the key was deleted"


def test_signal_while_it_is_sent(site, aws):
    """The host may have it already: finish, prove, then end."""
    got = []
    before = signal.signal(signal.SIGTERM, lambda *_caught: got.append(site.held()))
    try:
        real = site.host.execute

        def execute(command, data):
            if b'"do": "deliver"' in data:
                os.kill(os.getpid(), signal.SIGTERM)
            return real(command, data)

        site.host.execute = execute
        result = site.run()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert result["key_id"] == "AKIA0" and len(got) == 1 and SECRET in got[0] and not aws.deleted


def test_missing_user_stops_before_anything(site, aws):
    aws.user = lambda: (None, {})
    assert "hybridops.aws_agents.aws_access" in site.run() and not aws.made


def test_environment_is_gone_afterwards(monkeypatch):
    monkeypatch.setenv("KEPT", "before")
    monkeypatch.delenv("ADDED", raising=False)
    with suppress(RuntimeError), laid_over({"KEPT": "now", "ADDED": 1}):
        assert (os.environ["KEPT"], os.environ["ADDED"]) == ("now", "1")
        raise RuntimeError
    assert os.environ["KEPT"] == "before" and "ADDED" not in os.environ
