# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run that is watched: by ansible-playbook or ansible-runner, with all switched on that tells more, under a umask that hides nothing.

What a process starts, logs, makes and removes is written down by ``overheard``, which every Python of the run loads, the hosts' too. The
list of processes is looked at besides, for what a shell starts.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import venv
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Self, Sequence, Set, Tuple

from tests.faults.secret_search import Found, Search, Secret
from tests.support.playbook import SUPPORT, clean_environment

HERE = Path(__file__).parent
OVERHEARD = HERE / "overheard"
VAULT_PROMPT = "Vault password:\\s*?$"
"""What ansible-runner is told to answer, as AWX tells it."""
SUFFIX = ".hybridops-new"
"""Ends the name of the file that becomes the one beside it."""


def host_python(folder: Path) -> Path:
    """Make an interpreter for hosts, with the standard library alone, that writes down what it does. Return it."""
    venv.EnvBuilder(symlinks=True).create(folder)
    packages = next(folder.glob("lib/python*/site-packages"))
    loads = f"exec(compile(open({str(OVERHEARD / 'sitecustomize.py')!r}).read(), {str(OVERHEARD / 'sitecustomize.py')!r}, 'exec'))"
    (packages / "overheard_host.py").write_text(f"__file__ = {str(OVERHEARD / 'sitecustomize.py')!r}\n{loads}\n")
    # A distribution may have a sitecustomize of its own, which would come first.
    (packages / "overheard.pth").write_text("import overheard_host\n")
    return folder / "bin" / "python"


class Processes:
    """Looks at the list of processes, and at what they were started with, again and again."""

    def __init__(self) -> None:
        self.lines: Set[bytes] = set()
        self.environments: Set[bytes] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        looks: Dict[str, int] = {name: 9 for name in os.listdir("/proc") if name.isdigit()}
        while not self._end.wait(0.03):
            now = [name for name in os.listdir("/proc") if name.isdigit()]
            # A process is another one after exec, which comes soon.
            for name in [name for name in now if looks.get(name, 0) < 6]:
                looks[name] = looks.get(name, 0) + 1
                with suppress(OSError):
                    self.lines.add(Path(f"/proc/{name}/cmdline").read_bytes())
                    self.environments.add(Path(f"/proc/{name}/environ").read_bytes())
            looks = {name: looks[name] for name in now}


@dataclass
class Seen:
    """What a run left to be searched."""

    rc: int
    output: str
    places: Dict[str, bytes]
    notes: List[Dict[str, Any]] = field(repr=False, default_factory=list)
    removed: Dict[str, List[bytes]] = field(repr=False, default_factory=dict)
    allowed: Set[str] = field(default_factory=set)
    """Paths at which a secret may lie: those that somebody named."""

    @property
    def results(self) -> List[Dict[str, Any]]:
        """What tasks said."""
        lines = next(data for place, data in self.places.items() if place.endswith("results.jsonl")).splitlines()
        return [row["result"] for row in map(json.loads, lines) if "result" in row]

    def leaks(self, secrets: Sequence[Secret]) -> List[Found]:
        """Return what gives a secret away. What was given in the environment may be there."""
        found = []
        searches = {given: Search([each for each in secrets if not each.given or not given]) for given in (False, True)}
        for place, data in self.places.items():
            found += searches[place.startswith("environment")].find(place, data)
        return found

    def wide(self, secrets: Sequence[Secret], asked: Mapping[str, int]) -> List[str]:
        """Return which files that hold a secret others could open, at any time between their making and their end.

        :param asked: modes that were asked for, by path.
        """
        search = Search([secret for secret in secrets if not secret.given])
        told = []
        for life in self._lives():
            paths = [life["path"], *life["later"]]
            mode = next((asked[path] for path in map(becomes, paths) if path in asked), 0o600)
            wider = sorted({f"{each:04o}" for each in life["modes"] if each & 0o077 & ~mode})
            if wider and any(search.find("", content) for content in self._contents(life)):
                told.append(f"{paths[-1]}: mode {', '.join(wider)}, asked for {mode:04o}")
        return told

    def _contents(self, life: Mapping[str, Any]) -> List[bytes]:
        contents = [content for path in (life["path"], *life["later"]) for content in self.removed.get(path, ())]
        for path in (life["path"], *life["later"]):
            with suppress(OSError):
                if [os.lstat(path).st_dev, os.lstat(path).st_ino] == life["file"]:
                    contents.append(Path(path).read_bytes())
        return contents

    def _lives(self) -> List[Dict[str, Any]]:
        """Return the files of the run: each under the paths and with the modes it had."""
        lives: List[Dict[str, Any]] = []
        now: Dict[Tuple[int, int], Dict[str, Any]] = {}
        for row in sorted((row for row in self.notes if "file" in row), key=lambda row: row["at"]):
            key = (row["file"][0], row["file"][1])
            if key not in now:
                now[key] = {"path": row["path"], "file": row["file"], "modes": set(), "later": []}
                lives.append(now[key])
            life = now[key]
            life["modes"].add(row["mode"])
            if row["what"] == "mode":
                life["modes"].add(row["becomes"] & 0o777)
            if row["what"] == "moved":
                life["later"].append(row["to"])
            if row["path"] not in (life["path"], *life["later"]):
                life["later"].append(row["path"])
            if row["what"] == "removed":
                life["later"].append(row["as_named"])
                del now[key]
        return lives


