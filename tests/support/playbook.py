# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run playbooks as a user does, in a process of their own with nothing of the user's environment."""

from __future__ import annotations

import atexit
import functools
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from .tree import collections_path
from .warm import Warm, suits

SUPPORT = Path(__file__).parent

_LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}

HOST_PYTHON = os.environ.get("HOST_PYTHON", "")
"""The Python of hosts, which may be older than that of the controller. Empty: the same one."""

HOST: Dict[str, Any] = {**_LOCAL, "ansible_python_interpreter": HOST_PYTHON or _LOCAL["ansible_python_interpreter"]}
"""What an inventory says of a host that is this machine."""

LOCALHOST: Dict[str, Any] = {"all": {"hosts": {"localhost": _LOCAL}}}
"""The inventory when a test gives none. Ansible would otherwise look for an interpreter and may find one without boto3."""


BY_MODULES: Dict[str, Any] = {
    "all": {"hosts": {"localhost": {"ansible_connection": "local", "ansible_python_interpreter": f"{sys.executable}3"}}}
}
"""The same Python by another name, so that tasks are not done in the controller's process: it takes it for another one."""

WAYS = {"in this process": LOCALHOST, "as a module": BY_MODULES}
"""The inventories by which a task of a module that has an action plugin for the controller is done in either way."""
OF_AMAZON_AWS = (
    "[DEPRECATION WARNING]: amazon.aws.",
    "[DEPRECATION WARNING]: Importing 'to_native' from 'ansible.module_utils._text' is deprecated.",
)
"""How deprecations begin that are none of ours: amazon.aws has modules in our group, and in version 10 that import. No file here has it."""


@dataclass(frozen=True)
class TaskResult:
    """What one task did on one host."""

    task: str
    host: str
    action: str
    outcome: str
    """``ok``, ``failed``, ``ignored``, ``unreachable`` or ``skipped``."""
    result: Dict[str, Any]

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))

    @property
    def msg(self) -> str:
        """What it says; of a loop that failed, what its failed items say."""
        items = [item for item in self.result.get("results", ()) if isinstance(item, dict) and item.get("failed")]
        return "; ".join(str(item.get("msg", "")) for item in items) or str(self.result.get("msg", ""))


@dataclass(frozen=True)
class Run:
    """What ``ansible-playbook`` did, said and returned."""

    rc: int
    stdout: str
    stderr: str
    tasks: List[TaskResult]
    stats: Dict[str, Dict[str, int]]
    """Per host the counts of the recap: ``ok``, ``changed``, ``failures``, ``unreachable`` …"""
    custom_stats: Dict[str, Any]

    def task(self, name: str, host: Optional[str] = None) -> TaskResult:
        """Return the only result of the task with this name (without its role's), on this host when one is given."""
        found = [task for task in self.tasks if name in (task.task, task.task.partition(" : ")[2]) and host in (None, task.host)]
        assert len(found) == 1, f"{len(found)} results of {name!r} among {[(task.task, task.host) for task in self.tasks]}\n{self}"
        return found[0]

    @property
    def changed(self) -> List[str]:
        """The names of the tasks that changed something."""
        return [task.task for task in self.tasks if task.changed]

    @property
    def failures(self) -> List[TaskResult]:
        return [task for task in self.tasks if task.outcome in ("failed", "unreachable")]

    @property
    def deprecations(self) -> List[str]:
        """What Ansible will remove and this collection uses."""
        return [line for line in self._marked("[DEPRECATION WARNING]") if not line.startswith(OF_AMAZON_AWS)]

    @property
    def warnings(self) -> List[str]:
        return self._marked("[WARNING]")

    def _marked(self, mark: str) -> List[str]:
        return [line for line in self.stdout.splitlines() + self.stderr.splitlines() if line.startswith(mark)]

    def ok(self) -> Run:
        """Return this run; fail the test with all its output when it failed or used what Ansible will remove."""
        assert self.rc == 0, str(self)
        assert not self.deprecations, str(self)
        return self

    def __str__(self) -> str:
        return f"rc={self.rc}\n{self.stdout}\n{self.stderr}"


