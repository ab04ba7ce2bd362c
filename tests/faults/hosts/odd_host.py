# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host on which much is not as it should be: file systems, accounts, interpreters, and an sshd of its own for whoever loses it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Dict

from tests.support.systemd_hosts import PODMAN, Hosts

ROOT = "/srv"
"""Where each case has a folder of its own."""
TOOLS = "/opt/odd"
CUTTER = Path(__file__).resolve().parents[1] / "cut_python.py"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_OLD = "import sys; sys.version_info = (3, 6, 9); code = sys.argv[-1]; exec(code)"
_BARE = "import sys; sys.modules['json'] = None; code = sys.argv[-1]; exec(code)"


class OddHost:
    """One container.

    :param hosts: running ones, of which the first is taken.
    """

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self.host = hosts.hosts[0]
        found = ("{{.State.Pid}}", "{{.NetworkSettings.IPAddress}}")
        self._pid, self.address = (_run(*PODMAN, "inspect", "--format", what, self.host.name).strip() for what in found)
        self.shell(
            "which sudo faketime >/dev/null || (apt-get update -qq && DEBIAN_FRONTEND=noninteractive "
            "apt-get install -qq -y --no-install-recommends sudo faketime) >/dev/null 2>&1"
        )
        # All cases come at once.
        self.shell("echo MaxStartups 100 > /etc/ssh/sshd_config.d/many.conf; kill -HUP $(cat /run/sshd.pid)")
        self.shell(f"mkdir -p {TOOLS}; cat > {TOOLS}/cut_python.py <<'END'\n{CUTTER.read_text()}\nEND")
        for name, does in {
            "late": "faketime -f -5m python3",
            "early": "faketime -f +5m python3",
            "old": f"python3 -c '{_OLD}'",
            "bare": f'python3 -c "{_BARE}"',
        }.items():
            self.tool(name, f'exec {does} "$@"')

    def shell(self, script: str) -> str:
        """Run a script past ssh and Ansible, with the rights of this machine's root: the container's may mount nothing."""
        return _run("nsenter", "--target", self._pid, "--all", "env", "-i", f"PATH={_PATH}", "sh", "-ec", script)

    def tool(self, name: str, script: str) -> str:
        """Make a program and return its path."""
        path = f"{TOOLS}/{name}"
        self.shell(f"cat > {path} <<'END'\n#!/bin/sh\n{script}\nEND\nchmod 755 {path}")
        return path

    def account(self, name: str, sudoers: str = "") -> None:
        """Make an account that the key of the tests opens, with lines of its own in sudoers."""
        self.shell(
            f"useradd --create-home --shell /bin/bash {name} && install -d -o {name} /home/{name}/.ssh && "
            f"install -o {name} /root/.ssh/authorized_keys /home/{name}/.ssh/authorized_keys"
        )
        self.sudoers(name, sudoers)

    def sudoers(self, name: str, lines: str) -> None:
        self.shell(f"cat > /etc/sudoers.d/{name} <<'END'\n{lines}\nEND\n")

    def sshd(self, port: int) -> None:
        """Start an sshd that one case alone is reached by."""
        self.shell(f"/usr/sbin/sshd -p {port} -o PidFile=/run/sshd-{port}.pid")

    @staticmethod
    def hang_up(port: int, for_good: bool = True) -> str:
        """Return the script that ends the connections of an sshd, and the sshd as well."""
        own = "kill -9 $p; " if for_good else ""
        return f"p=$(cat /run/sshd-{port}.pid); c=$(cat /proc/$p/task/$p/children); {own}kill -9 $c"

    def reached(self, **variables: Any) -> Dict[str, Any]:
        """Return the variables of a host in the inventory, which is this one."""
        plain: Dict[str, Any] = next(iter(self._hosts.inventory()["all"]["children"]["onprem"]["hosts"].values()))
        return {**plain, "ansible_host": self.address, "ansible_port": 22, **variables}


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout
