# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a playbook's tasks do on the controller, without the playbook around them: a process of its own for a tenth of the time.

The tasks and their options are those that a run of the playbook itself had. One process imports everything, with
``tests/support/hurry`` loaded before, and forks for each run, so that waits take a twentieth of what they say. Clients are the product's
own, with all their retries.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Sequence

from tests.faults import direct_action
from tests.support.playbook import Run, TaskResult, clean_environment

ROOT = Path(__file__).resolve().parents[2]
HURRY = ROOT / "tests" / "support" / "hurry"
OURS = "hybridops.aws_agents."
CREDENTIALS = {"access_key", "secret_key", "session_token", "region"}
"""What a module takes from the environment, and tells as if it had been an option."""


@dataclass(frozen=True)
class Step:
    """One task: its name, its module or action in full, and its options."""

    task: str
    action: str
    options: Dict[str, Any]


def steps_of(run: Run) -> List[Step]:
    """Return the collection's own tasks of a run that was told ``-vvv``, which is when results tell their options."""
    found = []
    for task in run.tasks:
        if task.action.startswith(OURS) and task.outcome == "ok":
            given = task.result["invocation"]["module_args"]
            options = {name: value for name, value in given.items() if value is not None and name not in CREDENTIALS}
            found.append(Step(task.task, task.action, options))
    return found


def run_steps(steps: Sequence[Step], environment: Mapping[str, str], on_start: Callable[[int], None], timeout: float = 600) -> Run:
    """Run tasks one after the other until one fails; what comes of it looks as that of a playbook.

    :param environment: variables laid over the clean environment.
    """
    return _server().run(steps, environment, on_start, timeout)


@functools.lru_cache(maxsize=1)
def _server() -> _Server:
    return _Server()


class _Server:
    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="aws_agents-direct-"))
        self._environment = clean_environment(self._folder)
        variables = {**self._environment, "PYTHONPATH": os.pathsep.join([str(HURRY), str(ROOT)])}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.direct"],
            env=variables,
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        atexit.register(self._end)

    def _end(self) -> None:
        import shutil

        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, steps: Sequence[Step], environment: Mapping[str, str], on_start: Callable[[int], None], timeout: float) -> Run:
        answer = self._folder / "answer"
        answer.unlink(missing_ok=True)
        request = {
            "steps": [[step.task, step.action, step.options] for step in steps],
            "environment": {**self._environment, **environment},
            "answer": str(answer),
            "timeout": int(timeout),
        }
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        on_start(int(self._process.stdout.readline()))
        status = int(self._process.stdout.readline())
        assert status != -signal.SIGALRM, f"the run did not end within {timeout} s"
        lines = answer.read_text().splitlines() if answer.exists() else []
        tasks = [TaskResult(host="localhost", **json.loads(line)) for line in lines]
        stderr = answer.with_suffix(".stderr").read_text(errors="replace")
        failed = any(task.outcome != "ok" for task in tasks)
        stdout = "\n".join(f"{task.outcome} {task.task}: {json.dumps(task.result)}" for task in tasks)
        return Run(2 if failed and not status else status, stdout, stderr, tasks, {}, {})


# In the process that forks, and in those of the runs


def _main() -> None:
    sys.path.insert(0, os.environ["ANSIBLE_COLLECTIONS_PATH"])
    _prepare()
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            os.setsid()
            os.environ.clear()
            os.environ.update(request["environment"])
            os.dup2(os.open(request["answer"] + ".stderr", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
            # Only what ended by itself tells that it did; what hangs on is ended by this.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(request["timeout"])
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            _attend(request)
            os._exit(0)
        _tell(child)
        _tell(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _tell(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _prepare() -> None:
    """Import what runs use, and read botocore's models once: each task makes a session of its own."""
    import botocore.loaders
    from ansible_collections.hybridops.aws_agents.plugins.modules import (  # noqa: F401
        access_check,
        access_info,
        iam_identities,
        iam_user_offboarding,
        instance_profile_association,
        policy_migration,
        session_preferences,
        ssm_node_offboarding,
    )

    direct_action.prepare()
    read = botocore.loaders.JSONFileLoader.load_file
    known: Dict[str, Any] = {}

    def once(loader: Any, path: str) -> Any:
        if path not in known:
            known[path] = read(loader, path)
        return known[path]

    botocore.loaders.JSONFileLoader.load_file = once
    import boto3

    for service in ("iam", "sts", "ssm", "ec2"):
        boto3.session.Session().client(service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


def _attend(request: Dict[str, Any]) -> None:
    with open(request["answer"], "a", encoding="utf-8", buffering=1) as answer:
        for name, action, options in request["steps"]:
            perform = direct_action.perform if direct_action.is_action(action) else _module
            try:
                result = perform(action, options)
            except BaseException:  # noqa: BLE001  (whatever it was, the test is to see it)
                import traceback

                result = {"failed": True, "msg": "it did not end as modules do", "exception": traceback.format_exc()}
            outcome = "failed" if result.get("failed") else "ok"
            answer.write(json.dumps({"task": name, "action": action, "outcome": outcome, "result": result}, default=str) + "\n")
            if outcome == "failed":
                return


def _module(action: str, options: Mapping[str, Any]) -> Dict[str, Any]:
    """Run a module's own ``main``, and return what it prints."""
    import contextlib
    import importlib
    import io

    from ansible.module_utils.testing import patch_module_args

    module = importlib.import_module(f"ansible_collections.hybridops.aws_agents.plugins.modules.{action.rpartition('.')[2]}")
    said = io.StringIO()
    with patch_module_args(dict(options)), contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        module.main()
    return dict(json.loads(said.getvalue().splitlines()[-1]))


if __name__ == "__main__":
    _main()
