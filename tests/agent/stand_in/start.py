# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``start-amazon-cloudwatch-agent``, which systemd runs: translate once more, become the agent's user, become the agent."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
import time
import tomllib
from pathlib import Path
from typing import List

from . import paths


def main(_arguments: List[str]) -> int:
    """Run the program.

    :returns: 1 when it fails; otherwise it does not return.
    """
    if not _translate():
        return 1
    say(f"I! Config has been translated into TOML {paths.TOML} ")
    _print(paths.TOML)
    say(f"I! Config has been translated into YAML {paths.YAML} ")
    _print(paths.YAML)
    user = str(tomllib.loads(paths.TOML.read_text(encoding="utf-8"))["agent"].get("run_as_user", "root"))
    say(f"I! Detected runAsUser: {user}")
    try:
        _become(user)
    except (KeyError, OSError) as error:
        text = f"user: unknown user {user}" if isinstance(error, KeyError) else str(error)
        say(f"E! Failed to ChangeUser: {text} ")
        say(f"E! Error when starting Agent, Error is {text} ")
        return 1
    agent = str(paths.BIN / "amazon-cloudwatch-agent")
    files = ["-config", str(paths.TOML), "-envconfig", str(paths.ENVIRONMENT), "-otelconfig", str(paths.YAML), "-pidfile", str(paths.PID)]
    return os.execv(agent, [agent, *files])  # noqa: S606


def say(text: str) -> None:
    """Log as Go does when left alone: local time, in another form than the agent's own lines."""
    paths.LOGS.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(paths.LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a", encoding="utf-8") as log:
        log.write(f"{time.strftime('%Y/%m/%d %H:%M:%S')} {text}\n")


def _translate() -> bool:
    """Translate with mode ``auto``: the mode given when it was configured is kept nowhere."""
    arguments = ["--output", paths.TOML, "--mode", "auto", "--input", paths.JSON, "--input-dir", paths.DOCUMENTS]
    command = [paths.BIN / "config-translator", *arguments, "--config", paths.COMMON_CONFIG]
    done = subprocess.run([str(part) for part in command], stderr=subprocess.STDOUT, check=False)
    if done.returncode == 0:
        return True
    # Amazon's translator loses the code that tells "nothing is configured" from an error, and so does this.
    say("I! Return exit error: exit code=1")
    say("E! Cannot translate JSON, ERROR is exit status 1 ")
    return False


def _print(path: Path) -> None:
    if path.exists():
        say(f"D! config {path.read_text(encoding='utf-8')}")


def _become(user: str) -> None:
    entry = pwd.getpwnam(user)
    folders = [paths.LOGS, paths.ETC, paths.VAR]
    say(f"I! Changing ownership of [{' '.join(map(str, folders))}] to {entry.pw_uid}:{entry.pw_gid}")
    for folder in folders:
        for path in (folder, *sorted(folder.rglob("*"))):
            if _changes_owner(path):
                os.chown(path, entry.pw_uid, entry.pw_gid)
    if user == "root":
        return
    os.setgroups(os.getgrouplist(user, entry.pw_gid))
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ["HOME"] = entry.pw_dir
    say(f"I! Set HOME: {entry.pw_dir}")


def _changes_owner(path: Path) -> bool:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return False
    return not (stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID | 0o111 | 0o002))
