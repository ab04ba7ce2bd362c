# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the processes import, and how a fork of each runs what it is asked for: a playbook, or a module."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import threading
import types
from pathlib import Path
from types import CodeType
from typing import Any, Callable, Dict, Mapping

Request = Mapping[str, Any]
Runner = Callable[[Request], None]


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


def prepare_playbooks(client: str, scratch: str) -> Runner:
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


def prepare_modules(scratch: str) -> Runner:
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
