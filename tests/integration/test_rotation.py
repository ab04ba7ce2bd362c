# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rotations that are broken off at every call: the next runs finish them, and the agent is never without a key that AWS accepts.

What holds at every call is watched by ``World``: the key in the host's file is Active, no key goes that the agent may still use, none is
activated again, and none is asked for while there are two.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.integration.key_site import USER
from tests.integration.rotation_site import DAY, MINUTE, Fault, Rotation
from tests.support.playbook import run_playbook
from tests.support.recording_proxy import RecordingProxy

LOOK = ["iam:GetUser", "iam:ListAccessKeys", "sts:GetCallerIdentity", "iam:ListGroupsForUser", "iam:GetLoginProfile"]
USE, CALL = "iam:GetAccessKeyLastUsed", "sts:GetCallerIdentity"
NEW = ["iam:CreateAccessKey", *[CALL] * 18, CALL]
"""Made, verified for half a minute, and proven on the host."""
RETIRE = [USE, "iam:TagUser", "iam:UpdateAccessKey"]
PHASES = {
    "first handover": [*LOOK[:2], *LOOK[3:], "iam:CreateAccessKey", *[CALL] * 3, CALL],
    "handover": [*LOOK, USE, *NEW],
    "retirement": [*LOOK, USE, USE, *RETIRE],
    "deletion": [*LOOK, USE, USE, "iam:DeleteAccessKey", "iam:UntagUser"],
    "all at once": [*LOOK, USE, *NEW, *RETIRE],
}
"""The calls of an undisturbed run, by what it does."""
RULES = {"all at once": {"settle": "wait"}}


@pytest.fixture
def made(ministack, tmp_path):
    with RecordingProxy(ministack.endpoint_url) as proxy:
        yield Rotation(ministack, proxy, tmp_path / "host")


def reach(rotation, phase):
    """Bring about the state in which the next run does what the phase is called after. Return the key that is to go."""
    if phase == "first handover":
        return ""
    old = rotation.hand_over_long_ago()
    if phase in ("retirement", "deletion"):
        assert rotation.run()["changes"] == [f"hand over access key of user {USER}"]
        rotation.wait(16 * MINUTE)
    if phase == "deletion":
        assert rotation.run()["changes"] == [f"retire access key {old} of user {USER}"]
        rotation.wait(8 * DAY)
    return old


def finish(rotation, old, again=""):
    """Run, as a timer would, until nothing is left to do; then one proven key must be there, and nothing else."""
    creates = []
    for seconds in (0, 16 * MINUTE, 16 * MINUTE, 16 * MINUTE, DAY, DAY, 8 * DAY, DAY):
        rotation.wait(seconds)
        result = rotation.run()
        assert "failed" not in result, result
        creates.append(result["calls"].count("iam:CreateAccessKey"))
        if not result["changes"] and not result["awaiting"]:
            break
    world = rotation.world
    assert (result["changes"], result["awaiting"]) == ([], ""), result
    assert max(creates) <= 1 and world.broken == [], (creates, world.broken)
    held = world.profile()["aws_access_key_id"]
    assert held != old and world.keys() == {held: "Active"} and rotation.works()
    left = set(rotation.tags()) - {"hybridops.aws_agents/owner"}
    assert left <= {f"hybridops.aws_agents/retired/{old}"} - {f"hybridops.aws_agents/retired/{again}"}
    if left:  # the run ended between the key's deletion and its tag's, which goes with the next rotation
        rotation.wait(100 * DAY)
        finish(rotation, held, again=old)


@pytest.mark.parametrize("phase", PHASES)
def test_undisturbed(made, phase):
    old = reach(made, phase)
    assert made.run(**RULES.get(phase, {}))["calls"] == PHASES[phase]
    finish(made, old)


HOW = ("before", "after", "gone", "kill")


def cases():
    """Return the places to break off, and how: writes and what comes after a key is made in every way, other reads in turn.

    Of equal calls in a row the first and the last two will do, and of phases that begin alike the beginning of one.
    """
    for phase, calls in PHASES.items():
        create = calls.index("iam:CreateAccessKey") if "iam:CreateAccessKey" in calls else len(calls)
        start = {"first handover": create, "all at once": len(calls) - len(RETIRE)}.get(phase, 0)
        for at in range(start, len(calls)):
            repeated = len(set(calls[max(0, at - 1) : at + 3])) == 1 and at < len(calls) - 2
            every_way = at >= create or calls[at] in ("iam:TagUser", "iam:UpdateAccessKey", "iam:DeleteAccessKey", "iam:UntagUser")
            if not repeated:
                ways = ("after", "kill") if phase == "first handover" else HOW if every_way else HOW[at % 4 :][:1]
                yield from ((phase, at, how) for how in ways)


@pytest.mark.parametrize(("phase", "at", "how"), list(cases()))
def test_broken_off_at_a_call(made, phase, at, how):
    old = reach(made, phase)
    broken = made.run(Fault(how, at), **RULES.get(phase, {}))
    assert broken["calls"][: at + 1] == PHASES[phase][: at + 1]
    finish(made, old)


@pytest.mark.parametrize("how", ["host before", "host after", "host kill before", "host kill after"])
@pytest.mark.parametrize("at", [0, 1], ids=["look", "delivery"])
@pytest.mark.parametrize("phase", ["first handover", "handover"])
def test_broken_off_at_the_host(made, phase, at, how):
    old = reach(made, phase)
    made.run(Fault(how, at))
    finish(made, old)


@pytest.mark.parametrize(("phase", "call"), [("handover", "iam:CreateAccessKey"), ("handover", CALL), ("retirement", "iam:TagUser")])
def test_the_whole_of_ansible_is_killed(made, tmp_path, phase, call):
    """As a machine that loses its power: nothing is trapped, neither by a worker nor by its parent."""
    old = reach(made, phase)
    at = len(PHASES[phase]) - 1 - PHASES[phase][::-1].index(call) if call != CALL else PHASES[phase].index("iam:CreateAccessKey") + 1
    made.world.fault, made.world.calls, made.world.kill = Fault("kill", at), [], lambda: kill_all(tmp_path)
    host = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    options = {"user": USER, "path": str(made.path), "credentials_region": made.emulator.region, "rotate_after": "90d"}
    play = {"hosts": "all", "gather_facts": False, "tasks": [{"name": "hand over", "hybridops.aws_agents.host_access_key": options}]}
    environment = {**made.emulator.environment(), "AWS_ENDPOINT_URL": made.proxy.url, "SCRATCH": str(tmp_path)}
    run = run_playbook([play], tmp_path / "run", inventory={"all": {"hosts": {"web1": host}}}, environment=environment)
    assert run.rc == -signal.SIGKILL and made.world.calls[-1] == call, run
    made.world.look()
    made.world.fault = Fault()
    finish(made, old)


def kill_all(scratch):
    """Kill the processes that have the test's folder in their environment, which none but its own have."""
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            ours = f"SCRATCH={scratch}".encode() in entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if ours:
            os.kill(int(entry.parent.name), signal.SIGKILL)
