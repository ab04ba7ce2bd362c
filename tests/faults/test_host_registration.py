# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that end at every step of what makes them nodes: no activation stays, and the next run brings one node online."""

from __future__ import annotations

import stat
import sys

import pytest

from tests.faults.bench import SEED, sample
from tests.faults.host_cuts import CUTTER
from tests.integration.registration_site import Site

PASSWORD = "pr0xy-s3cr3t"
WRITE = ["open", "fcntl.flock", "open", "open", "os.chown", "os.chmod", "write", "write", "fsync", "after fsync", "os.rename",
         "open", "fsync", "after fsync", "answer", "answer", "flush", "after all"]  # fmt: skip
REGISTER = ["open", "fcntl.flock", "open", "open", "open", "open", "subprocess.Popen", "open", "open", "open", "open",
            "answer", "answer", "flush", "after all"]  # fmt: skip
"""What is opened before and after the agent registers: its vault, and its own note of it."""
SAID = WRITE.index("answer")
# systemd reads its units anew after a drop-in, and says what it says through two pipes.
COMMANDS = {"configuration": WRITE, "drop-in": ["os.mkdir", *WRITE[:SAID], "open", "open", *WRITE[SAID:]], "register": REGISTER}
CASES = [(command, at) for command, steps in COMMANDS.items() for at in range(len(steps))]


@pytest.fixture
def site(ministack, tmp_path):
    made = Site(ministack, tmp_path)
    made.install()
    yield made
    made.end()


def run(site, command="", at=-1):
    """Run with a Python that is killed at a step of what it is asked for."""
    path = {"configuration": site.config, "drop-in": site.drop_in}.get(command)
    settings = {"DO": "write" if path else command, "ABOUT": f'"path": "{path}"' if path else "", "AT": at, "HOW": "kill",
                "FOLDER": site.root, "LOG": site.scratch / "steps"}  # fmt: skip
    words = " ".join(f"CUT_{name}='{value}'" for name, value in settings.items())
    script = site.scratch / "python"
    script.write_text(f'#!/bin/sh\nexec env {words} {sys.executable} -I {CUTTER} "$@"\n')
    script.chmod(0o755)
    options = {"no_proxy": "127.0.0.1", "https_proxy": f"http://web:{PASSWORD}@127.0.0.1:9"}
    return site.result(task={"vars": {"ansible_python_interpreter": str(script)}}, **options)


def steps_of(site, command):
    (site.scratch / "steps").unlink(missing_ok=True)
    result = run(site, command)
    assert result.outcome == "ok", site.last
    return (site.scratch / "steps").read_text().split(",")


@pytest.mark.parametrize("command", sample("host registration steps", list(COMMANDS), 1))
def test_steps_of_an_undisturbed_run(site, command):
    assert steps_of(site, command) == COMMANDS[command]


@pytest.mark.parametrize(("command", "at"), sample("host registration", CASES, 3))
def test_ends_at_a_step(site, ledger, command, at):
    steps = COMMANDS[command]
    seen = f"SEED={SEED}, killed in {command} before step {at}: {steps[at]}"
    before = {path: path.read_text() if path.exists() else None for path in (site.config, site.drop_in)}
    result = run(site, command, at)
    told = steps[at] == "after all"  # the answer has come whole: the run goes on, and a file was all that it was about
    registered = told or (command == "register" and at > steps.index("subprocess.Popen"))
    assert site.activations() == [], seen
    assert bool(site.instance()) == registered and set(site.nodes()) == {site.instance()} - {""}, seen
    if command == "register":
        assert (result.outcome == "ok") == registered, (seen, result.msg)
        assert registered or ("Is the host out of memory" in result.msg and "activation is gone" in result.msg), (seen, result.msg)
    else:
        assert told or (result.outcome == "failed" and "ended with status" in result.msg), (seen, result.msg)
        path = {"configuration": site.config, "drop-in": site.drop_in}[command]
        now = path.read_text() if path.exists() else None
        assert (now == before[path]) == (at <= steps.index("os.rename")), seen
    for path in site.root.rglob("*"):
        if path.is_file() and path.suffix != ".log" and PASSWORD in path.read_text(errors="replace"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, (seen, path)
    again = run(site)
    assert again.outcome == "ok" and again.result["ping_status"] == "Online", (seen, again.msg)
    assert site.activations() == [] and set(site.nodes()) == {site.instance()}, seen
    assert PASSWORD in site.drop_in.read_text() and list(site.root.rglob("*hybridops-new")) == [], seen
    ledger.add("A host that ends at a step of its registration", cases=1, faults=1, runs=2, converged=1)
