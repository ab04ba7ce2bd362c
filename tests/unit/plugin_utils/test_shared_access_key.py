# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a new key that hosts are to share, when something goes wrong at each place where it can."""

from __future__ import annotations

import os
import signal
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.access_keys import NoKey
from ansible_collections.hybridops.aws_agents.plugins.module_utils._aws.proof import NotVerified
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_key import Key, Proof, Rules, User
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.shared_key import Content, SharedRules, Stored
from ansible_collections.hybridops.aws_agents.plugins.module_utils._reconcile import Failure, converge
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils import handover, shared_access_key

SECRET = "s3cr3t" + "x" * 34
START = datetime.now(UTC)


def fail(error):
    if error:
        raise error


class Aws:
    """IAM and STS for one user, in memory."""

    now = START

    def __init__(self):
        self.known = {}
        self.there = True
        self.asked = 0
        self.deleted, self.retired, self.replaced = [], [], []
        self.create_fails = self.verify_fails = self.delete_fails = None
        self.uses = {}
        self.proofs = 0
        self.during_verify = lambda: None

    def user(self):
        self.asked += 1
        return (User("shared", "arn:user/shared", "default"), {}) if self.there else (None, {})

    def listed(self):
        return tuple(self.known.values()) if self.there else None

    def tagged(self, keys, _retired):
        return keys

    def keys(self, _retired):
        return self.listed()

    def with_use(self, key):
        uses = self.uses.get(key.id, [])
        used = uses.pop(0) if len(uses) > 1 else uses[0] if uses else key.used
        return replace(key, used=used, used_service="monitoring")

    def with_rights(self, user):
        return user

    def create(self):
        fail(self.create_fails)
        assert len(self.known) < 2
        key = Key(f"AKIA{len(self.known) + len(self.deleted)}", True, self.now)
        self.known[key.id] = key
        return key, SECRET

    def delete(self, key_id, tagged=False):
        fail(self.delete_fails)
        self.deleted.append(key_id)
        del self.known[key_id]

    def retire(self, key_id):
        self.retired.append(key_id)

    def ask(self, _now):
        return {"scope": "20260301/eu-west-1/sts/aws4_request", "string_to_sign": "x"}

    def judge(self, key_id, _signature, _arn=None):
        self.proofs += 1
        return (Proof.PROVEN, "arn:user/shared") if key_id in self.known else (Proof.UNKNOWN, "InvalidClientTokenId")

    def verify(self, _client, _region, _key, _secret, _arn, replaces, *_more):
        self.replaced.append(replaces)
        self.during_verify()
        fail(self.verify_fails)


class Store:
    """A store in memory, which can fail before or after it stored something."""

    place = "parameter /k"

    def __init__(self):
        self.held = None
        self.before = self.after = self.read_fails = None
        self.reads = self.looks = 0
        self.change = lambda content: content

    def look(self):
        self.looks += 1
        return self._found()

    def content(self):
        self.reads += 1
        fail(self.read_fails)
        return self._found()

    def write(self, content):
        fail(self.before)
        self.held = self.change(content)
        fail(self.after)

    def _found(self):
        if not self.held:
            return Stored(self.place), None
        return Stored(self.place, True, self.held.key_id, self.held.user, owner="default"), self.held


@pytest.fixture
def site(monkeypatch):
    class Site:
        aws = Aws()
        store = Store()

        def run(self, check=False, hosts=None, part="", **rules):
            rotate = rules.pop("rotate", False)
            wanted = SharedRules(Rules("shared", region="eu-west-1", **rules), rotate, hosts, part)
            try:
                return converge(shared_access_key.SharedAccessKey(wanted, {}, None, self.store), check=check, diff=True)
            except Failure as failure:
                said = f"{failure.text}: {failure.cause}"
                all_of_it = f"{said} {failure.result}" + "".join(traceback.format_exception(failure))
            assert SECRET not in all_of_it
            return said

    made = Site()
    monkeypatch.setattr(shared_access_key, "AccessKeys", lambda *_arguments: made.aws)
    monkeypatch.setattr(shared_access_key, "HostProof", lambda *_arguments: made.aws)
    monkeypatch.setattr(shared_access_key, "_RELISTS", 0)
    monkeypatch.setattr(shared_access_key, "_READ_BACKS", (0.0, 0.0))
    monkeypatch.setattr(handover, "verify", made.aws.verify)
    return made


def test_made_stored_and_proven(site):
    result = site.run()
    assert result["changed"] and result["key_id"] == "AKIA0" and SECRET not in str(result)
    assert site.store.held == Content("shared", "AKIA0", SECRET, START.strftime("%Y-%m-%dT%H:%M:%SZ"))
    asked = site.aws.asked
    again = site.run()
    assert not again["changed"] and again["key_id"] == "AKIA0" and site.aws.proofs == 1 and site.aws.replaced == [False]
    assert site.aws.asked == asked, "whose user it is need not be known where nothing is to be done"


def test_check_mode_makes_nothing(site):
    result = site.run(check=True)
    assert result["changed"] and result["key_id"] == "(new)" and not site.aws.known and not site.store.held


@pytest.mark.parametrize(
    ("failing", "says"),
    [
        ({"create_fails": NoKey("whether a key was made is not known")}, "not known"),
        ({"verify_fails": NotVerified("not accepted")}, "not accepted"),
        ({"verify_fails": RuntimeError("network")}, "network"),
    ],
)
def test_before_it_is_stored(site, failing, says):
    for name, error in failing.items():
        setattr(site.aws, name, error)
    assert says in site.run() and not site.aws.known and not site.store.held


