# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One profile in a shared credentials file, as bytes in and bytes out: everybody else's lines stay as they are.

It runs on the host, sent there as source text behind ``ground.py``: standard library alone.
The line work is checked by reading its result back with ``configparser``, which is what botocore reads these files with.
"""

from __future__ import annotations

import configparser
import re
from contextlib import suppress

with suppress(ImportError):  # sent as one text, that in front
    from .ground import LARGEST, Unfit

OURS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "region")
"""What a profile of ours may hold. A session token is never written, and removed: it would spoil the key beside it."""


def parse(data):
    """Return profiles as dicts by name.

    :raises Unfit: when the file is not one that AWS's own tools would read.
    """
    if len(data) > LARGEST:
        raise Unfit("it is larger than 1 MiB")
    if b"\0" in data:
        raise Unfit("it holds a NUL byte")
    if re.search(rb"\r(?!\n)", data):
        # AWS's own readers take it for the end of a line, and the lines here are not theirs then.
        raise Unfit("it holds a carriage return without a line feed")
    parser = configparser.RawConfigParser(default_section="\0none")
    try:
        parser.read_string(_text(data).replace("\r\n", "\n"))
    except configparser.Error as error:
        raise Unfit("it is no credentials file: " + _where(error)) from None
    return {name: dict(parser.items(name)) for name in parser.sections()}


def merge(data, profile, values):
    """Return the file with ``values`` in ``profile``; an empty value takes the setting out.

    :param data: the file's bytes, empty for a new one.
    :param values: some of ``OURS``.
    """
    before = parse(data)
    lines = _lines(data)
    newline = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    span = _span(lines, profile, before)
    if span is None:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += newline
        if lines and lines[-1].strip():
            lines.append(newline)
        lines.append("[" + profile + "]" + newline)
        span = (len(lines) - 1, len(lines))
    head, end = span
    body, seen = [], set()
    for line in lines[head + 1 : end]:
        name = _name(line)
        if name not in values:
            body.append(line)
        elif values[name]:
            body.append(name + " = " + values[name] + (line[len(line.rstrip("\r\n")) :] or newline))
            seen.add(name)
    _insert(body, [name + " = " + values[name] + newline for name in OURS if values.get(name) and name not in seen], newline)
    if body and not lines[head].endswith("\n"):
        lines[head] += newline
    if not any(line.strip() for line in body) and not any(values.values()):
        body, lines[head] = [], ""
    return _checked(before, "".join(lines[:head] + [lines[head]] + body + lines[end:]).encode("utf-8", "surrogateescape"), profile, values)


def remove(data, profile):
    """Return the file without our settings; the profile goes with them unless others' lines are left in it."""
    return merge(data, profile, dict.fromkeys(OURS, "")) if profile in parse(data) else data


def _text(data):
    return data.decode("utf-8", "surrogateescape")


def _lines(data):
    return [line for line in re.split(r"(?<=\n)", _text(data)) if line]


def _name(line):
    found = re.match(r"[ \t]*([A-Za-z_]+)[ \t]*[=:]", line)
    return found.group(1).lower() if found else None


def _span(lines, profile, parsed):
    """Return where the profile's header stands and where its body ends."""
    heads = [at for at, line in enumerate(lines) if re.match(r"\[[^\]]+\]", line)]
    ours = [at for at in heads if re.match(r"\[" + re.escape(profile) + r"\]\s*([#;].*)?$", lines[at])]
    near = [name for name in parsed if name.strip() == profile]
    if len(ours) != len(near) or near not in ([], [profile]) or len(heads) != len(parsed):
        raise Unfit("its section headers are not plain enough to edit profile " + profile + " alone")
    if not ours:
        return None
    if any("\n" in (parsed[profile].get(name) or "") or parsed[profile].get(name, "") is None for name in OURS):
        raise Unfit("profile " + profile + " holds a setting of ours over several lines")
    return ours[0], next((at for at in heads if at > ours[0]), len(lines))


def _insert(body, new, newline):
    """Put new settings behind the last setting, before blank lines and comments that lead to the next section."""
    at = max([index + 1 for index, line in enumerate(body) if line.strip() and line.lstrip()[0] not in "#;"] or [0])
    if new and at and not body[at - 1].endswith("\n"):
        body[at - 1] += newline
    body[at:at] = new


def _checked(before, data, profile, values):
    expected = {name: dict(settings) for name, settings in before.items()}
    wanted = dict(expected.get(profile, {}), **{name: value for name, value in values.items() if value})
    wanted = {name: value for name, value in wanted.items() if values.get(name, value)}
    after = parse(data)
    if after.get(profile, {}) != wanted or [(n, s) for n, s in after.items() if n != profile] != [
        (n, s) for n, s in expected.items() if n != profile
    ]:
        raise Unfit("profile " + profile + " cannot be changed without changing something else")
    return data


def _where(error):
    """Return what is wrong in words that hold nothing of the file's content, which may be a secret."""
    if isinstance(error, configparser.DuplicateSectionError):
        return f"a profile stands in it twice (line {error.lineno})"
    if isinstance(error, configparser.DuplicateOptionError):
        return f"a setting stands twice in a profile (line {error.lineno})"
    if isinstance(error, configparser.MissingSectionHeaderError):
        return f"line {error.lineno} stands before any profile"
    return "lines {} are no settings".format(", ".join(str(line) for line, _text in getattr(error, "errors", [])[:5]))
