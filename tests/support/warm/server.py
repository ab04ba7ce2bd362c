# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The processes that have imported everything, and fork. Started by ``Warm``, never imported.

The one for playbooks holds Ansible as on a controller. The one for modules holds what is outside the payloads that Ansible sends, boto3
above all, and remembers what it compiled of payloads, whose code is read from them each time.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import json
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import types
from pathlib import Path
from types import CodeType
from typing import Any, Callable, Dict, Mapping

PARENT_DIES = 1
"""PR_SET_PDEATHSIG of <sys/prctl.h>."""
Request = Mapping[str, Any]
Runner = Callable[[Request], None]
CLIENT = """#!{python} -IS
import array, json, os, signal, socket, sys
arguments = sys.argv[1:]
known = not arguments or (len(arguments) == 1 and arguments[0][:1] == "/") or (len(arguments) == 3 and arguments[:2] == ["-I", "-c"])
if not known:
    os.execv({python!r}, [{python!r}, *arguments])
place = socket.socket(socket.AF_UNIX)
place.connect({place!r})
place.sendmsg([b"\\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
mask = os.umask(0)
request = dict(arguments=arguments, environment=dict(os.environ), cwd=os.getcwd(), mask=mask)
place.sendall(json.dumps(request).encode() + b"\\n")
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _frame: place.sendall(b"%d\\n" % number))
status = int(place.makefile().readline() or 137)
if status < 0:
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
"""


