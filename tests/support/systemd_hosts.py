# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts as on premises: systemd as process 1, a real sshd, Python, and nothing of AWS. Each runs in a podman container."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, List, Optional, Self, Sequence, Type, Union

SUITES = ("bookworm", "trixie")
"""Debian 12, whose apt brings gpgv, and Debian 13, whose apt brings sqv in its place."""
PACKAGES = ("systemd", "systemd-sysv", "dbus", "openssh-server", "python3", "ca-certificates")
PODMAN = ("podman", "--runtime", "runc", "--cgroup-manager=cgroupfs")
LABEL = "hybridops.aws_agents.tests"
BRIDGE_ADDRESS = "02:68:6f:73:74:73"
"""Of podman's bridge, in the range for addresses that people choose."""
BOOT_SECONDS = 60.0


class HostError(Exception):
    """Hosts could not be made. The text says which command failed, and what it said."""


@dataclass(frozen=True)
class Host:
    name: str
    port: int
    """On 127.0.0.1, where its sshd answers."""

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the host as root, past ssh and Ansible."""
        return _run(*PODMAN, "exec", self.name, *command, check=check)


class Hosts:
    """Running hosts. Use it as a context manager.

    :param wanted: how many, or the suite of each: ``["bookworm", "trixie"]``.
    :param suite: Debian's suite of all of them when ``wanted`` is a number.
    """

    def __init__(self, wanted: Union[int, Sequence[str]], suite: str = SUITES[0]) -> None:
        self._suites = [suite] * wanted if isinstance(wanted, int) else list(wanted)
        self._scratch = Path()
        self.hosts: List[Host] = []
        self.controller_address = ""
        """Where a host finds a server of the controller's that listens on this very address, not on 127.0.0.1."""

    def __enter__(self) -> Self:
        _remove_leftovers()
        images = {suite: make_image(suite) for suite in self._suites}
        self._scratch = Path(tempfile.mkdtemp(prefix="aws_agents-hosts-"))
        try:
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tests", "-f", str(self.key))
            for number, suite in enumerate(self._suites, 1):
                self.hosts.append(self._start(f"aws-agents-{secrets.token_hex(4)}-{number}", images[suite]))
            self.controller_address = keep_bridge_address()
            for host in self.hosts:
                _wait_until_running(host)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()

    def close(self) -> None:
        """Remove the hosts and the key."""
        _remove([host.name for host in self.hosts])
        self.hosts = []
        shutil.rmtree(self._scratch, ignore_errors=True)

    @property
    def key(self) -> Path:
        """The private key, made for this run, with which root of each host is reached."""
        return self._scratch / "key"

    def inventory(self, group: str = "onprem") -> Dict[str, Any]:
        """Return an inventory of localhost and, in ``group``, the hosts, named ``host1``, ``host2`` …"""
        reached = {
            "ansible_host": "127.0.0.1",
            "ansible_user": "root",
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes",
            "ansible_ssh_pipelining": True,
            # The socket's path must be short, and a test's own folder is deep.
            "ansible_control_path_dir": str(self._scratch),
        }
        hosts = {f"host{number}": {**reached, "ansible_port": host.port} for number, host in enumerate(self.hosts, 1)}
        local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        return {"all": {"hosts": {"localhost": local}, "children": {group: {"hosts": hosts}}}}

    def _start(self, name: str, image: str) -> Host:
        # The default limits of podman cannot be set on every machine, hence the explicit ones.
        limits = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000")
        key = ("--volume", f"{self.key}.pub:/root/.ssh/authorized_keys:ro")
        mine = ("--name", name, "--hostname", name, "--label", f"{LABEL}={os.getpid()}")
        sshd = ("--publish", "127.0.0.1::22")
        _run(*PODMAN, "run", "--detach", "--systemd=always", *limits, *key, *mine, *sshd, image, "/lib/systemd/systemd")
        return Host(name, int(_run(*PODMAN, "port", name, "22/tcp").stdout.rpartition(":")[2]))


def _wait_until_running(host: Host) -> None:
    deadline = time.monotonic() + BOOT_SECONDS
    state = ""
    while time.monotonic() < deadline:
        # sshd accepts connections before it lets anybody in; systemd knows when that is.
        state = host.run("systemctl", "is-system-running", check=False).stdout.strip()
        if state in ("running", "degraded") and host.run("systemctl", "is-active", "--quiet", "ssh", check=False).returncode == 0:
            return
        time.sleep(0.2)
    failed = host.run("systemctl", "--failed", "--no-legend", check=False).stdout
    raise HostError(f"{host.name} was not running after {BOOT_SECONDS:.0f} s: {state}. Failed units:\n{failed}")


def keep_bridge_address() -> str:
    """Fix the hardware address of podman's bridge, and return the bridge's IP address. To be called once a container runs on it.

    Left alone, the bridge takes its address from one of the containers on it. With each that comes or goes it may change, and then the
    others speak to nobody until they have forgotten the old one, half a minute long.
    """
    network = json.loads(_run(*PODMAN, "network", "inspect", "podman").stdout)[0]
    _run("ip", "link", "set", "dev", network["network_interface"], "address", BRIDGE_ADDRESS)
    return str(network["subnets"][0]["gateway"])


def make_image(suite: str = SUITES[0]) -> str:
    """Return the name of the image of a suite of Debian's; make it when podman does not hold it yet."""
    recipe = hashlib.sha256(" ".join((suite, *PACKAGES)).encode()).hexdigest()[:12]
    image = f"localhost/hybridops-aws-agents-{suite}:{recipe}"
    if _run(*PODMAN, "image", "exists", image, check=False).returncode == 0:
        return image
    sys.stderr.write(f"Making the image {image} with debootstrap (once; one to three minutes)\n")
    # Not below /tmp, which may be in memory, or forbid the device files and programs that debootstrap makes and runs.
    with tempfile.TemporaryDirectory(prefix="aws_agents-", dir="/var/tmp") as scratch:
        root, packed = Path(scratch) / "root", Path(scratch) / "packed.tar"
        _run("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", suite, str(root))
        shutil.rmtree(root / "var/cache/apt/archives", ignore_errors=True)
        _run("tar", "-C", str(root), "-cf", str(packed), ".")
        _run(*PODMAN, "import", "--quiet", str(packed), image)
    return image


def _remove_leftovers() -> None:
    """Remove hosts of test runs that were killed before they could."""
    listed = _run(*PODMAN, "ps", "--all", "--filter", f"label={LABEL}", "--format", "json").stdout
    dead = [row["Names"][0] for row in json.loads(listed or "[]") if not Path(f"/proc/{row['Labels'][LABEL]}").exists()]
    _remove(dead)


def _remove(names: List[str]) -> None:
    if names:
        _run(*PODMAN, "rm", "--force", "--time", "0", "--volumes", *names)


def _run(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise HostError(f"{command[0]} is not installed. `make hosts` installs it on Debian, as root.") from error
    if check and done.returncode != 0:
        raise HostError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done


if __name__ == "__main__":
    # Before the tests, since pytest would keep the message of a long wait to itself.
    for name in SUITES:
        make_image(name)
