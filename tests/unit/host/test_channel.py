# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are sent as one text share one set of names."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host import channel
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.ground import ANSWER


def names(source):
    tree = ast.parse(Path(channel.__file__).with_name(source).read_text())
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets)


@pytest.mark.parametrize("sources", [channel.CREDENTIALS, channel.AGENT, channel.SSM_AGENT], ids=str)
def test_no_name_is_taken_twice(sources):
    counted = Counter(name for source in sources for name in names(source))
    assert [name for name, count in counted.items() if count > 1] == []
    assert counted["main"] == counted["OPERATIONS"] == 1


def said(rc=0, stdout="", stderr=""):
    return lambda _command, _data: {"rc": rc, "stdout": stdout, "stderr": stderr}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (said(127, stderr="/bin/sh: 1: /usr/bin/python3: not found"), "ansible_python_interpreter"),
        (said(1, stderr="Python 3.6 is too old: 3.8 or later is needed"), "Install a newer Python"),
        (said(1, stderr="ModuleNotFoundError: No module named 'json'"), "python3-minimal"),
        (said(1, stderr="sudo: a password is required"), "NOPASSWD"),
        (said(1, stderr="sudo: sorry, you must have a tty to run sudo"), "requiretty"),
        (said(1, stderr="web is not in the sudoers file.  This incident will be reported."), "in sudoers"),
        (said(137), "out of memory"),
        (said(stdout=f'{ANSWER}{{"ok": tr'), "cut short"),
        (said(stdout=f"{ANSWER}5"), "cut short or changed"),
        (said(stdout=f'{ANSWER}{{"ok": "yes"}}'), "cut short or changed"),
        (said(stdout="Welcome!"), "nothing on standard error"),
    ],
)
def test_what_is_no_answer(answer, says):
    with pytest.raises(channel.NoAnswer, match=says):
        channel.Channel(answer, "/usr/bin/python3").ask("probe")


def test_noise_around_an_answer():
    noise = f'Welcome!\n\x1b[1mWe trust you have received the usual lecture\x1b[0m\n{ANSWER}{{"ok": true}}\nBye'
    assert channel.Channel(said(stdout=noise), "python3").ask("probe") == {"ok": True}


@pytest.mark.parametrize("name", channel.SECRETS)
def test_a_host_that_says_again_what_it_was_sent(name):
    with pytest.raises(channel.NoAnswer) as silent:
        channel.Channel(said(1, stderr="cannot understand s3cr3t"), "python3").ask("probe", **{name: "s3cr3t"})
    assert "s3cr3t" not in str(silent.value) and "cannot understand ***" in str(silent.value)


def test_a_python_that_is_too_old_says_so():
    start = channel._START.replace("(3, 8)", "(9, 8)")
    done = subprocess.run([sys.executable, "-I", "-c", start], input=b"", capture_output=True, check=False)
    assert done.returncode == 1 and b"is too old: 3.8 or later" in done.stderr and b"Traceback" not in done.stderr
