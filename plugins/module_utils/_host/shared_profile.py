# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The profile in which SSM Agent shares its credentials: look, and open it to the agent that reads it.

It runs on the host, standard library alone; ``ground.py``, ``accounts.py`` and ``profile.py`` are sent in front of it. The keys in the
profile are SSM Agent's: it writes others each half hour, in place, and leaves owner, group, mode and what else is in the file as they are.
"""

from __future__ import annotations

from contextlib import suppress

with suppress(ImportError):  # sent as one text, those in front
    from .accounts import attributes_of, number_of, unknown_accounts
    from .ground import Conflict, Unfit, read, replace
    from .profile import merge, parse, remove


def shared_profile(path, profile, wanted):
    """Return what the profile looks like, without a secret; ``None`` where nothing is asked.

    :param wanted: ``owner`` and ``group`` as the user wrote them, names or numbers.
    """
    if wanted is None:
        return None
    try:
        data, status = read(path)
        settings = parse(data).get(profile, {})
    except Unfit as error:
        return {"unfit": str(error)}
    names = attributes_of(status) if status else {"owner": "", "group": "", "uid": "", "gid": "", "mode": ""}
    return {
        "temporary": bool(settings.get("aws_access_key_id") and settings.get("aws_session_token")),
        "region": settings.get("region") or "",
        "owner": names["uid" if wanted["owner"].isdigit() else "owner"],
        "group": names["gid" if wanted["group"].isdigit() else "group"],
        "mode": names["mode"],
        "unknown": unknown_accounts(wanted),
    }


def open_profile(request):
    """Set Region, owner, group and mode; the keys in it stay."""

    def checked(data):
        if not parse(data).get(request["profile"], {}).get("aws_session_token"):
            raise Conflict("SSM Agent's credentials are gone from profile " + request["profile"])
        return merge(data, request["profile"], {"region": request["region"]}) if request["region"] else data

    owner, group = number_of("user", request["owner"]), number_of("group", request["group"])
    replace(request["path"], checked, owner, group, int(request["mode"], 8))
    return {}


def close_profile(request):
    """Take SSM Agent's credentials out of the profile; a file with nothing left in it goes. Keys of others stay."""

    def checked(data):
        temporary = parse(data).get(request["profile"], {}).get("aws_session_token")
        return remove(data, request["profile"]) if temporary else data

    replace(request["path"], checked, mode=None)
    return {}