def main() -> None:
    # The script's own directory would let its neighbours shadow what is imported.
    del sys.path[0]
    scratch = tempfile.mkdtemp(prefix="aws_agents-warm-")
    name = f"aws_agents-{os.getpid()}-"
    client = Path(scratch) / "python3"
    client.write_text(CLIENT.format(python=sys.executable, place=f"\0{name}modules"))
    client.chmod(0o755)
    parent = os.getpid()
    ready = [
        _fork(lambda written: _serve(name + "modules", _prepare_modules(scratch), written), parent),
        _fork(lambda written: _serve(name + "playbooks", _prepare_playbooks(str(client), scratch), written), parent),
    ]
    for read in ready:
        if os.read(read, 1) != b"+":
            sys.exit("one of the processes that import ended")
    sys.stdout.write(json.dumps({"playbooks": name + "playbooks"}) + "\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    import shutil

    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(0)


def _fork(serve: Callable[[int], None], parent: int) -> int:
    """Serve in a child that dies with this process. Return where it says that it is ready."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        _die_with(parent)
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1):
            os.dup2(nothing, number)
        with contextlib.suppress(KeyboardInterrupt):
            serve(writing)
        os._exit(1)
    os.close(writing)
    return reading


def _die_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(PARENT_DIES, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _serve(name: str, run: Runner, written: int) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("\0" + name)
    listening.listen(100)
    os.write(written, b"+")
    os.close(written)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        place, _address = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            _attend(place, run)
            os._exit(0)
        place.close()


def _attend(place: socket.socket, run: Runner) -> None:
    """Run what one client asks for in a child. Pass signals on to it, and end it with the client."""
    _byte, rights, _flags, _address = place.recvmsg(1, socket.CMSG_SPACE(3 * array.array("i").itemsize))
    descriptors = array.array("i")
    descriptors.frombytes(rights[0][2])
    lines = place.makefile()
    request = json.loads(lines.readline())
    child = os.fork()
    if child == 0:
        # The client's end must be seen to close when the client dies, so nobody else may hold this one.
        os.close(place.fileno())
        _become(request, descriptors)
        run(request)
        os._exit(1)
    for descriptor in descriptors:
        os.close(descriptor)
    with contextlib.suppress(OSError):
        place.sendall(json.dumps({"pid": child}).encode() + b"\n" if "mask" not in request else b"")

    def pass_on() -> None:
        with contextlib.suppress(ProcessLookupError):
            for line in lines:
                os.killpg(child, int(line))
            if "mask" in request:
                os.killpg(child, signal.SIGKILL)

    threading.Thread(target=pass_on, daemon=True).start()
    _pid, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    with contextlib.suppress(OSError):
        place.sendall((f"{code}" if "mask" in request else json.dumps({"status": code})).encode() + b"\n")


def _become(request: Request, descriptors: array.array[int]) -> None:
    """Take the client's files, environment and folder, and what a new process would have."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    streams: Any = sys
    for number, name, errors in ((0, "stdin", "surrogateescape"), (1, "stdout", "surrogateescape"), (2, "stderr", "backslashreplace")):
        # Open as long as the process lives.
        stream = open(number, "w" if number else "r", encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
        setattr(streams, name, stream)
        setattr(streams, f"__{name}__", stream)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["cwd"])
    os.umask(request.get("mask", 0o022))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    tempfile.tempdir = None
    random.seed()
    if "-I" not in request["arguments"]:
        _customize(os.environ.get("PYTHONPATH", ""))


def _customize(folders: str) -> None:
    for folder in folders.split(os.pathsep) if folders else ():
        sys.path.insert(0, folder)
        file = Path(folder) / "sitecustomize.py"
        if file.exists():
            exec(compile(file.read_text(), str(file), "exec"), {"__name__": "sitecustomize"})  # noqa: S102  (as Python does)


def _remember_models() -> None:
    """Read once what botocore reads from its files for each client."""
    import boto3
    from botocore import loaders

    read = loaders.JSONFileLoader.load_file
    known: Dict[str, Any] = {}

    def load_file(self: Any, file_path: str) -> Any:
        if file_path not in known:
            known[file_path] = read(self, file_path)
        return known[file_path]

    loaders.JSONFileLoader.load_file = load_file
    session = boto3.session.Session()
    for service in ("iam", "sts", "ssm", "ec2"):
        session.client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


# Playbooks


def _prepare_playbooks(client: str, scratch: str) -> Runner:
    import importlib

    import ansible.cli.playbook  # noqa: F401
    from ansible.plugins import loader

    loader.init_plugin_loader()
    # A run would configure it a second time, and warn.
    loader._configure_collection_loader = lambda *_arguments: None
    from ansible_collections.hybridops import aws_agents

    folder = Path(next(iter(aws_agents.__path__)))
    for part in ("module_utils/_aws", "module_utils/_host", "module_utils/_model", "plugin_utils"):
        for file in sorted((folder / "plugins" / part).rglob("*.py")):
            names = file.relative_to(folder).with_suffix("").parts
            importlib.import_module(".".join(("ansible_collections", "hybridops", "aws_agents", *names)).removesuffix(".__init__"))
    for name in ("ansible.executor.task_queue_manager", "ansible.plugins.strategy.linear", "ansible.plugins.callback.default",
                 "ansible.plugins.action.normal", "ansible.plugins.connection.local", "ansible.executor.module_common",
                 "ansible_collections.amazon.aws.plugins.module_utils.modules"):  # fmt: skip
        importlib.import_module(name)
    _remember_models()
    return _playbook(client, scratch)


def _playbook(client: str, scratch: str) -> Runner:
    def run(request: Request) -> None:
        os.setsid()
        from ansible import constants
        from ansible.cli.playbook import PlaybookCLI
        from ansible.plugins import loader

        # Constants were computed from the environment of the process that imported them.
        for setting in constants.config.get_configuration_definitions():
            constants.set_constant(setting, constants.config.get_config_value(setting, variables=vars(constants)))
        for folder in filter(None, os.environ.get("ANSIBLE_CONNECTION_PLUGINS", "").split(os.pathsep)):
            loader.connection_loader.add_directory(folder)
        # Payloads are built from files that do not change while tests run.
        shared = Path(scratch) / "payloads"
        shared.mkdir(exist_ok=True)
        (Path(constants.DEFAULT_LOCAL_TMP) / "ansiballz_cache").symlink_to(shared)
        sys.executable = client
        sys.argv = ["ansible-playbook", *request["arguments"]]
        _leave(lambda: PlaybookCLI.cli_executor(sys.argv))

    return run


# Modules


def _prepare_modules(scratch: str) -> Runner:
    import importlib

    for name in ("argparse", "base64", "boto3", "botocore.config", "botocore.exceptions", "botocore.session", "configparser", "dataclasses",
                 "datetime", "email.mime.application", "hashlib", "json", "platform", "runpy", "shlex", "shutil", "subprocess", "syslog",
                 "tempfile", "urllib.request", "uuid", "xml.etree.ElementTree", "zipfile"):  # fmt: skip
        importlib.import_module(name)
    import hashlib
    import marshal

    zipimport: Any = importlib.import_module("zipimport")
    imp: Any = importlib.import_module("_imp")
    known = Path(scratch) / "compiled"
    known.mkdir()

    def compiled(pathname: str, source: bytes, others: Any = zipimport._compile_source) -> CodeType:
        place = known / hashlib.sha256(source).hexdigest()
        with contextlib.suppress(OSError, EOFError, ValueError):
            code: CodeType = marshal.loads(place.read_bytes())  # noqa: S302  (this file wrote it)
            imp._fix_co_filename(code, pathname)
            return code
        code = others(pathname, source)
        part = known / f"{place.name}.{os.getpid()}"
        part.write_bytes(marshal.dumps(code))
        part.rename(place)
        return code

    zipimport._compile_source = compiled
    _remember_models()
    return _module


def _module(request: Request) -> None:
    # So that what it starts ends with it.
    os.setpgid(0, 0)
    arguments = request["arguments"]
    if not arguments:
        name, source, sys.argv = "<stdin>", sys.stdin.buffer.read(), [""]
        sys.path.insert(0, "")
    elif arguments[0] == "-I":
        name, source, sys.argv = "<string>", arguments[2].encode(), ["-c"]
    else:
        name, source, sys.argv = arguments[0], Path(arguments[0]).read_bytes(), arguments
        sys.path.insert(0, os.path.dirname(os.path.realpath(name)))
    fresh = types.ModuleType("__main__")
    fresh.__dict__.update(
        {"__name__": "__main__", "__builtins__": __builtins__, "__doc__": None, "__loader__": None, "__package__": None, "__spec__": None}
    )
    if arguments and arguments[0] != "-I":
        fresh.__file__ = name
    sys.modules["__main__"] = fresh
    _leave(lambda: exec(compile(source, name, "exec"), fresh.__dict__))  # noqa: S102  (as Python does)


def _leave(run: Callable[[], None]) -> None:
    """Run, and end this process as Python would."""
    import atexit
    import traceback

    status = 0
    try:
        run()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if status == 1 and end.code != 1:
            sys.stderr.write(f"{end.code}\n")
    except KeyboardInterrupt:
        traceback.print_exc()
        _flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:  # noqa: BLE001  (as Python does at the end of a process)
        traceback.print_exc()
        status = 1
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    _flush()
    os._exit(status & 0xFF)


def _flush() -> None:
    for file in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            file.flush()


if __name__ == "__main__":
    main()
