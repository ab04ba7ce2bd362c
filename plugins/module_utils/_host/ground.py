# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What everything stands on that is sent to a host: an answer in one line, files read and replaced whole, the age of a process.

It is sent in front of the rest, as one text with it: standard library alone, no imports of ours.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
import time

ANSWER = "HYBRIDOPS-ANSWER "
LARGEST = 1024 * 1024
"""Bytes of a file that is worked on. One byte more is read, so that what is larger shows."""
STALE = 120
"""Seconds after which a temporary file of ours is what a killed run left."""


class Unfit(Exception):
    """The file cannot be worked on without a risk for what is in it."""


class Conflict(Exception):
    """The file is not what the caller saw: somebody else wrote it."""


def respond(operations, request):
    """Return the answer to a request as plain data; failures are answers too, and hold no content of a file."""
    try:
        return dict(operations[request["do"]](request), ok=True)
    except Conflict as error:
        return {"ok": False, "kind": "conflict", "error": str(error)}
    except Unfit as error:
        return {"ok": False, "kind": "unfit", "error": str(error)}
    except OSError as error:
        return {"ok": False, "kind": "failed", "error": "{}: {}".format(error.strerror, error.filename or request.get("path", ""))}


def serve(operations):
    """Answer the request that follows on standard input."""
    request = json.loads(sys.stdin.buffer.read().decode())
    sys.stdout.write("\n" + ANSWER + json.dumps(respond(operations, request)) + "\n")
    sys.stdout.flush()


def read(path):
    """Return a file's bytes and status; none for a file that is not there.

    :raises Unfit: when it is a link, or no regular file.
    """
    try:
        found = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR) and not os.path.lexists(path):
            return b"", None
        if error.errno == errno.ELOOP:
            raise Unfit("it is a symbolic link") from error
        raise
    status = os.fstat(found)
    if not stat.S_ISREG(status.st_mode):
        os.close(found)
        raise Unfit("it is no regular file")
    with os.fdopen(found, "rb") as file:
        return file.read(LARGEST + 1), status


def replace(path, edit, owner=-1, group=-1, mode=0o600):
    """Replace a file by ``edit(content)``: whoever opens it sees the old one or the new one, with its final owner and mode.

    :param edit: raises ``Conflict`` when the content is not what the caller saw. A file with nothing left in it goes.
    :param owner: a number, as ``group``; negative leaves it as it is.
    :param mode: ``None`` leaves it as it is.
    """
    temporary = os.path.join(os.path.dirname(path), "." + os.path.basename(path) + ".hybridops-new")
    handle, renamed = _lock(temporary), False
    try:
        with os.fdopen(handle, "wb") as file:
            data, status = read(path)
            new = edit(data)
            if not new.strip():
                os.unlink(path) if status is not None else None
                return
            keep = status or os.fstat(file.fileno())
            os.fchown(file.fileno(), keep.st_uid if owner < 0 else owner, keep.st_gid if group < 0 else group)
            _keep_label(path, file.fileno(), status)
            os.fchmod(file.fileno(), stat.S_IMODE(keep.st_mode) if mode is None else mode)
            file.write(new)
            file.flush()
            os.fsync(file.fileno())
            _unchanged(path, status, temporary, file.fileno())
            os.rename(temporary, path)
            renamed = True
        _sync(os.path.dirname(path))
    finally:
        if not renamed and os.path.lexists(temporary):
            os.unlink(temporary)


def make_folders(folder):
    """Make missing folders that everybody may pass, whatever the umask; they belong to who runs this."""
    if folder and not os.path.isdir(folder):
        make_folders(os.path.dirname(folder))
        os.mkdir(folder, 0o700)
        os.chmod(folder, 0o755)  # noqa: S103  (whoever the file is for has to pass)


def hindered(path):
    """Return why a file could not be written, as far as can be told without a write; empty where nothing speaks against it."""
    folder = os.path.dirname(path)
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder):
        return f"{folder} is no folder"
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"folder {folder} cannot be written by user {os.geteuid()}; is become set?"


def since_boot():
    """Return for how long the host runs, in seconds."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def started(process, boot):
    """Return the name of a process and when it started; an empty name for one that ended meanwhile.

    :param boot: when the host started, by the clock that the answer is wanted in.
    """
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            name, rest = file.read().decode("utf-8", "replace").split("(", 1)[1].rsplit(")", 1)
    except (OSError, IndexError, ValueError):
        return "", 0.0
    return name, boot + int(rest.split()[19]) / os.sysconf("SC_CLK_TCK")


def _lock(temporary):
    """Create the temporary file, which no second run can do meanwhile."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(temporary, flags, 0o600)
    except FileExistsError:
        if abs(time.time() - os.lstat(temporary).st_mtime) < STALE:
            raise Conflict("another run is writing it now") from None
        os.unlink(temporary)
        return os.open(temporary, flags, 0o600)


def _unchanged(path, before, temporary, handle):
    if os.lstat(temporary).st_ino != os.fstat(handle).st_ino:
        raise Conflict("another run is writing it now")
    now = os.lstat(path) if os.path.lexists(path) else None
    if (now and (now.st_ino, now.st_mtime_ns, now.st_size)) != (before and (before.st_ino, before.st_mtime_ns, before.st_size)):
        raise Conflict("somebody changed it meanwhile")


def _keep_label(path, handle, status):
    try:
        if status is not None:
            os.setxattr(handle, "security.selinux", os.getxattr(path, "security.selinux"))
    except (OSError, AttributeError):  # no SELinux here, or not ours to set: the folder's default stands
        pass


def _sync(folder):
    handle = os.open(folder or ".", os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
