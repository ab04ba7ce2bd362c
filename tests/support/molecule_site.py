# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Molecule scenario needs beside its hosts, as a process of its own that outlives the playbook which starts it.

That is an emulator that enforces IAM, a recording proxy before it, a server of packages and, for hosts that reach nothing else, a proxy
that ends TLS. ``python -m tests.support.molecule_site start|stop|mark|age|state DIRECTORY``; everything lies in that directory.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

from . import iam_state, molecule_parts
from .calls_seen import aged, noted, received
from .emulators import Credentials, Emulator, Ministack
from .recording_proxy import Call, Forward, RecordingProxy, Response

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0
STOP_SECONDS = 20.0
REREAD_SECONDS = 3.0
"""How long the agents of a scenario use a key before they read it again. Amazon's takes ten minutes."""


class SiteError(Exception):
    """The site did not start, or is not there. The text says what to look at."""


class Files:
    """The files of a site."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self.facts = self.directory / "site.json"
        self.operator = self.directory / "operator"
        """A credentials file: the keys that the controller acts with."""
        self.calls = self.directory / "calls.jsonl"
        self.age = self.directory / "age.json"
        self.log = self.directory / "log"

    def read(self) -> Dict[str, Any]:
        if not self.facts.exists():
            raise SiteError(f"There is no site in {self.directory}. `molecule create` starts one.")
        facts: Dict[str, Any] = json.loads(self.facts.read_text())
        return facts


# What goes by


class Recorder:
    """Writes a line about each call, and makes keys look as old as a scenario wants them."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._lock = threading.Lock()

    def handler(self, way: str) -> Any:
        """Return a handler that notes the way by which calls came."""

        def handle(call: Call, forward: Forward) -> Response:
            answer = forward()
            if call.operation == "ListAccessKeys" and self._files.age.exists():
                age = json.loads(self._files.age.read_text())
                answer = Response(answer.status, answer.headers, aged(answer.body, age["days"], age["made_before"]))
            self._write({"way": way, "status": answer.status, **noted(call)})
            return answer

        return handle

    def _write(self, line: Mapping[str, Any]) -> None:
        with self._lock, self._files.calls.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"time": time.time(), **line}) + "\n")


# Life


def serve(files: Files, address: str, sealed: bool) -> None:
    """Be the site until a signal comes or the directory is gone.

    :param address: where the hosts reach the controller.
    :param sealed: the hosts reach nothing but a proxy that ends TLS.
    """
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    with contextlib.ExitStack() as stack:
        facts = {"pid": os.getpid(), **_open(stack, files, address, sealed)}
        _write_whole(files.facts, json.dumps(facts, indent=1))
        while files.facts.exists():
            time.sleep(0.5)


def _open(stack: contextlib.ExitStack, files: Files, address: str, sealed: bool) -> Dict[str, Any]:
    from .tls_proxy import TlsProxy

    emulator = stack.enter_context(Ministack())
    recorder = Recorder(files)
    inside = "127.0.0.1" if sealed else address
    proxy = stack.enter_context(RecordingProxy(emulator.endpoint_url, host=inside, handler=recorder.handler("direct")))
    _write_operator(files.operator, emulator.operator())
    facts = {
        "region": emulator.region,
        "account": emulator.account,
        "endpoint_url": proxy.url,
        **molecule_parts.packages(stack, files.directory, inside, REREAD_SECONDS),
        "kms_key": emulator.client("kms").create_key(Description="of the scenario")["KeyMetadata"]["Arn"],
    }
    if sealed:
        behind = stack.enter_context(RecordingProxy(emulator.endpoint_url, handler=recorder.handler("tunnel")))
        tunnels = stack.enter_context(TlsProxy(behind.url, files.directory / "authority", host=address))
        facts.update(proxy_url=tunnels.url, authority=str(tunnels.authority.certificate))
    return facts


def _write_operator(path: Path, operator: Credentials) -> None:
    lines = ["[default]", f"aws_access_key_id = {operator.access_key_id}", f"aws_secret_access_key = {operator.secret_access_key}"]
    _write_whole(path, "\n".join(lines) + "\n")


