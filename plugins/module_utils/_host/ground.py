# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What everything stands on that is sent to a host: an answer in one line, files read and replaced whole, the age of a process.

It is sent in front of the rest, as one text with it: standard library alone, no imports of ours.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import sys
import time
from contextlib import suppress

ANSWER = "HYBRIDOPS-ANSWER "
LARGEST = 1024 * 1024
"""Bytes of a file that is worked on. One byte more is read, so that what is larger shows."""
SPARE = 16 * 1024
"""Bytes that must be free where a file is to be written: more than one with a few profiles needs."""
STALE = 120
"""Seconds after which a temporary file of ours is what a killed run left, on a file system that has no locks to tell by."""
LATE = 120
"""Seconds after which a process writes no more: it stood still, as on a host that was paused, and what it has may be outdated."""
_deadline = None
REMEDIES = {
    errno.ENOSPC: "Free some space there",
    errno.EDQUOT: "Free some space there, or raise the quota",
    errno.EROFS: "Mount it for writing (after an error of the disk, Linux mounts it read-only by itself)",
    errno.EACCES: "Set become, or let this user write there",
    errno.EPERM: "Set become; is the file immutable (lsattr)?",
    errno.EIO: "Look at the host's disk (dmesg)",
    errno.ENOTDIR: "A folder of the path is a file: name another path, or move that file away",
}
"""What to do about an error of the system, in words that a full stop and "then run again" may follow."""


BUSY = "another run is writing it now. Run again when that has ended"


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
        what = "{}: {}".format(error.strerror, error.filename or request.get("path", ""))
        remedy = REMEDIES.get(error.errno or 0)
        return {"ok": False, "kind": "failed", "error": f"{what}. {remedy}, then run again" if remedy else what}


def serve(operations):
    """Answer the request that follows on standard input."""
    global _deadline  # noqa: PLW0603  (of the process that answers, which lives for one request)
    _deadline = time.monotonic() + LATE
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
    temporary = temporary_of(path)
    handle = _lock(temporary)
    ours, renamed = os.fstat(handle).st_ino, False
    with os.fdopen(handle, "wb") as file:
        try:
            data, status = read(path)
            new = edit(data)
            if not new.strip():
                if status is not None:
                    _unchanged(path, status, temporary, ours)
                    os.unlink(path)
                return
            keep = status or os.fstat(file.fileno())
            os.fchown(file.fileno(), keep.st_uid if owner < 0 else owner, keep.st_gid if group < 0 else group)
            _keep_label(path, file.fileno(), status)
            os.fchmod(file.fileno(), stat.S_IMODE(keep.st_mode) if mode is None else mode)
            file.write(new)
            file.flush()
            os.fsync(file.fileno())
            _unchanged(path, status, temporary, ours)
            os.rename(temporary, path)
            renamed = True
        finally:
            # While it is held: a number is given anew as soon as its file is gone.
            if not renamed and _number(temporary) == ours:
                os.unlink(temporary)
    _sync(os.path.dirname(path))


def temporary_of(path):
    """Return where the next content of a file, or the next folder, is made: beside it, so that a rename brings it to its place."""
    return os.path.join(os.path.dirname(path), "." + os.path.basename(path) + ".hybridops-new")


def abandoned(temporary, remove=False):
    """Return whether a temporary file is what a killed run left: nobody holds it. ``remove`` it then, before somebody else has the name."""
    handle = None
    try:  # NFS gives such a lock to those alone who may write
        handle = os.open(temporary, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass  # a link, or not ours to write: its age has to tell
    try:
        held = None if handle is None else _hold(handle)
        gone = _old(temporary) if held is None else held
        if gone and remove and (handle is None or _number(temporary) == os.fstat(handle).st_ino):
            with suppress(FileNotFoundError):
                os.unlink(temporary)
        return gone
    finally:
        os.close(handle) if handle is not None else None


def sweep(path):
    """Remove the temporary file of a file that a killed run left."""
    temporary = temporary_of(path)
    handle = _lock(temporary)
    try:
        os.unlink(temporary)
    finally:
        os.close(handle)


def make_folders(folder):
    """Make missing folders that everybody may pass, whatever the umask; they belong to who runs this."""
    if folder and not os.path.isdir(folder):
        make_folders(os.path.dirname(folder))
        # In one step, so that a run that ends here leaves none that is closed to whoever the file is for.
        before = os.umask(0o022)
        try:
            os.mkdir(folder, 0o755)
        finally:
            os.umask(before)


def hindered(path):
    """Return why a file could not be written, as far as can be told without a write; empty where nothing speaks against it."""
    folder = os.path.dirname(path)
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder):
        return f"{folder} is no folder"
    led = _led_elsewhere(folder)
    if led:
        return led
    room = os.statvfs(folder)
    if room.f_flag & os.ST_RDONLY:
        return f"the file system of {folder} is mounted read-only. Mount it for writing"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"folder {folder} cannot be written by user {os.geteuid()}; is become set?"
    # Some file systems count neither blocks nor files, and say 0 for both numbers.
    free = room.f_bfree if os.geteuid() == 0 else room.f_bavail
    if (room.f_blocks and free * room.f_frsize < SPARE) or (room.f_files and not room.f_favail):
        return f"the file system of {folder} is full. Free some space there"
    return ""


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
    """Create the temporary file and hold it, which no second run can do meanwhile. A run that ends, in whatever way, lets go of it."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    for _attempt in range(20):
        try:
            handle = os.open(temporary, flags, 0o600)
        except FileExistsError:
            if not abandoned(temporary, remove=True) and os.path.lexists(temporary):
                raise Conflict(BUSY) from None
            continue
        if _hold(handle) is not False and _number(temporary) == os.fstat(handle).st_ino:
            return handle
        os.close(handle)  # somebody took it for abandoned before it was held
        time.sleep(0.05)
    raise Conflict(BUSY)


def _hold(handle):
    """Return whether nobody else holds a file, and hold it from now on; ``None`` where the file system has no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _old(temporary):
    try:
        return abs(time.time() - os.lstat(temporary).st_mtime) >= STALE
    except OSError:
        return False


def _number(path):
    try:
        return os.lstat(path).st_ino
    except FileNotFoundError:
        return None


def _led_elsewhere(folder):
    """Return which part of a path is a link of somebody's who may lead it elsewhere at any time; empty for none."""
    trusted = (0, os.geteuid())
    while folder not in ("", "/"):
        status = os.lstat(folder)
        if stat.S_ISLNK(status.st_mode) and status.st_uid not in trusted:
            return (
                f"{folder} is a symbolic link of user {status.st_uid}, who may lead it elsewhere at any time. "
                f"Name the folder itself ({os.path.realpath(folder)}), or let root own the link"
            )
        folder = os.path.dirname(folder)
    return ""


def _unchanged(path, before, temporary, ours):
    if _deadline and time.monotonic() > _deadline:
        raise Conflict(f"it took more than {LATE} s")
    if _number(temporary) != ours:
        raise Conflict(BUSY)
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