def run_playbook(
    playbook: Union[str, Path, Sequence[Mapping[str, Any]]],
    scratch: Path,
    arguments: Sequence[str] = (),
    inventory: Union[Path, Mapping[str, Any], None] = None,
    extra_vars: Optional[Mapping[str, Any]] = None,
    environment: Optional[Mapping[str, str]] = None,
    timeout: float = 300,
    on_start: Optional[Callable[[int], None]] = None,
) -> Run:
    """Run a playbook and return what came of it, failed or not.

    :param playbook: a file, a playbook's collection name (``hybridops.aws_agents.site``), or a list of plays.
    :param scratch: a directory of the test's own; home, temporary files and inventory lie in it.
    :param arguments: more for the command line, for example ``["--check", "--diff"]``.
    :param inventory: a file, or an inventory as data. Default: localhost.
    :param environment: variables laid over the clean environment, for example ``emulator.environment()``.
    :param timeout: seconds until the run is ended and the test fails.
    :param on_start: called with the process id of the run as soon as it has one, see ``kill_session``.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    results = scratch / "results.jsonl"
    results.unlink(missing_ok=True)
    if not isinstance(playbook, (str, Path)):
        playbook = _written(scratch / "playbook.json", playbook)
    if not isinstance(inventory, Path):
        inventory = _written(scratch / "inventory.json", inventory or LOCALHOST)
    arguments = ["-i", str(inventory), str(playbook), *arguments]
    if extra_vars:
        arguments += ["-e", f"@{_written(scratch / 'extra_vars.json', extra_vars)}"]
    variables = {**clean_environment(scratch), "RECORD_RESULTS_TO": str(results), **(environment or {})}
    start = _warm().run if suits(variables, clean_environment(scratch)) else _cold
    rc, stdout, stderr = start(arguments, variables, timeout, on_start)
    rows = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    recap = rows.pop() if rows and "stats" in rows[-1] else {"stats": {}, "custom": {}}
    return Run(rc, stdout, stderr, [TaskResult(**row) for row in rows], recap["stats"], recap["custom"])


def _cold(
    arguments: Sequence[str], environment: Mapping[str, str], timeout: float, on_start: Optional[Callable[[int], None]]
) -> Tuple[int, str, str]:
    with subprocess.Popen(
        [sys.executable, "-m", "ansible", "playbook", *arguments],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=on_start is not None,
    ) as process:
        if on_start:
            on_start(process.pid)
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return process.returncode, stdout, stderr


@functools.lru_cache(maxsize=1)
def _warm() -> Warm:
    folder = Path(tempfile.mkdtemp(prefix="aws_agents-warm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Warm(clean_environment(folder))


def kill_session(pid: int, number: int = signal.SIGKILL) -> List[int]:
    """Send a signal to a run and all processes that it has, as if its machine lost its power. Return their ids.

    What runs on by itself, as a service that the run started, is not the run's any more.
    """
    found: List[int] = []
    while new := [process for process in _below(pid) if process not in found]:
        found += new
        # Whoever stands still starts nobody.
        for process in new:
            _send(process, signal.SIGSTOP)
    for process in found:
        _send(process, number)
        _send(process, signal.SIGCONT)
    return found


def _below(pid: int) -> List[int]:
    """Return the process and all that descend from it."""
    children: Dict[int, List[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            children.setdefault(int(entry.read_text().rpartition(")")[2].split()[1]), []).append(int(entry.parent.name))
    found, at = [pid], 0
    while at < len(found):
        found += children.get(found[at], [])
        at += 1
    return found


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def run_task(module: str, options: Mapping[str, Any], scratch: Path, arguments: Sequence[str] = (), **more: Any) -> TaskResult:
    """Run one task on localhost and return its result, failed or not. ``more`` goes to ``run_playbook``."""
    task = {"name": "task", module: dict(options)}
    run = run_playbook([{"name": "play", "hosts": "localhost", "gather_facts": False, "tasks": [task]}], scratch, arguments, **more)
    assert not run.deprecations, str(run)
    return run.task("task")


def clean_environment(scratch: Path) -> Dict[str, str]:
    """Return the environment of a run: where things are, strict settings, nothing of the user's."""
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "HOME": str(scratch / "home"),
        "TMPDIR": _short(_directory(scratch / "tmp")),
        "LC_ALL": "C.UTF-8",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "ANSIBLE_CONFIG": str(SUPPORT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(collections_path()),
        "ANSIBLE_CALLBACK_PLUGINS": str(SUPPORT / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "record",
        "ANSIBLE_LOCAL_TEMP": _directory(scratch / "home" / "local"),
        "ANSIBLE_REMOTE_TEMP": _directory(scratch / "home" / "remote"),
        # Facts and templates that mistake data for code are faults of ours, not warnings.
        "_ANSIBLE_TEMPLAR_UNTRUSTED_TEMPLATE_BEHAVIOR": "error",
    }


def _short(directory: str) -> str:
    """Return a link to the directory. A run of ansible-core 2.21 has a socket there, whose path must be shorter than 108 characters."""
    link = _links() / hashlib.sha256(directory.encode()).hexdigest()[:12]
    with suppress(FileExistsError):
        link.symlink_to(directory)
    return str(link)


@functools.lru_cache(maxsize=1)
def _links() -> Path:
    place = Path(tempfile.mkdtemp(prefix="links-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


def _directory(path: Path) -> str:
    path.mkdir(parents=True, exist_ok=True)
    return str(path)


def _written(path: Path, data: Any) -> Path:
    path.write_text(json.dumps(data, indent=1))
    return path