def _write_whole(path: Path, text: str) -> None:
    """Write a file that nobody else may read, and that is there whole or not at all."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.rename(path)


def start(files: Files, address: str, sealed: bool) -> Dict[str, Any]:
    """Start the site as a process of its own; return what it says of itself once it is there."""
    if files.facts.exists():
        raise SiteError(f"A site runs in {files.directory}. `molecule destroy` ends it.")
    # What another time left there would be taken for what happens now.
    shutil.rmtree(files.directory, ignore_errors=True)
    files.directory.mkdir(parents=True, mode=0o700)
    files.calls.write_text("")
    command = [sys.executable, "-m", __spec__.name, "serve", str(files.directory), "--address", address, *(["--sealed"] if sealed else [])]
    # The scenario's own AWS settings name a profile that the site is yet to write.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with files.log.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    deadline = time.monotonic() + START_SECONDS
    while not files.facts.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise SiteError(f"The site did not start. {files.log} ends so:\n" + "\n".join(files.log.read_text().splitlines()[-20:]))
        time.sleep(0.05)
    return files.read()


def stop(files: Files) -> bool:
    """End the site; return whether there was one."""
    if not files.facts.exists():
        return False
    pid = int(files.read()["pid"])
    running = _is_site(pid, files.directory)
    if running:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while _is_site(pid, files.directory):
            if time.monotonic() > deadline:
                raise SiteError(f"Process {pid} did not end within {STOP_SECONDS:.0f} s. See {files.log}.")
            time.sleep(0.05)
    files.facts.unlink()
    files.operator.unlink(missing_ok=True)
    return running


def _is_site(pid: int, directory: Path) -> bool:
    """Return whether the process with this number is the site, and not one that got the number later."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return str(directory).encode() in words


# Questions


def mark(files: Files, name: str) -> None:
    """Divide the calls into those before and those after this moment."""
    with files.calls.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({"mark": name}) + "\n")


def age(files: Files, days: float) -> None:
    """Make each key that there is look so many days older. Keys that are made later look new."""
    now = datetime.datetime.now(datetime.UTC)
    _write_whole(files.age, json.dumps({"days": days, "made_before": now.isoformat()}))


def state(files: Files) -> Dict[str, Any]:
    """Return what AWS holds and what it received. Read by boto3 as the operator, apart from the collection."""
    facts = files.read()
    aws = _Account(facts, files.operator)
    held, parameters = iam_state.of(aws), aws.client("ssm").describe_parameters()["Parameters"]
    for name, user in held["users"].items():
        user["access_keys"] = _keys(aws, name)
    return {
        **held,
        **molecule_parts.nodes(aws),
        **received(_lines(files.calls), aws.root.access_key_id),
        "parameters": {each["Name"]: {"type": each["Type"], "key": each.get("KeyId", "")} for each in parameters},
    }


class _Account(Emulator):
    """The emulator of another process."""

    def __init__(self, facts: Mapping[str, Any], operator: Path) -> None:
        super().__init__()
        self.endpoint_url, self.account = facts["endpoint_url"], facts["account"]
        words = dict(line.split(" = ") for line in operator.read_text().splitlines()[1:])
        self.root = Credentials(words["aws_access_key_id"], words["aws_secret_access_key"])


def _keys(aws: Emulator, user: str) -> List[Dict[str, Any]]:
    listed = aws.client("iam").list_access_keys(UserName=user)["AccessKeyMetadata"]
    return [
        {"id": key["AccessKeyId"], "status": key["Status"]}
        for key in sorted(listed, key=lambda key: (key["CreateDate"], key["AccessKeyId"]))
    ]


def _lines(path: Path) -> Iterator[Dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="molecule_site", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("start", "serve", "stop", "mark", "age", "state"):
        command = commands.add_parser(name)
        command.add_argument("directory", type=Path)
        if name in ("start", "serve"):
            command.add_argument("--address", default="127.0.0.1", help="where the hosts reach this machine")
            command.add_argument("--sealed", action="store_true", help="they reach nothing but a proxy there that ends TLS")
        elif name == "mark":
            command.add_argument("name")
        elif name == "age":
            command.add_argument("days", type=float)
    given = parser.parse_args(arguments)
    files = Files(given.directory)
    try:
        answer = _do(files, given)
    except SiteError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if answer is not None:
        sys.stdout.write(json.dumps(answer) + "\n")
    return 0


def _do(files: Files, given: argparse.Namespace) -> Any:
    if given.command == "start":
        return start(files, given.address, given.sealed)
    if given.command == "serve":
        return serve(files, given.address, given.sealed)
    if given.command == "stop":
        return {"stopped": stop(files)}
    if given.command == "mark":
        return mark(files, given.name)
    if given.command == "age":
        return age(files, given.days)
    return state(files)


if __name__ == "__main__":
    sys.exit(main())
