# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No shell is ever given a value: seen in the source, and on the connection to the hosts.

A shell reads what an action plugin runs on a host. What it reads is the start of a Python, which takes code and values from its standard
input; so that line is the same whatever the values are.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Set

import pytest
import yaml

from tests.contract.files import name, product_files, python_files
from tests.faults.bench import ALL, drawn
from tests.faults.hostile import HOSTILE
from tests.support.emulators import Emulator
from tests.support.playbook import run_playbook
from tests.support.tree import ROOT

SHELLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "pty.spawn", "commands.getoutput"}
STARTS = {"subprocess.run", "subprocess.Popen", "subprocess.call", "subprocess.check_call", "subprocess.check_output", "module.run_command"}
SHELL_MODULES = {"shell", "raw", "command", "script", "expect", "win_shell", "win_command"}
LOW_LEVEL = {"plugins/plugin_utils/aws_action.py": "command"}
"""Where a command line for a host is run, and the name of what it is: the text that ``Channel`` made."""


def called(node: ast.Call) -> str:
    return ast.unparse(node.func)


def faults_of(source: str, where: str) -> Iterator[str]:
    """Yield what in a Python file gives a shell a value, or might."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        function = called(node)
        words = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        if function in SHELLS or words.get("shell", "False") != "False" or "use_unsafe_shell" in words:
            yield f"{where}:{node.lineno}: {function} starts a shell"
        if function in STARTS or function.endswith(".run_command"):
            command = node.args[0] if node.args else None
            if isinstance(command, (ast.JoinedStr, ast.BinOp)) or (isinstance(command, ast.Constant) and isinstance(command.value, str)):
                yield f"{where}:{node.lineno}: {function} takes a line, not a list"
        if function.endswith("_low_level_execute_command") and ast.unparse(node.args[0]) != LOW_LEVEL.get(where):
            yield f"{where}:{node.lineno}: {ast.unparse(node.args[0])} is run on a host"
        if function in ("eval", "exec", "compile") or function.endswith((".eval", "pickle.loads", "yaml.load")):
            yield f"{where}:{node.lineno}: {function} runs what it is given"


@pytest.mark.parametrize("path", python_files("plugins"), ids=name)
def test_no_python_starts_a_shell(path: Path) -> None:
    assert not list(faults_of(path.read_text(encoding="utf-8"), name(path)))


@pytest.mark.parametrize(
    "line",
    ["os.system(x)", "subprocess.run(x, shell=True)", "subprocess.run(f'rm {x}')", "self._low_level_execute_command('ls ' + x)", "eval(x)",
     "module.run_command('ls ' + x)", "self.module.run_command(c, use_unsafe_shell=True)", "subprocess.Popen('ls')"],
)  # fmt: skip
def test_a_shell_would_be_seen(line: str) -> None:
    assert list(faults_of(line, "plugins/x.py"))


def test_the_line_for_a_host_is_made_of_constants() -> None:
    """``Channel`` puts it together from the interpreter and a constant; who asks has no part in it."""
    tree = ast.parse((ROOT / "plugins/module_utils/_host/channel.py").read_text(encoding="utf-8"))
    made = [node for node in ast.walk(tree) if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "self._command"]
    assert [ast.unparse(node.value) for node in made] == ["f'{python} -I -c {shlex.quote(_START)}'"]
    constants = [node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_START"]
    assert all(isinstance(ast.literal_eval(node.value), str) for node in constants) and len(constants) == 1
    assert "self._execute(self._command, " in ast.unparse(tree)


def tasks_of(content: Any) -> Iterator[Dict[str, Any]]:
    """Yield each task of a playbook or a file of tasks, those in blocks too."""
    for entry in content if isinstance(content, list) else []:
        if isinstance(entry, dict):
            yield entry
            for inner in ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always"):
                yield from tasks_of(entry.get(inner))


@pytest.mark.parametrize("path", [path for path in product_files() if path.suffix in (".yml", ".yaml")], ids=name)
def test_no_task_starts_a_shell(path: Path) -> None:
    used = {key.rpartition(".")[2] for task in tasks_of(yaml.safe_load(path.read_text(encoding="utf-8"))) for key in task}
    assert not used & SHELL_MODULES


CONNECTION = """
from ansible.plugins.connection.local import Connection as Local
import json, os
DOCUMENTATION = "name: listening\\nshort_description: local, listened to\\ndescription: x\\nauthor: x\\noptions: {}\\n"
class Connection(Local):
    transport = "listening"
    def exec_command(self, cmd, in_data=None, sudoable=True):
        with open(os.environ["HEARD"], "a") as file:
            file.write(json.dumps([str(self._play_context.remote_addr), cmd]) + "\\n")
        return super().exec_command(cmd, in_data, sudoable)
"""


def tasks(scratch: Path, value: str, number: int) -> Dict[str, Any]:
    """Return variables of a host for the tasks below; all that is free to be chosen is ``value`` or holds it."""
    return {
        "ansible_connection": "listening",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "place": f"{scratch}/host{number}/{value}",
        "value": value,
    }


PLAY = {
    "hosts": "all",
    "gather_facts": False,
    "tasks": [
        {
            "name": name,
            f"hybridops.aws_agents.{name}": options,
            "ignore_errors": True,
        }
        for name, options in (
            ("host_access_key", {"user": "web1", "path": "{{ place }}/credentials", "credentials_region": "eu-west-1"}),
            (
                "cloudwatch_agent",
                {"root": "{{ place }}", "credentials_file": "{{ place }}/c", "no_proxy": "{{ value }}", "agent_region": "eu-west-1"},
            ),
            ("ssm_registration", {"iam_role": "R", "name": "web", "no_proxy": "{{ value }}", "credentials_file": "{{ place }}/shared"}),
        )
    ],
}
TAME = "tame"
SAFE_ON_A_LINE = [piece for piece in HOSTILE if piece.isprintable() and "/" not in piece and not piece.startswith((".", "{"))]
"""What gets past the rules for paths; the rest is refused before a host is asked."""


def test_hosts_are_asked_in_the_same_words_whatever_the_values_are(moto: Emulator, tmp_path: Path, ledger: Any) -> None:
    random = drawn("no shell")
    hostile = ["".join(random.choice(SAFE_ON_A_LINE) for _letter in range(6)) for _text in range(20 if ALL else 1)]
    values = [TAME, f"$(touch {tmp_path.name}.owned)`touch owned`;touch owned'", *(f'"; touch owned #{text}' for text in hostile)]
    (tmp_path / "connections").mkdir()
    (tmp_path / "connections" / "listening.py").write_text(CONNECTION)
    heard = tmp_path / "heard"
    hosts = {f"host{number}": tasks(tmp_path, value, number) for number, value in enumerate(values)}
    environment = {**moto.environment(), "ANSIBLE_CONNECTION_PLUGINS": str(tmp_path / "connections"), "HEARD": str(heard)}
    run = run_playbook([PLAY], tmp_path / "run", ["-f", "2"], {"all": {"hosts": hosts}}, environment=environment, timeout=1500)
    lines: Dict[str, Set[str]] = {}
    for row in heard.read_text().splitlines():
        host, command = json.loads(row)
        lines.setdefault(host, set()).add(command)
    commands: List[Set[str]] = list(lines.values())
    assert len(commands) == len(values), str(run)
    assert commands[0] and all(found == commands[0] for found in commands), commands
    assert not [command for command in commands[0] if TAME in command or re.search(r"owned|host\d", command)]
    assert not list(tmp_path.rglob("owned")) and not Path("owned").exists()
    ledger.add("Hostile input: commands on hosts", cases=len(values), calls=sum(map(len, commands)))
