# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host in a folder: this machine, with the folder in place of ``/`` for all that concerns the SSM agent.

The agent is the tests' stand-in. The connection is the local one, which puts the folder in front of the paths that the host is asked
about; systemctl is a script that knows one service.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.support.playbook import HOST, run_playbook

ROLE = "SSMServiceRole"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
STAND_IN = Path(__file__).resolve().parents[1] / "ssm_agent"

CONNECTION = """
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local
import os
DOCUMENTATION = "name: folder\\nshort_description: local, in a folder\\ndescription: x\\nauthor: x\\noptions: {}\\n"
PLACES = ("/etc/amazon/", "/etc/systemd/", "/var/lib/amazon/", "/var/log/amazon/", "/usr/bin/amazon-ssm-agent", "/snap/amazon-ssm-agent/")
class Connection(Local):
    transport = "folder"
    def exec_command(self, cmd, in_data=None, sudoable=True):
        root, when = os.environ["HOST_ROOT"], os.environ.get("DROPS", "")
        for place in PLACES if in_data else ():
            in_data = in_data.replace(b'"' + place.encode(), b'"' + (root + place).encode())
        registers = b'"do": "register"' in (in_data or b"")
        if os.path.exists(root + "/down"):
            raise AnsibleConnectionFailure("no route to host")
        with open(root + "/executions", "a") as log:
            log.write("1\\n")
        answer = super().exec_command(cmd, in_data, sudoable)
        if registers and when:
            if when == "gone":
                open(root + "/down", "w").close()
            raise AnsibleConnectionFailure("connection dropped")
        return answer
    def reset(self):
        pass
"""

AGENT = """#!{python}
import os, sys
os.environ["STAND_IN_ROOT"] = "{root}"
sys.path.insert(0, "{stand_in}")
from stand_in.agent import main
sys.exit(main(sys.argv[1:]))
"""

SYSTEMCTL = """#!{python}
import os, re, signal, subprocess, sys, time
root = "{root}"
pid, enabled, unit = root + "/pid", root + "/enabled", root + "/etc/systemd/system/amazon-ssm-agent.service.d/hybridops.conf"
def process():
    try:
        number = int(open(pid).read())
        os.kill(number, 0)
        state = open(f"/proc/{{number}}/stat").read().rpartition(")")[2].split()[0]
        return number if state != "Z" else 0
    except (OSError, ValueError):
        return 0
def stop():
    number = process()
    if number:
        os.kill(number, signal.SIGTERM)
        while process():
            time.sleep(0.05)
def start():
    text = open(unit).read() if os.path.exists(unit) else ""
    more = dict(re.findall(r'Environment="(\\w+)=([^"]*)"', text))
    log = open(root + "/daemon.log", "a")
    clean = {{name: value for name, value in os.environ.items() if not name.startswith("AWS_")}}
    made = subprocess.Popen([root + "/usr/bin/amazon-ssm-agent"], env=dict(clean, **more), stdin=subprocess.DEVNULL,
                            stdout=log, stderr=log, start_new_session=True)
    open(pid, "w").write(str(made.pid))
verb = sys.argv[1]
with open(root + "/turned", "a") as log:
    log.write(verb + "\\n")
if verb == "show":
    print("ActiveState=" + ("active" if process() else "inactive"))
    print("MainPID=" + str(process()))
    print("UnitFileState=" + ("enabled" if os.path.exists(enabled) else "disabled"))
elif verb == "enable":
    open(enabled, "w").close()
elif verb == "disable":
    os.path.exists(enabled) and os.unlink(enabled)
elif verb == "start":
    process() or start()
elif verb == "stop":
    stop()
elif verb == "restart":
    stop(); start()
elif verb != "daemon-reload":
    sys.exit(5)
"""


class Site:
    """One host, one role, one emulator."""

    def __init__(self, emulator, scratch):
        self.emulator = emulator
        self.ssm = emulator.client("ssm")
        self.scratch = scratch
        self.root = scratch / "host"
        self.vault = self.root / "var/lib/amazon/ssm/Vault/Store/RegistrationKey"
        self.config = self.root / "etc/amazon/ssm/amazon-ssm-agent.json"
        self.drop_in = self.root / "etc/systemd/system/amazon-ssm-agent.service.d/hybridops.conf"
        self.credentials = self.root / "shared" / "credentials"
        self.endpoint = emulator.endpoint_url
        self.runs = 0
        iam = emulator.client("iam")
        iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
        iam.attach_role_policy(RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")

    def install(self):
        """Install the agent as its package does, which starts it at once."""
        filled = {"python": sys.executable, "root": self.root, "stand_in": STAND_IN}
        for path, text in ((self.root / "usr/bin/amazon-ssm-agent", AGENT), (self.root / "bin/systemctl", SYSTEMCTL)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(**filled))
            path.chmod(0o755)
        for folder in ("etc/amazon/ssm", "etc/systemd/system", "var/lib/amazon/ssm", "var/log/amazon/ssm"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        template = (STAND_IN / "etc" / "amazon-ssm-agent.json.template").read_text()
        self.config.with_name("amazon-ssm-agent.json.template").write_text(template)
        (self.root / "enabled").touch()

    def run(self, arguments=(), environment=None, task=None, **options):
        self.runs += 1
        plugins = self.scratch / "connections"
        plugins.mkdir(exist_ok=True)
        (plugins / "folder.py").write_text(CONNECTION)
        options = {"iam_role": ROLE, "agent_config": {"Ssm": {"Endpoint": self.endpoint}}, "verify_timeout": "30s", **options}
        options = {name: value for name, value in options.items() if value is not None}
        play = {"hosts": "all", "gather_facts": False,
                "tasks": [{"name": "register", "hybridops.aws_agents.ssm_registration": options, **(task or {})}]}  # fmt: skip
        inventory = {"all": {"hosts": {"web1": {**HOST, "ansible_connection": "folder"}}}}
        variables = {
            **self.emulator.environment(), "ANSIBLE_CONNECTION_PLUGINS": str(plugins), "HOST_ROOT": str(self.root),
            "PATH": f"{self.root}/bin:{Path(sys.executable).parent}:{os.environ['PATH']}", **(environment or {}),
        }  # fmt: skip
        self.root.mkdir(exist_ok=True)
        (self.root / "executions").unlink(missing_ok=True)
        self.last = run_playbook([play], self.scratch / f"run{self.runs}", arguments, inventory, environment=variables)
        return self.last

    def result(self, *arguments, **options):
        return self.run(*arguments, **options).task("register")

    def executions(self):
        """How often the host was asked to run something in the last run."""
        return len((self.root / "executions").read_text().splitlines())

    def turned(self):
        """The verbs that systemctl was given since the last time, without those that only look."""
        log = self.root / "turned"
        verbs = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return [verb for verb in verbs if verb != "show"]

    def instance(self):
        return json.loads(self.vault.read_text())["instanceID"] if self.vault.exists() else ""

    def nodes(self):
        return {node["InstanceId"]: node for node in self.ssm.describe_instance_information()["InstanceInformationList"]}

    def activations(self):
        return [found["ActivationId"] for found in self.ssm.describe_activations()["ActivationList"]]

    def end(self):
        """End the daemon, if there is one."""
        with suppress(OSError, ValueError):
            os.kill(int((self.root / "pid").read_text()), signal.SIGTERM)
            time.sleep(0.2)
