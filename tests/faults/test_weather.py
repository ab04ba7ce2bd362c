# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS is eventually consistent: each read may show what was there up to twenty seconds ago, and the next one something newer or older.

Tasks run one right after the other, so that each reads what the one before it has just changed. Every run must succeed; once the weather
has calmed, a run changes nothing, and the account holds what it holds after the same tasks in calm weather.
"""

from __future__ import annotations

import json
import time

import pytest

from tests.faults.bench import ALL, SEED
from tests.faults.lag import SECONDS, Weather
from tests.support import iam_state
from tests.support.recording_proxy import RecordingProxy

USER, PARAMETER = "cwagent-web1", "AmazonCloudWatch-linux"
CALL = 0.05
"""Seconds that a call takes by the clock of a run."""


class Account:
    """An account in some weather, and tasks that run there one after the other."""

    def __init__(self, moto, actors, proxy, name, seconds=SECONDS):
        self.moto, self.actors, self.proxy, self.name = moto, actors, proxy, name
        self.weather = proxy.handler = Weather(moto, name, self._now, seconds)
        self.runs = 0

    def _now(self):
        self.actors.clock.advance(CALL)
        return self.actors.clock.now()

    def run(self, do, **options):
        self.runs += 1
        credentials = (self.moto.root.access_key_id, self.moto.root.secret_access_key)
        began = self.actors.clock.now()
        result = self.actors.run(do, self.proxy.url, options=options, credentials=credentials)
        waited = self.actors.clock.now() - began
        assert not result.get("failed"), f"SEED={SEED} {self.name}: {do} after {waited:.0f} s: {result['failed']}\n{self.told()}"
        return result

    def calm(self):
        self.actors.clock.advance(SECONDS)

    def told(self):
        return f"the last calls: {', '.join(map(str, self.proxy.calls[-10:]))}; stale so far: {dict(self.weather.stale)}"

    def state(self):
        found = iam_state.of(self.moto)
        ssm = self.moto.client("ssm")
        parameters = {
            entry["Name"]: ssm.get_parameter(Name=entry["Name"])["Parameter"]["Value"] for entry in ssm.describe_parameters()["Parameters"]
        }
        return {**found, "parameters": parameters}


def document(word):
    return {"Version": "2012-10-17", "Statement": [{"Sid": word, "Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}]}


def identities(word, state="present", users=3):
    trusted = {"principals": ["arn:aws:iam::123456789012:user/hybridops/u0"]}
    text = {"document": document(word)}
    server = {"name": "Server", "trust": "ec2", "instance_profile": True, "policies": ["Agent", "AmazonSSMManagedInstanceCore"]}
    admin = {
        "name": "Admin",
        "trust": "account",
        "trust_options": trusted,
        "boundary": "Edge",
        "inline_policies": [{"name": "more", **text}],
    }
    user = {"path": "/hybridops/", "policies": ["Agent"], "tags": {"word": word}}
    asked = {
        "policies": [{"name": name, **text} for name in ("Agent", "Edge")],
        "roles": [server, admin],
        "users": [{"name": f"u{number}", **user} for number in range(users)],
    }
    return {kind: [dict(entry, state=state) for entry in entries] for kind, entries in asked.items()}


def changed_identities(account):
    for word in ("one", "one", "two", "two"):
        account.run("identities", **identities(word))
    account.calm()
    assert not account.run("identities", **identities("two"))["changed"]


def identities_that_go_and_come_back(account):
    account.run("identities", **identities("one"))
    account.run("identities", **identities("one", "absent"), guard=-1)
    account.run("identities", **identities("two"))
    account.calm()
    assert not account.run("identities", **identities("two"))["changed"]


def half_of_it_by_another_task(account):
    """What one task made, the next one refers to."""
    account.run(
        "identities", policies=[{"name": "Agent", "document": document("one")}], roles=[{"name": "Server", "trust": "ec2"}], wait=False
    )
    more = {"name": "Server", "existing": True, "trust": "ec2", "policies": ["account:/Agent"], "instance_profile": True,
            "add_instance_profile": True}  # fmt: skip
    account.run("identities", roles=[more])
    account.run("identities", users=[{"name": "u0", "policies": ["account:/Agent"], "boundary": "account:/Agent"}])
    account.calm()
    assert not account.run("identities", roles=[more])["changed"]


def key_of_a_host(account, scratch):
    user = {"users": [{"name": USER, "path": "/hybridops/"}], "wait": False}
    host = {"user": USER, "path": str(scratch / "etc" / "credentials")}
    account.run("identities", **user)
    account.run("host_key", **host)
    for _again in range(2):
        account.run("host_key", **host)
    account.calm()
    last = account.run("host_key", **host)
    assert not last["changed"] and last["decision"].endswith("on the host and proven")
    assert [key["id"] for key in last["access_keys"]] == [last["key_id"]] and account.weather.most_keys[USER] == 1
    account.run("host_key", **host, present=False)
    account.run("host_key", **host)
    account.calm()
    for _again in range(2):
        last = account.run("host_key", **host)
    assert not last["changed"] and [key["id"] for key in last["access_keys"]] == [last["key_id"]]
    account.run("offboarding", users=[USER], allow_in_use=True)
    account.run("offboarding", users=[USER], allow_in_use=True)
    account.calm()
    assert not account.run("offboarding", users=[USER], allow_in_use=True)["changed"]


def rotated_key(account, scratch):
    """Three rotations in a row: nothing is old enough to be retired or deleted, so the second key stays, and no third one is asked for."""
    host = {"user": USER, "path": str(scratch / "etc" / "credentials")}
    account.run("identities", users=[{"name": USER, "path": "/hybridops/"}], wait=False)
    held = account.run("host_key", **host)["key_id"]
    account.calm()
    time.sleep(1)  # a key's age is told in whole seconds
    account.run("host_key", **host, rotate_after="0s")
    for _again in range(3):
        last = account.run("host_key", **host, rotate_after="0s")
    account.calm()
    last = account.run("host_key", **host)
    assert last["key_id"] != held and {key["id"] for key in last["access_keys"]} == {last["key_id"], held}
    assert all(key["status"] == "Active" for key in last["access_keys"]) and account.weather.most_keys[USER] == 2


def configurations(account):
    trust = {"trust": "account", "trust_options": {"principals": [f"arn:aws:iam::123456789012:user/hybridops/{USER}"]}}
    role = {"name": "Admin", **trust, "policies": ["CloudWatchAgentAdminPolicy"]}
    account.run("identities", users=[{"name": USER, "path": "/hybridops/"}], roles=[role], wait=False)
    for lease in ({"via": "user", "user": USER}, {"via": "assume_role", "role": "Admin"}, {"via": "none"}):
        asked = {"name": PARAMETER, "lease": lease, "config": configuration(lease["via"])}
        account.run("parameter", **asked)
        account.run("parameter", **asked)
    account.calm()
    assert not account.run("parameter", **asked)["changed"]
    user = account.state()["users"][USER]
    assert (user["keys"], user["inline"]) == (0, {}) and "hybridops.aws_agents/lease" not in user["tags"]


def configuration(word):
    return {"metrics": {"namespace": word, "metrics_collected": {"mem": {"measurement": ["mem_used_percent"]}}}}


def instance_profiles(account):
    role = {"trust": "ec2", "instance_profile": True}
    ec2 = account.moto.client("ec2")
    made = ec2.run_instances(ImageId="ami-12c6146b", MinCount=2, MaxCount=2)["Instances"]
    ids = sorted(instance["InstanceId"] for instance in made)
    for name in ("One", "Two"):
        account.run("identities", roles=[{"name": name, **role}], wait=False)
        for _again in range(2):
            account.run("profiles", instance_ids=ids, instance_profile=name, replace=True)
    account.calm()
    assert not account.run("profiles", instance_ids=ids, instance_profile="Two", replace=True)["changed"]
    found = ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
    assert sorted((each["InstanceId"], each["IamInstanceProfile"]["Arn"].rpartition("/")[2]) for each in found) == [
        (one, "Two") for one in ids
    ]


CASES = [changed_identities, identities_that_go_and_come_back, half_of_it_by_another_task, key_of_a_host, rotated_key, configurations,
         instance_profiles]  # fmt: skip
SEEDS = 20
FIRST = [(case, 0) for case in CASES]
EACH = [(case, number) for case in CASES for number in range(SEEDS)]


def folders(case, folder):
    """Return what a case is given besides its account: those with a host want a folder."""
    if case not in (key_of_a_host, rotated_key):
        return []
    folder.mkdir()
    return [folder]


@pytest.mark.parametrize(
    ("case", "number"),
    [pytest.param(case, number, id=f"{case.__name__}-{number}") for case, number in (EACH if ALL else FIRST)],
)
def test_what_is_read_lags_behind_what_is_written(moto, actors, ledger, tmp_path, case, number):
    with RecordingProxy(moto.endpoint_url) as proxy:
        account = Account(moto, actors, proxy, (case.__name__, number))
        case(account, *folders(case, tmp_path / "weather"))
        stale = sum(account.weather.stale.values())
        part = f"Eventual consistency: {case.__name__.replace('_', ' ')}"
        ledger.add(part, cases=1, calls=len(proxy.calls), faults=stale, runs=account.runs, converged=account.runs)
        seen, runs = account.state(), account.runs
        moto.reset()
        calm = Account(moto, actors, proxy, (case.__name__, number), seconds=0.0)
        case(calm, *folders(case, tmp_path / "calm"))
        assert stale and runs == calm.runs, account.name
        assert json.dumps(seen, sort_keys=True) == json.dumps(calm.state(), sort_keys=True), f"SEED={SEED} {account.name}: {account.told()}"