def test_not_stored(site):
    site.store.before = OSError("no space left")
    said = site.run()
    assert "no space left" in said and "AKIA0 was deleted again" in said and site.aws.deleted == ["AKIA0"]


def test_stored_and_the_answer_was_lost(site):
    site.store.after = RuntimeError("connection reset")
    assert site.run()["key_id"] == "AKIA0" and not site.aws.deleted


@pytest.mark.parametrize(
    "change", [lambda content: replace(content, secret="other"), lambda content: replace(content, key_id="AKIAX"), lambda _content: None]
)
def test_something_else_is_read_back(site, change):
    site.store.change = change
    assert "read back" in site.run() and site.aws.deleted == ["AKIA0"]


def test_another_run_stored_its_key_meanwhile(site):
    theirs = Content("shared", "AKIATHEIRS", "t")
    site.store.change = lambda _content: theirs
    site.run()
    assert site.store.held == theirs and site.aws.deleted == ["AKIA0"] and not site.aws.known


def test_not_read_back(site):
    site.store.read_fails = RuntimeError("denied")
    said = site.run()
    assert "denied" in said and site.aws.deleted == ["AKIA0"]
    site.store.read_fails = None
    assert site.run()["changed"], "the next run finds the key in the store gone, and makes another"
    assert list(site.aws.known) == [site.store.held.key_id]


def test_a_key_that_cannot_be_deleted_again_is_named(site):
    site.store.before, site.aws.delete_fails = OSError("no space left"), RuntimeError("denied")
    said = site.run()
    assert "AKIA0" in said and "denied" in said and "no space left" in said


def test_a_failed_rotation_leaves_the_old_key(site):
    site.run()
    site.aws.known["AKIA0"] = Key("AKIA0", True, START - timedelta(days=91))
    before = site.store.held
    site.store.before = OSError("no space left")
    assert "AKIA1 was deleted again" in site.run(rotate_after=timedelta(days=90))
    assert site.store.held == before and list(site.aws.known) == ["AKIA0"] and site.aws.replaced == [False, True]


class TimedOut(BaseException):
    """What a task's time limit raises in ansible-core, from the handler of SIGALRM."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGALRM])
def test_signal_before_it_is_stored(site, number):
    got = []
    before = signal.signal(number, lambda *caught: got.append((caught[0], dict(site.aws.known))))
    try:
        site.aws.during_verify = lambda: os.kill(os.getpid(), number)
        said = site.run()
    finally:
        signal.signal(number, before)
    assert "ended by SIG" in said and site.aws.deleted == ["AKIA0"] and not site.store.held
    assert got == [(number, {})], "sent on once the key was deleted"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGALRM])
def test_signal_while_it_is_stored(site, number):
    """Finish, read back, then end."""
    got = []

    def change(content):
        os.kill(os.getpid(), number)
        return content

    before = signal.signal(number, lambda *_caught: got.append(site.store.reads))
    try:
        site.store.change = change
        result = site.run()
    finally:
        signal.signal(number, before)
    assert result["key_id"] == "AKIA0" and got == [1] and not site.aws.deleted and site.store.held.secret == SECRET


def two(site, used):
    site.aws.known = {"O": Key("O", True, START - timedelta(days=30)), "N": Key("N", True, START - timedelta(days=3))}
    site.aws.uses = {"O": [START - used], "N": [START]}
    site.store.held = Content("shared", "N", SECRET)


def test_the_final_stage_tells_who_holds_what(site):
    two(site, timedelta(hours=1))
    result = site.run(hosts={"a": "N", "b": "O", "c": "", "d": "GONE"})
    held = {key["id"]: (key["hosts"], key["age_days"], key["last_used_service"]) for key in result["access_keys"]}
    assert held == {"N": (["a"], 3, "monitoring"), "O": (["b"], 30, "monitoring")} and result["hosts_without"] == ["c", "d"]
    assert "held by b" in result["awaiting"] and not result["changed"]


def test_the_old_key_is_retired(site):
    two(site, timedelta(days=2))
    assert site.run(hosts={"a": "N"})["changes"] == ["retire access key O of user shared"] and site.aws.retired == ["O"]


def test_a_use_that_is_told_between_decision_and_retirement(site):
    two(site, timedelta(days=2))
    site.aws.uses["O"].append(START)
    said = site.run(hosts={"a": "N"})
    assert "used just now" in said and not site.aws.retired


def test_nothing_to_end_needs_no_store(site):
    site.run()
    looks = site.store.looks
    result = site.run(hosts={"a": "AKIA0"})
    assert not result["changed"] and site.store.looks == looks and result["access_keys"][0]["hosts"] == ["a"]


def test_missing_user_stops_before_anything(site):
    site.aws.there = False
    assert "hybridops.aws_agents.aws_access" in site.run() and not site.aws.known


def test_the_key_of_somebody_else_in_the_store(site):
    site.store.held = Content("shared", "AKIATHEIRS", SECRET)
    site.aws.judge = lambda *_asked: (Proof.PROVEN, "arn:user/other")
    assert "holds a key of arn:user/other, not of user shared" in site.run() and not site.aws.known


def test_a_key_in_the_store_whose_user_is_not_seen_yet(site):
    """It may be one that lags behind, so that the key is nobody else's for that."""
    site.run()
    site.aws.there = False
    assert "hybridops.aws_agents.aws_access" in site.run() and not site.aws.deleted
