# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Handovers of keys whose host, or whose connection, ends at every step of a delivery."""

from __future__ import annotations

import itertools

import pytest

from tests.faults.bench import SEED, sample
from tests.faults.host_cuts import GARBLED, NOISE, Cut, CutHost, CutRotation
from tests.faults.world import MINUTE
from tests.integration.key_site import USER
from tests.support.recording_proxy import RecordingProxy


@pytest.fixture
def made(ministack, tmp_path):
    with RecordingProxy(ministack.endpoint_url) as proxy:
        yield CutRotation(ministack, proxy, tmp_path / "host")


FOLDER = ["os.mkdir", "os.rmdir", "os.mkdir", "open", "os.chown", "os.chmod", "os.rename"]
FILE = ["open", "fcntl.flock", "open", "open", "os.chown", "os.chmod", "write", "write", "fsync", "after fsync", "os.rename",
        "open", "fsync", "after fsync", "open", "open", "open", "answer", "answer", "flush", "after all"]  # fmt: skip
"""The lock is opened twice over, by its name and by its number, as is an old file; then the folder, to be synced; then what the answer
looks at."""
STEPS = {"first": FOLDER + FILE, "over another": [*FILE[:4], "open", *FILE[4:]]}
HOW = ("kill", "kill, gone", "stop", "stop, late", "stop, long", "signal, SIGINT", "signal, SIGTERM")
PART = "A host that ends at a step of a handover"


def reach(rotation, phase):
    """Return the key that the host holds and that is due; none for a host that never had one."""
    return rotation.hand_over_long_ago() if phase == "over another" else ""


def finish(rotation, old):
    """Run as a timer would, until the host holds a key of this handover that works. Return how many runs that took."""
    results = []
    for seconds in (0, 16 * MINUTE, 16 * MINUTE):
        rotation.wait(seconds)
        results.append(rotation.run())
        held = rotation.holder.profile().get("aws_access_key_id", "")
        if held != old and not results[-1].get("changes"):
            break
    assert "failed" not in results[-1] and held not in ("", old) and rotation.works(), results
    keys = rotation.world.keys()
    assert set(keys) == {held, old} - {""} or set(keys) == {held}, keys
    assert keys[held] == "Active" and rotation.world.broken == []
    return len(results)


def left(rotation):
    """Return the files below the host's folder that hold a secret of ours, and what else lies about."""
    files = [path for path in (rotation.scratch / "etc").rglob("*") if path.is_file() and path != rotation.path]
    secret = [path.name for path in files if any(known in path.read_text() for known in rotation.secrets)]
    return secret, sorted(path.name for path in rotation.path.parent.glob("*") if path != rotation.path)


@pytest.mark.parametrize("phase", STEPS)
def test_steps_of_an_undisturbed_delivery(made, phase):
    old = reach(made, phase)
    assert made.run()["changes"] == [f"hand over access key of user {USER}"]
    assert made.steps() == STEPS[phase]
    finish(made, old)


CASES = [(phase, at, how) for phase, steps in STEPS.items() for at in range(len(steps)) for how in HOW]


