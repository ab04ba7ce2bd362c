# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What dpkg and rpm know and do: one look at a package, its installation, its removal."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import Callable, List, Mapping, Optional

from .._model.agent_package import extension, folder
from .._model.agent_package_plan import ABSENT, BROKEN, INSTALLED, RESIDUAL, Package

_PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LOCKED = re.compile(r"lock (is|was) locked by|database is locked by|transaction lock")
"""What dpkg and rpm say of another one at work. Newer versions of dpkg name its program."""
_DPKG_INSTALLED = ("installed", "triggers-awaited", "triggers-pending")


class Failed(Exception):
    """A program did not do what it was asked to. The text holds what it said."""


@dataclass(frozen=True)
class Done:
    """What a program said."""

    rc: int
    out: str
    err: str


@dataclass(frozen=True)
class Contents:
    """What a package file says it is."""

    name: str
    version: str
    architecture: str


Run = Callable[..., Done]


def run(command: List[str], environment: Optional[Mapping[str, str]] = None) -> Done:
    """Run a program with nothing on its standard input, in the language that is looked for in what it says.

    There is no limit of time: a package manager that is ended half way leaves a broken package.
    """
    quiet = {"LC_ALL": "C", "LANGUAGE": "", "DEBIAN_FRONTEND": "noninteractive"}
    variables = {**os.environ, **quiet, "PATH": search_path(), **(environment or {})}
    # AnsibleModule.run_command leaves the module's standard input open, where a package's script may wait for an answer.
    done = subprocess.run(  # pylint: disable=ansible-bad-function
        command, env=variables, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return Done(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def search_path() -> str:
    """Return where programs are looked for. A user's path often lacks the folders of root's."""
    return os.pathsep.join(path for path in (os.environ.get("PATH", ""), _PATHS) if path)


class Manager:
    """What both have in common.

    :param lock_timeout: seconds to wait for another package manager to end.
    """

    extension = ""

    def __init__(self, lock_timeout: float = 0.0, run: Run = run, sleep: Callable[[float], None] = time.sleep) -> None:
        self._lock_timeout = lock_timeout
        self._run = run
        self._sleep = sleep
        self.waited = 0.0
        """Seconds spent waiting for a lock so far."""

    def find(self, name: str) -> Package:
        """Return what the database says of a package. Reads, and runs one program."""
        raise NotImplementedError

    def architecture(self) -> str:
        """Return the architecture that packages are installed for, which a 32-bit system on a 64-bit kernel has of its own."""
        raise NotImplementedError

    def inspect(self, path: str) -> Contents:
        """Return what a package file says it is.

        :raises Failed: when it is no package.
        """
        raise NotImplementedError

    def install(self, path: str, older: bool = False) -> None:
        """Install a package file, over another version too.

        :raises Failed: with what was said.
        """
        raise NotImplementedError

    def remove(self, name: str, purge: bool) -> None:
        """Remove a package.

        :raises Failed: with what was said.
        """
        raise NotImplementedError

    def _one_line(self, command: List[str], doing: str) -> str:
        done = self._run(command)
        if done.rc != 0:
            raise Failed(f"{doing}: {_said(done)}")
        return done.out.strip()

    def _change(self, command: List[str]) -> None:
        """Run a program that needs the lock of the database, again and again while somebody else has it."""
        pause = 1.0
        while True:
            done = self._run(command)
            if done.rc == 0:
                return
            if not _LOCKED.search(done.err):
                raise Failed(f"{command[0]} ended with {done.rc} and said: {_said(done)}")
            pause = min(pause * 1.5, 5.0, self._lock_timeout - self.waited)
            if pause <= 0:
                raise Failed(
                    f"another process held the lock of {command[0]} for {self.waited:.0f} seconds ({_said(done)}). "
                    "Run this again when it has ended, or raise lock_timeout."
                )
            self._sleep(pause)
            self.waited += pause


class Dpkg(Manager):
    """Debian's."""

    extension = "deb"

    def find(self, name: str) -> Package:
        done = self._run(["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Version}\\n", name])
        words = done.out.split()
        status = words[0] if done.rc == 0 and words else "not-installed"
        version = words[1] if len(words) > 1 else ""
        if status == "not-installed":
            return Package(ABSENT)
        if status == "config-files":
            return Package(RESIDUAL)
        return Package(INSTALLED if status in _DPKG_INSTALLED else BROKEN, version)

    def architecture(self) -> str:
        return self._one_line(["dpkg", "--print-architecture"], "ask dpkg for the architecture")

    def inspect(self, path: str) -> Contents:
        text = self._one_line(["dpkg-deb", "--field", path, "Package", "Version", "Architecture"], "look into the package")
        fields = dict(line.partition(": ")[::2] for line in text.splitlines())
        return Contents(fields.get("Package", ""), fields.get("Version", ""), fields.get("Architecture", ""))

    def install(self, path: str, older: bool = False) -> None:  # noqa: ARG002  (dpkg needs no leave)
        # common-config.toml may be there before the package is: it stays, and nobody is asked.
        self._change(["dpkg", "--force-confold", "--install", path])

    def remove(self, name: str, purge: bool) -> None:
        self._change(["dpkg", "--purge" if purge else "--remove", name])


class Rpm(Manager):
    """Red Hat's and SUSE's."""

    extension = "rpm"

    def find(self, name: str) -> Package:
        done = self._run(["rpm", "--query", "--queryformat", "%{VERSION}-%{RELEASE}\\n", name])
        return Package(INSTALLED, done.out.split()[-1]) if done.rc == 0 and done.out.strip() else Package(ABSENT)

    def architecture(self) -> str:
        return self._one_line(["rpm", "--eval", "%{_arch}"], "ask rpm for the architecture")

    def inspect(self, path: str) -> Contents:
        form = "%{NAME} %{VERSION}-%{RELEASE} %{ARCH}\\n"
        words = self._one_line(["rpm", "--query", "--package", "--queryformat", form, path], "look into the package").split()
        if len(words) != 3:
            raise Failed(f"look into the package: {words}")
        return Contents(*words)

    def install(self, path: str, older: bool = False) -> None:
        self._change(["rpm", "--upgrade", *(["--oldpackage"] if older else []), path])

    def remove(self, name: str, purge: bool) -> None:  # noqa: ARG002  (rpm keeps changed files as .rpmsave, always)
        self._change(["rpm", "--erase", name])


def manager(system: Mapping[str, str], lock_timeout: float, which: Callable[..., Optional[str]] = shutil.which) -> Manager:
    """Return the package manager of a system.

    :param system: the content of os-release. One that is not known has whichever program is there.
    :raises Failed: when there is none.
    """
    place = folder(system)
    wanted = [kind for kind in (Dpkg, Rpm) if not place or kind.extension == extension(place)]
    for kind in wanted:
        program = "dpkg-query" if kind is Dpkg else "rpm"
        if which(program, path=search_path()):
            return kind(lock_timeout)
    names = " and no ".join("dpkg" if kind is Dpkg else "rpm" for kind in wanted)
    raise Failed(f"the host has no {names}, and the agent comes as a package of theirs")


def _said(done: Done) -> str:
    """Return the last things a program said, in one line."""
    lines = [line.strip() for line in (done.err + "\n" + done.out).splitlines() if line.strip()]
    return " / ".join(lines[:4])[:600] or f"nothing, and ended with {done.rc}"
