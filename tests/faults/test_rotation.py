# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rotation broken off at any call, or at any command on the host, is finished by plain runs; the key in use works at every moment."""

from __future__ import annotations

import signal
from types import SimpleNamespace

import pytest

from tests.faults.bench import SEED, sample
from tests.faults.rotation import Fault, Rotation
from tests.faults.world import DAY, MINUTE
from tests.integration.key_site import USER
from tests.support.playbook import kill_session, run_playbook
from tests.support.recording_proxy import RecordingProxy

LOOK = ["iam:ListAccessKeys", "sts:GetCallerIdentity", "iam:GetUser", "iam:ListGroupsForUser", "iam:GetLoginProfile"]
USE, CALL = "iam:GetAccessKeyLastUsed", "sts:GetCallerIdentity"
NEW = ["iam:CreateAccessKey", *[CALL] * 18, CALL]
"""Made, verified for half a minute, and proven on the host."""
RETIRE = [USE, "iam:TagUser", "iam:UpdateAccessKey"]
PHASES = {
    "first handover": [LOOK[0], *LOOK[2:], "iam:CreateAccessKey", *[CALL] * 3, CALL],
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
    world = rotation.world
    if phase == "first handover":
        return ""
    old = rotation.hand_over_long_ago()
    if phase in ("retirement", "deletion"):
        world.give(world.make_key(), rotation.holder)
        world.wait(16 * MINUTE)
    if phase == "deletion":
        world.retire(old)
        world.wait(8 * DAY)
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
    held = rotation.holder.key_id
    assert held != old and world.keys() == {held: "Active"} and rotation.works()
    assert set(world.retired()) <= {old} - {again}
    if world.retired():  # the run ended between the key's deletion and its tag's, which goes with the next rotation
        world.wait(100 * DAY)
        finish(rotation, held, again=old)


@pytest.mark.parametrize("phase", sample("rotation, phases", list(PHASES), 2))
def test_undisturbed(made, phase, ledger):
    old = reach(made, phase)
    assert made.run(**RULES.get(phase, {}))["calls"] == PHASES[phase]
    finish(made, old)
    ledger.add(f"A key handover broken off: {phase}", calls=len(PHASES[phase]))


HOW = ("before", "after", "gone", "SIGKILL", "SIGINT", "SIGTERM")


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
                yield from ((phase, at, how) for how in (HOW if every_way else HOW[at % len(HOW) :][:1]))


HOST = [f"host {what}{when}" for what in ("", "SIGKILL ", "SIGINT ", "SIGTERM ") for when in ("before", "after")]
COMMANDS = {"look": 0, "delivery": 1}


@pytest.mark.parametrize(("phase", "at", "how"), sample("rotation, calls", list(cases()), 8))
def test_broken_off_at_a_call(made, phase, at, how, ledger):
    old = reach(made, phase)
    broken = made.run(Fault(how, at), **RULES.get(phase, {}))
    assert broken["calls"][: at + 1] == PHASES[phase][: at + 1], f"{how} at call {at} of {phase}, SEED={SEED}"
    finish(made, old)
    ledger.add(f"A key handover broken off: {phase}", faults=1, runs=1, converged=1)


@pytest.mark.parametrize(
    ("phase", "command", "how"),
    sample("rotation, host", [(phase, at, how) for phase in ("first handover", "handover") for at in COMMANDS for how in HOST], 4),
)
def test_broken_off_at_the_host(made, phase, command, how, ledger):
    old = reach(made, phase)
    made.run(Fault(how, COMMANDS[command]))
    finish(made, old)
    ledger.add(f"A key handover broken off: {phase}", faults=1, runs=1, converged=1)


POWER = [("handover", "iam:CreateAccessKey"), ("handover", CALL), ("retirement", "iam:TagUser")]


@pytest.mark.parametrize(("phase", "call"), sample("rotation, power", POWER, 1))
def test_the_whole_of_ansible_is_killed(made, tmp_path, phase, call, ledger):
    """As a machine that loses its power: nothing is trapped, neither by a worker nor by its parent."""
    old = reach(made, phase)
    at = PHASES[phase].index("iam:CreateAccessKey") + 1 if call == CALL else PHASES[phase].index(call)
    pids = []
    made.fault, made.calls, made.process = Fault("SIGKILL", at), [], SimpleNamespace(kill=lambda: kill_session(pids[0]))
    host = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    options = {"user": USER, "path": str(made.path), "credentials_region": made.emulator.region, "rotate_after": "90d"}
    play = {"hosts": "all", "gather_facts": False, "tasks": [{"name": "hand over", "hybridops.aws_agents.host_access_key": options}]}
    environment = {**made.emulator.environment(), "AWS_ENDPOINT_URL": made.proxy.url}
    inventory = {"all": {"hosts": {"web1": host}}}
    run = run_playbook([play], tmp_path / "run", inventory=inventory, environment=environment, on_start=pids.append)
    assert run.rc == -signal.SIGKILL and made.calls[-1] == call, run
    made.world.look()
    made.fault = Fault()
    finish(made, old)
    ledger.add(f"A key handover broken off: {phase}", faults=1, runs=1, converged=1)
