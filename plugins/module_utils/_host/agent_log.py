# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The agent's log on its host: its last errors and warnings, and when the agent began. Runs there, standard library alone."""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import suppress

LOG_TAIL = 4 * 1024 * 1024
"""Bytes of the log that are looked through: more than an agent writes within one interval, with debug on as well."""
LOG_LINES = 200


def read_log(path):
    """Return the last errors and warnings of the log, with the lines that belong to them; the entry of the agent's last start; and
    whether the log could be read.

    What plugins say of what they measure is left out: there may be more of it than is kept.
    """
    try:
        # Whoever owns the folder could have put a pipe there, which would never be opened.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return [], "", False
            file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_TAIL))
            lines = file.read(LOG_TAIL).decode("utf-8", "replace").splitlines()
    except OSError:
        return [], "", False
    kept, begun, on = [], "", False
    for line in map(_in_utc, lines):
        level = re.match(r"\d{4}-\d\d-\d\dT[0-9:.]+Z?\s+([A-Z]!(?! \[inputs\.))?", line)
        on = bool(level.group(1)) and level.group(1)[0] in "EFW" if level else on
        if on:
            kept.append(line[:600])
        elif level and "I! Starting AmazonCloudWatchAgent" in line:
            begun = line[:600]
    return kept[-LOG_LINES:], begun, True


def _in_utc(line):
    """Return a line that the agent's starter wrote, which has another form and the host's own time, in the form of the agent's."""
    found = re.match(r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) (.*)", line)
    if not found:
        return line
    with suppress(ValueError, OverflowError):
        moment = time.gmtime(time.mktime(time.strptime(found.group(1), "%Y/%m/%d %H:%M:%S")))
        return time.strftime("%Y-%m-%dT%H:%M:%SZ ", moment) + found.group(2)
    return line
