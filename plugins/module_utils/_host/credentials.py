# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens to a credentials file on its host: look, sign, write, take away. Runs there, standard library alone.

``profile.py`` is sent in front of it. The request comes as JSON on standard input, the answer is one line of JSON; a secret
is in a request to ``deliver``, and in no answer, argument or message.
"""

from __future__ import annotations

import errno
import grp
import hashlib
import hmac
import json
import os
import pwd
import stat
import sys
import time
from contextlib import suppress

with suppress(ImportError):  # sent as one text, profile.py in front
    from .profile import LARGEST, Unfit, merge, parse, remove

ANSWER = "HYBRIDOPS-ANSWER "
STALE = 120
"""Seconds after which a temporary file of ours is what a killed run left."""


class Conflict(Exception):
    """The profile is not what the caller saw: somebody else wrote it."""


def probe(request):
    """Return what the file and our profile look like, with a signature when there is something to sign with."""
    data, status = _read(request["path"])
    settings = parse(data).get(request["profile"], {})
    key_id = settings.get("aws_access_key_id") or ""
    answer = {"exists": status is not None, "key_id": key_id, "region": settings.get("region") or ""}
    answer["session"] = bool(settings.get("aws_session_token")) or key_id.startswith("ASIA")
    answer["hindrance"] = _hindrance(request, data)
    if status is not None:
        answer.update(_attributes(status), age=max(0.0, time.time() - status.st_mtime), restarted=_restarted_since(status.st_mtime))
    secret = settings.get("aws_secret_access_key")
    if secret and request.get("string_to_sign"):
        answer["signature"] = sign(secret, request["scope"], request["string_to_sign"])
    return answer


def deliver(request):
    """Write a new key into the profile, if the key there is still the expected one; then look at what was written."""
    values = {
        "aws_access_key_id": request["key_id"],
        "aws_secret_access_key": request["secret"],
        "aws_session_token": "",
        "region": request["region"],
    }
    _change(request, lambda data: merge(data, request["profile"], values), also=request["key_id"])
    return probe(request)


def amend(request):
    """Set Region, owner, group and mode; the key stays."""
    _change(request, lambda data: merge(data, request["profile"], {"region": request["region"]}) if request["region"] else data)
    return probe(request)


def take_away(request):
    """Take our settings out of the profile; a file with nothing left in it goes."""
    _change(request, lambda data: remove(data, request["profile"]))
    return probe(request)


def sign(secret, scope, string_to_sign):
    """Return the Signature Version 4 of a string; ``scope`` is ``date/region/sts/aws4_request``."""
    date, region, service, end = scope.split("/")
    if service != "sts" or end != "aws4_request":
        raise ValueError("only calls of sts are signed here")
    key = ("AWS4" + secret).encode("utf-8", "surrogateescape")
    for part in (date, region, service, end):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, string_to_sign.encode(), hashlib.sha256).hexdigest()


def _read(path):
    """Return the file's bytes and status; none for a file that is not there."""
    try:
        found = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR) and not os.path.lexists(path):
            return b"", None
        if error.errno == errno.ELOOP:
            raise Unfit("it is a symbolic link") from error
        raise
    with os.fdopen(found, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Unfit("it is no regular file")
        return file.read(LARGEST + 1), status


def _hindrance(request, data):
    """Return why a write would fail, as far as can be told without one; empty where nothing speaks against it."""
    try:
        _number(pwd.getpwnam, request.get("owner")), _number(grp.getgrnam, request.get("group"))
        merge(data, request["profile"], {"aws_access_key_id": "AKIA", "aws_secret_access_key": "s", "region": "r"})
    except Unfit as error:
        return str(error)
    folder = os.path.dirname(request["path"])
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder):
        return f"{folder} is no folder"
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"folder {folder} cannot be written by user {os.geteuid()}; is become set?"


