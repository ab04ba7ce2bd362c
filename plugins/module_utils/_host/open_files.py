# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a process on a host holds open: the connections that nobody answers, and the log that it writes. Runs there, standard library alone.

An agent behind a firewall that drops packets says nothing for minutes, and one whose log was moved away says it elsewhere.
"""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress

_ASKED = "02"
"""The state SYN_SENT of /proc/net/tcp."""
_NAMES = 53


def held(process):
    """Return what the process's descriptors lead to; nothing where that may not be seen."""
    found = []
    with suppress(OSError):
        for name in os.listdir(f"/proc/{process}/fd"):
            with suppress(OSError):
                found.append(os.readlink(f"/proc/{process}/fd/{name}"))
    return found


def unanswered(process, links):
    """Return address and port of what the process waits for: hosts it wants to connect to, and servers of names that it asked."""
    sockets, found = {link[8:-1] for link in links if link.startswith("socket:[")}, []
    for kind in ("tcp", "tcp6", "udp", "udp6") if sockets else ():
        with suppress(OSError), open(f"/proc/{process}/net/{kind}", encoding="ascii") as file:
            for words in [line.split() for line in file][1:]:
                address, port = _address(words[2])
                if words[9] in sockets and (words[3] == _ASKED if kind.startswith("tcp") else port == _NAMES):
                    found.append([address, port])
    return found


def moved(log, links):
    """Return the file that is written in place of a log of that name, which was moved away or deleted; empty when nothing shows that."""
    real = os.path.realpath(log)
    others = [link for link in links if link.startswith(real) and link != real]
    return others[0] if others and real not in links else ""


def _address(text):
    digits, port = text.split(":")
    words = [struct.pack("=I", int(digits[at : at + 8], 16)) for at in range(0, len(digits), 8)]
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, b"".join(words)), int(port, 16)