def becomes(path: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, name[1 : -len(SUFFIX)]) if name.endswith(SUFFIX) else path


class Watched:
    """Runs playbooks in a folder of its own each.

    :param folder: for what runs leave.
    :param roots: what else is searched after each run: the hosts' files.
    :param allowed: paths at which a secret may lie.
    """

    def __init__(self, folder: Path, roots: Sequence[Path] = (), allowed: Sequence[Path] = ()) -> None:
        self._folder, self._roots = folder, list(roots)
        self.allowed = {str(path) for path in allowed}
        self.python = host_python(folder / "python")
        self._runs = 0

    def run(self, way: str, plays: Any, inventory: Mapping[str, Any], environment: Mapping[str, str], password: Optional[Path] = None,
            verbosity: int = 4, arguments: Sequence[str] = ()) -> Seen:  # fmt: skip
        """Run plays and return what is there to be searched.

        :param way: ``ansible-playbook`` or ``ansible-runner``.
        :param password: a file with the password of ansible-vault.
        :param verbosity: how many v; from five on, with Ansible's own debugging.
        """
        self._runs += 1
        scratch = self._folder / f"run{self._runs}"
        scratch.mkdir(parents=True)
        notes, removed = self._folder / f"notes{self._runs}", self._folder / f"removed{self._runs}"
        notes.mkdir()
        removed.mkdir()
        options = ["--diff", "-" + "v" * verbosity, *arguments]
        given = {
            "ANSIBLE_DEBUG_BOTOCORE_LOGS": "true",
            **clean_environment(scratch),
            **environment,
            "PYTHONPATH": _paths(OVERHEARD, environment.get("PYTHONPATH")),
            "OVERHEARD": str(notes),
            "OVERHEARD_HURRY": "1",
            "WATCH_REMOVED": str(removed),
            "ANSIBLE_LOG_PATH": str(scratch / "ansible.log"),
            "ANSIBLE_DISPLAY_TRACEBACK": "always",
            "ANSIBLE_SHOW_CUSTOM_STATS": "true",
            "ANSIBLE_CALLBACKS_ENABLED": "record,tree,junit" + (",tell" if "LEAKS" in environment else ""),
            "ANSIBLE_CALLBACK_TREE_DIR": str(scratch / "tree"),
            "JUNIT_OUTPUT_DIR": str(scratch / "junit"),
            "RECORD_RESULTS_TO": str(scratch / "results.jsonl"),
            **({"ANSIBLE_DEBUG": "1"} if verbosity > 4 else {}),
        }
        started = self._by_runner if way == "ansible-runner" else self._by_hand
        with Processes() as processes:
            done = started(scratch, plays, inventory, given, options, password)
        places = {"output": done.stdout + done.stderr, **self._files(scratch)}
        for root in self._roots:
            places.update(self._files(root))
        rows = [json.loads(line) for file in sorted(notes.iterdir()) for line in file.read_text().splitlines()]
        gone: Dict[str, List[bytes]] = {}
        for number, file in enumerate(sorted(removed.iterdir())):
            path, _newline, content = file.read_bytes().partition(b"\n")
            gone.setdefault(path.decode(), []).append(content)
            if self._searched(path.decode()):
                places[f"removed file {number}: {path.decode()}"] = content
        places.update(_told(rows), **_listed(processes))
        return Seen(done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace"), places, rows, gone, self.allowed)

    def _by_hand(self, scratch: Path, plays: Any, inventory: Mapping[str, Any], environment: Dict[str, str], options: Sequence[str],
                 password: Optional[Path]) -> subprocess.CompletedProcess[bytes]:  # fmt: skip
        for name, data in (("playbook.json", plays), ("inventory.json", inventory)):
            (scratch / name).write_text(json.dumps(data))
        environment.update(
            ANSIBLE_CACHE_PLUGIN="jsonfile", ANSIBLE_CACHE_PLUGIN_CONNECTION=str(scratch / "facts"), ANSIBLE_STDOUT_CALLBACK="whole",
            ANSIBLE_CALLBACK_PLUGINS=_paths(SUPPORT / "callback", HERE / "callback", environment.get("LEAKS")),
        )  # fmt: skip
        more = ["--vault-password-file", str(password)] if password else []
        command = [sys.executable, "-m", "ansible", "playbook", "-i", str(scratch / "inventory.json"), str(scratch / "playbook.json")]
        return _done([*command, *options, *more], environment)

    def _by_runner(self, scratch: Path, plays: Any, inventory: Mapping[str, Any], environment: Dict[str, str], options: Sequence[str],
                   password: Optional[Path]) -> subprocess.CompletedProcess[bytes]:  # fmt: skip
        data = scratch / "data"
        for name in ("project", "inventory", "env"):
            (data / name).mkdir(parents=True)
        (data / "project" / "main.json").write_text(json.dumps(plays))
        (data / "inventory" / "hosts.json").write_text(json.dumps(inventory))
        # As AWX has it, the vault's password is asked for.
        if password:
            (data / "env" / "passwords").write_text(json.dumps({VAULT_PROMPT: password.read_text()}))
            self.allowed.add(str(data / "env" / "passwords"))
            options = [*options, "--ask-vault-pass"]
        (data / "env" / "cmdline").write_text(" ".join(options))
        environment["ANSIBLE_CALLBACK_PLUGINS"] = _paths(SUPPORT / "callback", environment.get("LEAKS"))
        return _done([sys.executable, "-m", "ansible_runner", "run", str(data), "-p", "main.json", "-i", "one"], environment)

    def _files(self, root: Path) -> Dict[str, bytes]:
        found = {}
        for folder, _folders, names in os.walk(root):
            for path in (Path(folder) / name for name in names):
                if self._searched(str(path)) and stat.S_ISREG(path.lstat().st_mode):
                    # ansible-runner itself writes down the environment that it was started in.
                    kind = "environment, file" if path.match("artifacts/one/command") else "file"
                    found[f"{kind} {path.relative_to(self._folder.parent)}"] = path.read_bytes()
        return found

    def _searched(self, path: str) -> bool:
        return becomes(path) not in self.allowed


def _done(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=1800, umask=0)


def _told(rows: Sequence[Mapping[str, Any]]) -> Dict[str, bytes]:
    """Return what processes started and logged, as places; the one argument that a secret may be in is not among them."""
    lines = [
        b"\0".join(word.encode("utf-8", "surrogateescape") for word in row["words"]) for row in rows if row["what"] in ("is", "started")
    ]
    environments = [json.dumps(row["environment"]).encode() for row in rows if row.get("environment")]
    logged = [row["text"].encode("utf-8", "replace") for row in rows if row["what"] == "logged" and not row["memory"]]
    return {
        "arguments of what was started": b"\n".join(line for line in lines if not registers(line)),
        "environment of what was started": b"\n".join(environments),
        "log records": b"\n".join(logged),
    }


def _listed(processes: Processes) -> Dict[str, bytes]:
    return {
        "list of processes": b"\n".join(line for line in processes.lines if not registers(line)),
        "environment of processes": b"\n".join(processes.environments),
    }


def registers(line: bytes) -> bool:
    """Return whether a command line is that of SSM Agent, which takes an activation code in no other way."""
    return b"/usr/bin/amazon-ssm-agent\0-register\0-code\0" in line


def _paths(*paths: Any) -> str:
    return os.pathsep.join(str(path) for path in paths if path)
