# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Owners, groups and modes of files on a host, by the names people write. Runs there, standard library alone.

``ground.py`` is sent in front of it.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from contextlib import suppress

with suppress(ImportError):  # sent as one text, that in front
    from .ground import Unfit, make_folders, temporary_of


def number_of(kind, name):
    """Return the number of a ``user`` or ``group``; negative for an empty name, which leaves a file's as it is.

    :raises Unfit: when the host does not know it.
    """
    if not name:
        return -1
    try:
        return int(name) if name.isdigit() else (pwd.getpwnam if kind == "user" else grp.getgrnam)(name)[2]
    except KeyError:
        raise Unfit("the host knows no user or group " + name) from None


def unknown_accounts(request):
    """Return the asked-for owner and group that the host does not know."""
    found = []
    for kind, name in (("user", request.get("owner")), ("group", request.get("group"))):
        try:
            number_of(kind, name)
        except Unfit:
            found.append((kind, name))
    return found


def attributes_of(status):
    """Return owner, group and mode of a file as names, with the numbers beside them."""
    names = {}
    for kind, look_up, number in (("owner", pwd.getpwuid, status.st_uid), ("group", grp.getgrgid, status.st_gid)):
        try:
            names[kind] = look_up(number)[0]
        except KeyError:
            names[kind] = str(number)
    return dict(names, mode=f"{stat.S_IMODE(status.st_mode):04o}", uid=str(status.st_uid), gid=str(status.st_gid))


def make_parents(folder, owner, group, mode):
    """Make missing folders: in the last one, who may read the file may pass, and nobody else.

    Those above stay with who runs this: an owner could swap a folder of its own for a link, and lead the next write elsewhere.
    """
    if not folder or os.path.isdir(folder):
        return
    make_folders(os.path.dirname(folder))
    temporary = temporary_of(folder)
    with suppress(FileNotFoundError):  # there after a run that was killed
        os.rmdir(temporary)
    os.mkdir(temporary, 0o700)
    # By its handle, which no link in its place can lead elsewhere. It gets its name last, so that no half made one has it.
    handle = os.open(temporary, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchown(handle, owner, group)
        os.fchmod(handle, 0o700 | (0o050 if mode & 0o040 else 0))
    finally:
        os.close(handle)
    try:
        os.rename(temporary, folder)
    except OSError:
        os.rmdir(temporary)
        if not os.path.isdir(folder):  # else another run made it meanwhile
            raise
