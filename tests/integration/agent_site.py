# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host, which is this machine through ``connection: local``, with programs that stand for the agent's control script and systemd.

What is real here is the way from a task to the host and back. The agent's own behaviour is that of the tests on hosts.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from tests.support.playbook import HOST_PYTHON, run_playbook

CONTROL = """#!{python}
import os, pathlib, shutil, sys
root = pathlib.Path("{root}")
with open(root / "calls", "a") as calls:
    print(*sys.argv[1:], os.environ.get("AWS_REGION", "-"), file=calls)
etc, given = root / "etc", dict(zip(sys.argv[1::2], sys.argv[2::2]))
folder = etc / "amazon-cloudwatch-agent.d"
folder.mkdir(exist_ok=True)
for leftover in folder.glob("*.tmp"):
    leftover.unlink()
if (root / "broken").exists():
    (folder / "file_config.json.tmp").write_text("half")
    sys.stderr.write((root / "broken").read_text())
    sys.exit(1)
if given["-a"] == "remove-config":
    for found in folder.iterdir():
        found.unlink()
    (etc / "amazon-cloudwatch-agent.toml").unlink(missing_ok=True)
    sys.exit(0)
assert given["-m"] == "onPremise" and given["-a"] in ("fetch-config", "append-config")
kind, _, what = given["-c"].partition(":")
if kind == "ssm":
    content, name = (root / "parameter").read_bytes(), "ssm_" + what
else:
    content, name = pathlib.Path(what).read_bytes(), "file_" + os.path.basename(what)
if given["-a"] == "fetch-config":
    for found in folder.iterdir():
        found.unlink()
    (etc / "amazon-cloudwatch-agent.json").unlink(missing_ok=True)
(folder / name).write_bytes(content)
(etc / "amazon-cloudwatch-agent.toml").write_text("")
"""

SYSTEMCTL = """#!{python}
import json, os, pathlib, signal, subprocess, sys, time
state, calls = pathlib.Path("{root}/service"), open("{root}/calls", "a")
now = json.loads(state.read_text()) if state.exists() else {{"enabled": False, "pid": 0}}
verb = sys.argv[1]
if verb == "show":
    print("ActiveState=" + ("active" if now["pid"] else "inactive"), "SubState=" + ("running" if now["pid"] else "dead"),
          "MainPID=%d" % now["pid"], "UnitFileState=" + ("enabled" if now["enabled"] else "disabled"), sep="\\n")
    sys.exit(0)
print("systemctl", verb, file=calls)
if verb in ("stop", "restart") and now["pid"]:
    os.kill(now["pid"], signal.SIGKILL)
    now["pid"] = 0
if verb in ("start", "restart"):
    with open("{root}/logs/amazon-cloudwatch-agent.log", "a") as log:
        log.write(time.strftime("%Y-%m-%dT%H:%M:%SZ I! Starting AmazonCloudWatchAgent\\n", time.gmtime()))
    now["pid"] = subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, start_new_session=True).pid
if verb in ("enable", "disable"):
    now["enabled"] = verb == "enable"
state.write_text(json.dumps(now))
"""

PYTHON = """#!/bin/sh
echo run >>{root}/executions
exec {host_python} "$@"
"""


class AgentSite:
    """A host with a folder that the agent is installed in."""

    def __init__(self, scratch, emulator=None):
        self.scratch = scratch
        self.root = scratch / "agent"
        self.programs = scratch / "programs"
        self.emulator = emulator
        self.source = scratch / "kept" / "config.json"
        self.runs = 0
        for folder in (self.root / "bin", self.root / "etc", self.root / "logs", self.programs):
            folder.mkdir(parents=True)
        self._program(self.programs / "systemctl", SYSTEMCTL)
        self._program(self.programs / "python", PYTHON)
        (self.root / "bin" / "CWAGENT_VERSION").write_text("1.300071.0\n")
        (self.root / "etc" / "common-config.toml").write_text("# shipped\n")
        self.say("I! started")
        self.install()

    def install(self):
        self._program(self.root / "bin" / "amazon-cloudwatch-agent-ctl", CONTROL)

    def _program(self, path, text):
        path.write_text(text.format(python=sys.executable, host_python=HOST_PYTHON or sys.executable, root=self.root))
        path.chmod(0o755)

    def say(self, text, ago=0.0):
        """Write an entry to the agent's log."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago))
        with open(self.root / "logs" / "amazon-cloudwatch-agent.log", "a") as log:
            log.write(f"{moment} {text}\n")

    def run(self, *arguments, **options):
        """Run the task with options over those of the site; one that is None is left out."""
        return self.run_all([options], *arguments)[0]

    def run_all(self, several, *arguments):
        """Run a task for each of several options, one after the other, and return the results."""
        self.runs += 1
        self.executions_before = self.executions
        defaults = {"root": str(self.root), "config_path": str(self.source), "agent_region": "eu-west-1", "prove": False}
        tasks = []
        for number, options in enumerate(several):
            given = {name: value for name, value in {**defaults, **options}.items() if value is not None}
            tasks.append(
                {"name": f"agent {number}", "hybridops.aws_agents.cloudwatch_agent": given, "ignore_errors": number < len(several) - 1}
            )
        host = {"ansible_connection": "local", "ansible_python_interpreter": str(self.programs / "python")}
        environment = {"PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}"}
        if self.emulator:
            environment.update(self.emulator.environment())
        self.last = run_playbook(
            [{"hosts": "all", "gather_facts": False, "tasks": tasks}],
            self.scratch / f"run{self.runs}",
            arguments,
            {"all": {"hosts": {"web1": host}}},
            environment=environment,
        )
        return [self.last.task(task["name"]) for task in tasks]

    @property
    def executions(self):
        counted = self.root / "executions"
        return len(counted.read_text().splitlines()) if counted.exists() else 0

    @property
    def used(self):
        """How often the last run went to the host."""
        return self.executions - self.executions_before

    def calls(self):
        """Return what was called since the last time this was asked."""
        path = self.root / "calls"
        found = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line.replace(str(self.scratch), "") for line in found]

    @property
    def service(self):
        state = self.root / "service"
        return json.loads(state.read_text()) if state.exists() else {"enabled": False, "pid": 0}

    def configurations(self):
        folder = self.root / "etc" / "amazon-cloudwatch-agent.d"
        return {path.name: path.read_text() for path in folder.iterdir()} if folder.exists() else {}

    def common(self):
        return (self.root / "etc" / "common-config.toml").read_text()

    def close(self):
        if self.service["pid"]:
            os.kill(self.service["pid"], signal.SIGKILL)