def _change(request, edit, also=None):
    """Replace the file by ``edit(content)``: whoever opens it sees the old one or the new one, with its final owner and mode."""
    path = request["path"]
    owner, group = _number(pwd.getpwnam, request["owner"]), _number(grp.getgrnam, request["group"])
    mode = int(request["mode"], 8)
    if request.get("secret"):
        _make_parents(os.path.dirname(path), owner, group, mode)
    temporary = os.path.join(os.path.dirname(path), "." + os.path.basename(path) + ".hybridops-new")
    handle, renamed = _lock(temporary), False
    try:
        with os.fdopen(handle, "wb") as file:
            data, status = _read(path)
            held = parse(data).get(request["profile"], {}).get("aws_access_key_id") or ""
            if held != request["expected"] and (also is None or held != also):
                raise Conflict(
                    "profile {} now holds {}, not {}".format(request["profile"], held or "no key", request["expected"] or "none")
                )
            new = edit(data)
            if not new.strip():
                os.unlink(path) if status is not None else None
                return
            keep = status or os.fstat(file.fileno())
            os.fchown(file.fileno(), keep.st_uid if owner < 0 else owner, keep.st_gid if group < 0 else group)
            _keep_label(path, file.fileno(), status)
            os.fchmod(file.fileno(), mode)
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


def _make_parents(folder, owner, group, mode):
    """Make missing folders: in the last one, who may read the file may pass, and nobody else.

    Those above stay with who runs this: an owner could swap a folder of its own for a link, and lead the next write elsewhere.
    """
    if not folder or os.path.isdir(folder):
        return
    above = os.path.dirname(folder)
    if not os.path.isdir(above):
        _make_parents(above, -1, -1, None)
    os.mkdir(folder, 0o700)
    if mode is None:
        os.chmod(folder, 0o755)  # noqa: S103  (the file's user has to pass)
        return
    os.chown(folder, owner, group)
    os.chmod(folder, 0o700 | (0o050 if mode & 0o040 else 0))


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


def _number(look_up, name):
    if not name:
        return -1
    try:
        return int(name) if name.isdigit() else look_up(name)[2]
    except KeyError:
        raise Unfit("the host knows no user or group " + name) from None


def _attributes(status):
    names = {}
    for kind, look_up, number in (("owner", pwd.getpwuid, status.st_uid), ("group", grp.getgrgid, status.st_gid)):
        try:
            names[kind] = look_up(number)[0]
        except KeyError:
            names[kind] = str(number)
    return dict(names, mode=f"{stat.S_IMODE(status.st_mode):04o}", uid=str(status.st_uid), gid=str(status.st_gid))


def _restarted_since(moment):
    """Return whether a CloudWatch agent runs here that was started after a time."""
    try:
        with open("/proc/stat") as file:
            boot = next(float(line.split()[1]) for line in file if line.startswith("btime "))
        tick = os.sysconf("SC_CLK_TCK")
        for process in filter(str.isdigit, os.listdir("/proc")):
            if _started(process, boot, tick) > moment:
                return True
    except (OSError, StopIteration, ValueError):  # no /proc of Linux's kind: not known, so not restarted
        pass
    return False


def _started(process, boot, tick):
    try:
        with open(f"/proc/{process}/stat", "rb") as file:
            name, rest = file.read().decode("utf-8", "replace").split("(", 1)[1].rsplit(")", 1)
    except (OSError, IndexError, ValueError):  # it ended meanwhile
        return 0.0
    return boot + int(rest.split()[19]) / tick if name == "amazon-cloudwatch-agent"[:15] else 0.0


OPERATIONS = {"probe": probe, "deliver": deliver, "amend": amend, "take_away": take_away}


def answer(request):
    """Return the answer to a request as plain data; failures are answers too, and hold no content of the file."""
    try:
        return dict(OPERATIONS[request["do"]](request), ok=True)
    except Conflict as error:
        return {"ok": False, "kind": "conflict", "error": str(error)}
    except Unfit as error:
        return {"ok": False, "kind": "unfit", "error": str(error)}
    except OSError as error:
        return {"ok": False, "kind": "failed", "error": "{}: {}".format(error.strerror, error.filename or request["path"])}


def main():
    """Answer the request that follows on standard input."""
    request = json.loads(sys.stdin.buffer.read().decode())
    sys.stdout.write("\n" + ANSWER + json.dumps(answer(request)) + "\n")
    sys.stdout.flush()
