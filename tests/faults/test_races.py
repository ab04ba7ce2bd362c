# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that race: the same task at the same time on the same account, and on the same host.

Whoever loses reads again and finds it done. No run fails, the account holds what one run makes, and no user ever has more than two keys.
"""

from __future__ import annotations

import configparser
import json
import threading
import time
from collections import Counter

import pytest

from tests.faults.bench import ALL, SEED, drawn
from tests.faults.lag import mended
from tests.faults.test_weather import PARAMETER, USER, configuration, document, identities
from tests.support import iam_state
from tests.support.emulators import Credentials
from tests.support.recording_proxy import RecordingProxy

TWINS = 8
LATENCY = 0.05
"""Seconds that a call may take at most, drawn for each: what races gets in each other's way at another place each time."""
SEEDS = 12 if ALL else 1


class Race:
    """Runs that start at once, and what each user had of keys at most while they ran."""

    def __init__(self, moto, actors, proxy, name):
        self.moto, self.actors, self.proxy, self.name = moto, actors, proxy, name
        self.iam = moto.client("iam")
        self.most = Counter()
        self.runs = 0
        self._draw = drawn("race", name)
        self._lock = threading.Lock()
        proxy.handler = self._handle

    def _handle(self, call, forward):
        with self._lock:
            pause = self._draw.uniform(0.0, LATENCY)
        time.sleep(pause)
        answer = mended(call, forward)()
        if call.operation == "CreateAccessKey" and answer.status < 300:
            user = call.parameters["UserName"]
            self.most[user] = max(self.most[user], len(self.keys(user)))
        return answer

    def keys(self, user=USER):
        return {key["AccessKeyId"]: key["Status"] for key in self.iam.list_access_keys(UserName=user)["AccessKeyMetadata"]}

    def run(self, do, *tasks):
        """Run tasks of a kind at once, and return their results."""
        credentials = (self.moto.root.access_key_id, self.moto.root.secret_access_key)
        self.runs += len(tasks)
        results = self.actors.race([{"do": do, "url": self.proxy.url, "options": task, "credentials": credentials} for task in tasks])
        failed = [result["failed"] for result in results if result.get("failed")]
        assert not failed, f"SEED={SEED} {self.name}: {len(failed)} of {len(tasks)} runs failed; the first: {failed[0]}"
        return results

    def alone(self, do, task):
        return self.run(do, task)[0]


@pytest.fixture
def race(moto, actors, ledger, request):
    with RecordingProxy(moto.endpoint_url) as proxy:
        made = Race(moto, actors, proxy, request.node.name)
        yield made
        kind = request.node.originalname.removeprefix("test_").replace("_", " ")
        ledger.add(f"Races: {kind}", cases=1, calls=len(proxy.calls), runs=made.runs, converged=made.runs)


seeds = pytest.mark.parametrize("seed", range(SEEDS))


@seeds
def test_the_same_identities_eight_times_at_once(race, seed):
    """From nothing, then with changed policies, then all gone."""
    for words in (("one", "present"), ("two", "present"), ("two", "absent")):
        task = dict(identities(*words), guard=-1)
        race.run("identities", *[task] * TWINS)
        assert not race.alone("identities", task)["changed"]
        if words[1] == "present":
            raced = iam_state.of(race.moto)
            assert all(policy["document"] == document(words[0]) for policy in raced["policies"].values())
            assert (len(raced["users"]), raced["profiles"]) == (3, {"Server": ["Server"]})
    left = iam_state.of(race.moto)
    assert not (left["policies"] or left["users"] or left["roles"]), left


@seeds
def test_a_policy_that_eight_runs_change(race, seed):
    """It has room for five versions. Eight make one each, of the same text."""
    for word in ("one", "two", "three"):
        task = {"policies": [{"name": "Agent", "document": document(word)}]}
        race.run("identities", *[task] * (TWINS if word != "one" else 1))
    assert not race.alone("identities", task)["changed"]


@seeds
def test_two_slices_of_hosts(race, seed, tmp_path):
    """Disjoint hosts, one run for each at the same time, as two slices of a job work through theirs."""
    users = [f"cwagent-web{number}" for number in range(6)]
    race.alone("identities", {"users": [{"name": user, "path": "/hybridops/"} for user in users]})
    tasks = [{"user": user, "path": str(tmp_path / user / "credentials")} for user in users]
    slices = [tasks[0::2], tasks[1::2]]
    for first, second in zip(*slices, strict=True):
        race.run("host_key", first, second)
    for task in tasks:
        assert list(race.keys(task["user"]).values()) == ["Active"] and works(race, task["path"])
        assert race.most[task["user"]] == 1


@seeds
def test_eight_handovers_to_one_host(race, seed, tmp_path):
    task = {"user": USER, "path": str(tmp_path / "credentials")}
    race.alone("identities", {"users": [{"name": USER, "path": "/hybridops/"}]})
    race.run("host_key", *[task] * TWINS)
    assert race.most[USER] <= 2 and works(race, task["path"])
    # A key that another run may be handing over is kept for its time, and then, never used, deleted.
    race.run("host_key", dict(task, orphan_grace="0s"))
    assert list(race.keys()) == [held(task["path"])]


@seeds
def test_rotation_against_rotation(race, seed, tmp_path):
    task = {"user": USER, "path": str(tmp_path / "credentials")}
    race.alone("identities", {"users": [{"name": USER, "path": "/hybridops/"}]})
    before = race.alone("host_key", task)["key_id"]
    time.sleep(1)  # a key's age is told in whole seconds
    race.run("host_key", *[dict(task, rotate_after="0s")] * TWINS)
    assert race.most[USER] <= 2 and works(race, task["path"])
    assert held(task["path"]) != before and set(race.keys()) == {before, held(task["path"])}
    race.run("host_key", *[task] * 2)
    assert set(race.keys()) == {before, held(task["path"])}


@seeds
@pytest.mark.parametrize(
    "lease", [{"via": "none"}, {"via": "assume_role", "role": "Admin"}, {"via": "user", "user": USER}], ids=lambda lease: lease["via"]
)
def test_a_configuration_stored_eight_times_at_once(race, seed, lease):
    trust = {"trust": "account", "trust_options": {"principals": [f"arn:aws:iam::123456789012:user/hybridops/{USER}"]}}
    race.alone("identities", {"users": [{"name": USER, "path": "/hybridops/"}], "roles": [{"name": "Admin", **trust}]})
    for word in ("one", "two"):
        task = {"name": PARAMETER, "config": configuration(word), "lease": lease}
        race.run("parameter", *[task] * TWINS)
        assert not race.alone("parameter", task)["changed"]
        assert json.loads(race.moto.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"]) == configuration(word)
    user = iam_state.of(race.moto)["users"][USER]
    assert race.most[USER] <= 2 and (user["keys"], user["inline"]) == (0, {}) and "hybridops.aws_agents/lease" not in user["tags"]


def held(path):
    parser = configparser.RawConfigParser()
    parser.read(path)
    return parser["AmazonCloudWatchAgent"]["aws_access_key_id"]


def works(race, path):
    parser = configparser.RawConfigParser()
    parser.read(path)
    profile = parser["AmazonCloudWatchAgent"]
    who = Credentials(profile["aws_access_key_id"], profile["aws_secret_access_key"])
    return race.keys(race.moto.client("sts", who).get_caller_identity()["Arn"].rpartition("/")[2]).get(who.access_key_id) == "Active"