@pytest.mark.parametrize(("phase", "at", "how"), sample("host steps", CASES, 10))
def test_ends_at_a_step(made, ledger, phase, at, how):
    steps, seen = STEPS[phase], f"SEED={SEED}, {phase}, {how} at step {at}: {STEPS[phase][at]}"
    renamed = at > len(steps) - 1 - steps[::-1].index("os.rename")
    old = reach(made, phase)
    result = made.cut(Cut(how, at))
    keys, held = made.world.keys(), made.holder.profile().get("aws_access_key_id", "")
    signalled = how.startswith("signal")
    assert bool(held and held != old) == (renamed or signalled), seen
    assert not any(secret in str(result) for secret in made.secrets), seen
    if signalled:
        # It is held back until the host has answered.
        assert result["failed"].startswith("ended by") and keys == {key: "Active" for key in (old, held) if key}, (seen, result)
    elif renamed and how != "kill, gone":
        # It is read back.
        assert "failed" not in result and keys == {key: "Active" for key in (old, held) if key}, (seen, result)
    elif phase == "first":
        assert "was deleted" in result["failed"] and keys == {}, (seen, result)
    else:
        assert "both stay Active, and the next run decides" in result["failed"] and len(keys) == 2, (seen, result)
    runs = 1
    if how == "stop":
        made.host.go_on()
    if how == "stop, late":
        late = made.run()
        assert "failed" not in late or "another run is writing it now. Run again" in late["failed"], (seen, late)
        made.host.go_on()
        runs += 1
    if how == "stop, long":
        runs += long_after(made, old, steps[at], seen)
    first = made.run()
    if how == "stop, long" and steps[at] == "os.rename":
        # The key of before was written over by one that is gone: what ``long_after`` says. It is this run that mends.
        made.world.broken.clear()
    assert left(made)[0] == [], (seen, first)
    runs += finish(made, old)
    assert left(made) == ([], []), seen
    ledger.add(PART, cases=1, faults=1, runs=runs + 1, converged=1)


def long_after(rotation, old, step, seen):
    """Let a process go on after its key was deleted as one that nobody took: it does not write that key any more."""
    results = []
    for seconds in (0, 16 * MINUTE, 16 * MINUTE):
        rotation.wait(seconds)
        results.append(rotation.run())
    held = rotation.holder.profile().get("aws_access_key_id", "")
    rotation.host.go_on()
    # Nothing can look and rename in one: between the two it is the next run that mends.
    if step != "os.rename":
        assert rotation.holder.profile().get("aws_access_key_id", "") == held, (seen, results)
    return len(results)


SENT = (0, 1, 2, 9, 4000, 9000, -600, -300, -200, -150, -120, -90, -60, -40, -20, -10, -3, -2, -1)
SAID = (0, 1, 2, 10, 17, 18, 19, 30, 60, 120, -60, -20, -10, -3, -2, -1)
CHANNEL = [("in", at) for at in SENT] + [("out", at) for at in SAID]
CHANNEL += [("noise", at) for at in range(len(NOISE))] + [("garbled", at) for at in range(len(GARBLED))]


@pytest.mark.parametrize(("phase", "how", "at"), sample("host channel", [(p, *c) for p, c in itertools.product(STEPS, CHANNEL)], 6))
def test_connection_cuts_or_adds(made, ledger, phase, how, at):
    """What does not arrive whole does nothing; and whatever becomes of the answer, the host is asked what it holds."""
    seen = f"SEED={SEED}, {phase}, {how} {at}"
    old = reach(made, phase)
    result = made.cut(Cut(how, at))
    keys, held = made.world.keys(), made.holder.profile().get("aws_access_key_id", "")
    assert not any(secret in str(result) for secret in made.secrets), seen
    if how != "in":
        assert "failed" not in result and keys == {key: "Active" for key in (old, held) if key}, (seen, result)
    elif phase == "first":
        assert "was deleted again" in result["failed"] and (keys, held) == ({}, ""), (seen, result)
    else:
        assert "both stay Active" in result["failed"] and (len(keys), held) == (2, old), (seen, result)
    runs = finish(made, old)
    assert left(made) == ([], []), seen
    ledger.add("A connection that cuts or changes what passes it", cases=1, faults=1, runs=runs + 1, converged=1)


@pytest.mark.parametrize(
    ("how", "at"), sample("host looks", [("in", -1), ("out", 0), ("out", 40), ("garbled", 1), ("garbled", 3), ("garbled", 4)], 2)
)
def test_no_key_is_made_for_a_host_that_does_not_answer_well(made, ledger, how, at):
    made.host = CutHost(made.path, made.scratch, Cut(how, at), do="probe")
    result = made.run()
    assert result["failed"].startswith("Could not read what is there: ") and "iam:CreateAccessKey" not in result["calls"], result
    made.host = CutHost(made.path, made.scratch)
    ledger.add("A connection that cuts or changes what passes it", cases=1, faults=1, runs=1 + finish(made, ""), converged=1)
