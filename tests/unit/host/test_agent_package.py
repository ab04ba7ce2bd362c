# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of dpkg and rpm, and what is made of their answers."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.agent_package import Contents, Done, Dpkg, Failed, Rpm, manager
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.agent_package import run as real_run
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent_package_plan import Package

NAME = "amazon-cloudwatch-agent"


class Programs:
    """Answers in turn, and remembers what was asked. The last answer stays."""

    def __init__(self, *answers: Done) -> None:
        self.answers = list(answers)
        self.asked: List[List[str]] = []

    def __call__(self, command: List[str], environment: Optional[Mapping[str, str]] = None) -> Done:
        self.asked.append(command)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        (Dpkg, Done(0, "installed 1.300071.0-1\n", ""), Package("installed", "1.300071.0-1")),
        (Dpkg, Done(0, "triggers-pending 1.300071.0-1\n", ""), Package("installed", "1.300071.0-1")),
        (Dpkg, Done(0, "triggers-awaited 1.300071.0-1\n", ""), Package("installed", "1.300071.0-1")),
        (Dpkg, Done(0, "unpacked 1.300071.0-1\n", ""), Package("broken", "1.300071.0-1")),
        (Dpkg, Done(0, "half-installed 1.300071.0-1\n", ""), Package("broken", "1.300071.0-1")),
        (Dpkg, Done(0, "half-configured 1.300071.0-1\n", ""), Package("broken", "1.300071.0-1")),
        (Dpkg, Done(0, "half-installed \n", ""), Package("broken")),
        (Dpkg, Done(0, "config-files 1.300071.0-1\n", ""), Package("residual")),
        (Dpkg, Done(0, "not-installed \n", ""), Package()),
        (Dpkg, Done(1, "", "dpkg-query: no packages found matching amazon-cloudwatch-agent\n"), Package()),
        (Rpm, Done(0, "1.300071.0b1720-1\n", ""), Package("installed", "1.300071.0b1720-1")),
        (Rpm, Done(1, "package amazon-cloudwatch-agent is not installed\n", ""), Package()),
    ],
)
def test_one_look_says_what_is_installed(kind, answer, expected):
    programs = Programs(answer)
    assert kind(run=programs).find(NAME) == expected
    assert len(programs.asked) == 1


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        (Dpkg, Done(0, f"Package: {NAME}\nVersion: 1.300071.0-1\nArchitecture: amd64\n", ""), Contents(NAME, "1.300071.0-1", "amd64")),
        (Dpkg, Done(0, "Package: other\n", ""), Contents("other", "", "")),
        (Rpm, Done(0, f"{NAME} 1.300071.0-1 x86_64\n", "warning: NOKEY"), Contents(NAME, "1.300071.0-1", "x86_64")),
        (Rpm, Done(0, "\n", ""), Failed),
        (Dpkg, Done(2, "", "dpkg-deb: error: 'x' is not a Debian format archive\n"), Failed),
        (Rpm, Done(1, "", "error: x: not an rpm package\n"), Failed),
    ],
)
def test_what_a_package_says_it_is(kind, answer, expected):
    found = kind(run=Programs(answer))
    if expected is Failed:
        with pytest.raises(Failed, match="look into the package"):
            found.inspect("/p")
    else:
        assert found.inspect("/p") == expected


@pytest.mark.parametrize(
    ("kind", "do", "arguments", "expected"),
    [
        (Dpkg, "install", ("/p",), ["dpkg", "--force-confold", "--install", "/p"]),
        (Dpkg, "install", ("/p", True), ["dpkg", "--force-confold", "--install", "/p"]),
        (Dpkg, "remove", (NAME, False), ["dpkg", "--remove", NAME]),
        (Dpkg, "remove", (NAME, True), ["dpkg", "--purge", NAME]),
        (Rpm, "install", ("/p",), ["rpm", "--upgrade", "/p"]),
        (Rpm, "install", ("/p", True), ["rpm", "--upgrade", "--oldpackage", "/p"]),
        (Rpm, "remove", (NAME, True), ["rpm", "--erase", NAME]),
    ],
)
def test_what_is_run_to_change_something(kind, do, arguments, expected):
    programs = Programs(Done(0, "", ""))
    getattr(kind(run=programs), do)(*arguments)
    assert programs.asked == [expected]


LOCKED = [
    "dpkg: error: dpkg frontend lock was locked by another process with pid 49\nNote: removing the lock file is always wrong",
    "dpkg: error: dpkg frontend lock was locked by /usr/bin/python3.13 process with pid 70\n",
    "dpkg: error: dpkg frontend lock is locked by another process\n",
    "dpkg: error: dpkg status database is locked by another process\n",
    "error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)\n",
]


@pytest.mark.parametrize("said", LOCKED)
def test_somebody_elses_lock_is_waited_for(said):
    slept: List[float] = []
    programs = Programs(Done(2, "", said), Done(2, "", said), Done(0, "", ""))
    found = Dpkg(60, programs, slept.append)
    found.install("/p")
    assert len(programs.asked) == 3 and found.waited == sum(slept) > 0


@pytest.mark.parametrize("said", LOCKED)
def test_a_lock_that_stays_is_told(said):
    slept: List[float] = []
    with pytest.raises(Failed, match=r"held the lock of dpkg for 30 seconds .*raise lock_timeout"):
        Dpkg(30, Programs(Done(2, "", said)), slept.append).install("/p")
    assert sum(slept) == 30


def test_without_patience_a_lock_is_told_at_once():
    with pytest.raises(Failed, match="for 0 seconds"):
        Dpkg(0, Programs(Done(2, "", LOCKED[0])), lambda seconds: pytest.fail("slept")).install("/p")


def test_what_a_program_said_is_told_and_is_not_tried_again():
    programs = Programs(Done(1, "", "dpkg: dependency problems prevent configuration\n"))
    with pytest.raises(Failed, match="dpkg ended with 1 and said: dpkg: dependency problems"):
        Dpkg(60, programs, lambda seconds: pytest.fail("slept")).install("/p")
    assert len(programs.asked) == 1


@pytest.mark.parametrize(
    ("system", "programs", "expected"),
    [
        ({"ID": "debian"}, ["dpkg-query", "rpm"], Dpkg),
        ({"ID": "rhel"}, ["dpkg-query", "rpm"], Rpm),
        ({"ID": "arch"}, ["dpkg-query"], Dpkg),
        ({"ID": "mageia"}, ["rpm"], Rpm),
        ({}, ["dpkg-query", "rpm"], Dpkg),
        ({"ID": "rhel"}, ["dpkg-query"], "the host has no rpm"),
        ({"ID": "alpine"}, [], "the host has no dpkg and no rpm"),
    ],
)
def test_which_package_manager_a_system_has(system: Dict[str, str], programs: List[str], expected: Any):
    def which(name: str, path: Optional[str] = None) -> Optional[str]:
        return name if name in programs else None

    if isinstance(expected, str):
        with pytest.raises(Failed, match=expected):
            manager(system, 0, which)
    else:
        assert isinstance(manager(system, 0, which), expected)


def test_programs_run_in_a_known_language_with_nothing_to_read(monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("PATH", "/nowhere")
    done = real_run(["sh", "-c", "cat; echo $LC_ALL $DEBIAN_FRONTEND; echo oops >&2; exit 3"])
    assert (done.rc, done.out, done.err) == (3, "C noninteractive\n", "oops\n")
