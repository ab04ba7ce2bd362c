# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host says in place of an answer, and what to do about it."""

from __future__ import annotations

import re

_CAUSES = (
    (r"Missing \w+ password|a password is required|Incorrect \w+ password|Timed? ?out .*(password|privilege escalation)",
     "Give the password with --ask-become-pass (ansible_become_password), or let the user become root without one (NOPASSWD in sudoers)"),
    (r"must have a tty|no tty present",
     "sudo wants a terminal, which what is sent on standard input cannot pass: switch requiretty off for this user in sudoers"),
    (r"not in the sudoers|is not allowed to (execute|run)", "Let the user run this as root in sudoers, or name another ansible_user"),
    (r"is too old", "Install a newer Python beside it, and name it in ansible_python_interpreter"),
    (r"No module named|ModuleNotFoundError", "This Python is not whole: install python3, of which python3-minimal is a part"),
    (r"status 12[67]|No such file|not found|not executable",
     "Install Python 3.8 or later on the host, or name the one it has in ansible_python_interpreter"),
    (r"status (-9|137)\b|MemoryError|Cannot allocate memory", "Is the host out of memory (dmesg)?"),
    (r"No space left on device", "Free some space on the host"),
)  # fmt: skip


def remedy(said: str) -> str:
    """Return what to do about words of Ansible's, of a shell's or of sudo's; empty where nothing is known."""
    return next((words for pattern, words in _CAUSES if re.search(pattern, said, re.IGNORECASE)), "")
