# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key on its way from a store to a host: no key is made or ended, whatever the connection does."""

from __future__ import annotations

import subprocess
import sys
import traceback
from datetime import UTC, datetime, timedelta

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.channel import Channel, NoAnswer
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.credentials import sign
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_key import Key, Proof, Rules, User
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.shared_key import Content, Stored
from ansible_collections.hybridops.aws_agents.plugins.module_utils._reconcile import Failure, converge
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils import access_key as plugin
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils import handover
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.shared_host_key import StoredHostKey

START = datetime.now(UTC)
SECRETS = {"AKIAOLD": "old-s3cr3t" + "o" * 30, "AKIANEW": "new-s3cr3t" + "n" * 30}


class Aws:
    """IAM and STS, which know two keys, and whose every write fails the test by not being there."""

    now = START

    def __init__(self):
        self.known = {name: Key(name, True, START - timedelta(days=days)) for name, days in (("AKIAOLD", 30), ("AKIANEW", 1))}
        self.rights = 0
        self.accepts = SECRETS

    def user(self):
        return User("shared", "arn:user/shared", "default"), {}

    def listed(self):
        return tuple(self.known.values())

    def tagged(self, keys, _retired):
        return keys

    def keys(self, _retired):
        return self.listed()

    def with_rights(self, user):
        self.rights += 1
        return user

    def holder(self, _key_id):
        return ""

    def ask(self, _now):
        return {"scope": "20260301/eu-west-1/sts/aws4_request", "string_to_sign": "x"}

    def judge(self, key_id, signature, _arn=None):
        if key_id not in self.known or key_id not in self.accepts:
            return Proof.UNKNOWN, "InvalidClientTokenId"
        right = signature_of(self.accepts[key_id])
        return (Proof.PROVEN, "arn:user/shared") if signature == right else (Proof.WRONG, "SignatureDoesNotMatch")


def signature_of(secret):
    return sign(secret, **Aws.ask(None, START))


class Store:
    place = "parameter /k"

    def __init__(self):
        self.held = Content("shared", "AKIANEW", SECRETS["AKIANEW"])
        self.reads = 0

    def content(self):
        self.reads += 1
        if not self.held:
            return Stored(self.place), None
        return Stored(self.place, True, self.held.key_id, self.held.user), self.held


def lose(error):
    if isinstance(error, Exception):
        raise error


@pytest.fixture
def site(monkeypatch, tmp_path):
    class Site:
        aws, store, path = Aws(), Store(), tmp_path / "credentials"
        before = after = None
        down = False
        runs = 0

        def hold(self, key_id, secret=None):
            text = "[AmazonCloudWatchAgent]\naws_access_key_id = {}\naws_secret_access_key = {}\nregion = eu-west-1\n"
            self.path.write_text(text.format(key_id, secret or SECRETS.get(key_id, "x")))
            self.path.chmod(0o600)

        def execute(self, command, data):
            self.runs += 1
            delivers = b'"do": "deliver"' in data
            if self.down:
                raise AnsibleConnectionFailure("down")
            if delivers:
                lose(self.before)
            done = subprocess.run(["/bin/sh", "-c", command], input=data, capture_output=True, check=False)
            if delivers:
                lose(self.after)
            return {"rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}

        def run(self, newest="", **rules):
            wanted = Rules("shared", path=str(self.path), region="eu-west-1", **rules)
            channel = Channel(self.execute, sys.executable)
            self.resource = StoredHostKey(wanted, {}, None, channel, self.execute, lambda: None, self.store, newest)
            try:
                return converge(self.resource, check=False, diff=True)
            except Failure as failure:
                said = f"{failure.text}: {failure.cause}"
                all_of_it = f"{said} {failure.result}" + "".join(traceback.format_exception(failure))
            assert not [secret for secret in SECRETS.values() if secret in all_of_it]
            return said

        def held(self):
            return self.path.read_text() if self.path.exists() else ""

    made = Site()
    monkeypatch.setattr(plugin, "AccessKeys", lambda *_arguments: made.aws)
    monkeypatch.setattr(plugin, "HostProof", lambda *_arguments: made.aws)
    monkeypatch.setattr(plugin, "_RELISTS", 0)
    monkeypatch.setattr(handover, "_READ_BACKS", (0.0, 0.0))
    return made


def test_delivered_with_two_visits_and_one_look_into_the_store(site):
    result = site.run()
    assert result["changed"] and result["key_id"] == "AKIANEW" and SECRETS["AKIANEW"] in site.held()
    assert SECRETS["AKIANEW"] not in str(result) and (site.runs, site.store.reads, site.aws.rights) == (2, 1, 1)
    again = site.run(newest="AKIANEW")
    assert not again["changed"] and (site.runs, site.store.reads, site.aws.rights) == (3, 1, 1)


def test_the_old_key_is_replaced_and_stays_active(site):
    site.hold("AKIAOLD")
    assert site.run(newest="AKIANEW")["key_id"] == "AKIANEW" and len(site.aws.known) == 2


@pytest.mark.parametrize("error", [AnsibleConnectionFailure("dropped"), NoAnswer("ended with status 255")])
@pytest.mark.parametrize("old", [False, True])
def test_dropped_before_the_host_wrote(site, error, old):
    if old:
        site.hold("AKIAOLD")
    before = site.held()
    site.before = error
    assert "did not take the key AKIANEW" in site.run() and site.held() == before
    site.before = None
    assert site.run()["key_id"] == "AKIANEW"


@pytest.mark.parametrize("error", [AnsibleConnectionFailure("dropped"), NoAnswer("ended with status 255")])
def test_dropped_after_the_host_wrote(site, error):
    site.after = error
    assert site.run()["key_id"] == "AKIANEW" and SECRETS["AKIANEW"] in site.held() and not site.resource.unreachable


def test_gone_for_good(site):
    real = site.execute
    site.execute = lambda command, data: (setattr(site, "down", site.down or b'"do": "deliver"' in data), real(command, data))[1]
    said = site.run()
    assert "not known" in said and site.resource.unreachable and not site.held()


def test_somebody_else_wrote_meanwhile(site):
    real = site.store.content
    site.store.content = lambda: (site.hold("AKIAOTHER"), real())[1]
    assert "AKIAOTHER" in site.run() and "AKIAOTHER" in site.held()


def test_a_wrong_secret_in_the_store_never_reaches_the_host(site):
    site.hold("AKIAOLD")
    site.store.held = Content("shared", "AKIANEW", "damaged")
    said = site.run()
    assert "not that of AKIANEW" in said and "shared_access_key" in said and "AKIAOLD" in site.held() and site.runs == 1


@pytest.mark.parametrize("key_id", ["", "AKIAGONE"])
def test_nothing_to_deliver(site, key_id):
    site.store.held = Content("shared", key_id, "x") if key_id else None
    said = site.run()
    assert "shared_access_key" in said and key_id in said and not site.held()


def test_a_host_that_gets_none_needs_no_look_into_the_store(site):
    site.path.write_text("[AmazonCloudWatchAgent]\naws_access_key_id = ASIA1\naws_secret_access_key = s\n")
    assert "session" in site.run() and not site.store.reads
    site.hold("AKIAOLD")
    assert site.run(present=False)["changes"] and not site.held() and not site.store.reads and len(site.aws.known) == 2
