# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and the options of a handover, as tables."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.access_key import Key, fresh
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.key_options import ARGUMENT_SPEC, rules
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.user_name import user_name
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("web1", "cwagent-web1"),
        ("web1.example.com", "cwagent-web1.example.com"),
        ("a_b=c,d@e-f", "cwagent-a_b=c,d@e-f"),
        ("x" * 56, "cwagent-" + "x" * 56),
    ],
)
def test_names_that_stay(host, name):
    assert user_name(host) == name


@pytest.mark.parametrize("host", ["Web1", "WEB1", "web 1", "wéb1", "web+1", "x" * 57, "web1\n", "10.0.0.1:22", "[::1]"])
def test_names_that_get_a_hash(host):
    assert re.fullmatch(r"cwagent-[a-z0-9_=,.@-]*\+[0-9a-f]{16}", user_name(host))


HOSTS = st.text(min_size=1, max_size=80) | st.from_regex(r"[A-Za-z0-9+.-]{1,70}", fullmatch=True)


@given(HOSTS, HOSTS, st.sampled_from(["", "cwagent-", "P" * 40]))
def test_names_never_collide(one, other, prefix):
    first, second = user_name(one, prefix), user_name(other, prefix)
    assert (first.lower() == second.lower()) == (one == other)
    assert re.fullmatch(r"[A-Za-z0-9_+=,.@-]{1,64}", first) and user_name(one, prefix) == first


@pytest.mark.parametrize("variant", ["Web1", "WEB1", "wEB1"])
def test_names_differ_where_iam_would_see_one(variant):
    assert user_name(variant).lower() != user_name("web1").lower()


def test_a_host_called_like_a_hashed_name_does_not_take_it():
    assert user_name(user_name("Web1", ""), "") != user_name("Web1", "")


@pytest.mark.parametrize(("host", "prefix"), [("", "p"), (None, "p"), ("web1", "x" * 41), ("web1", "a b")])
def test_names_that_cannot_be(host, prefix):
    with pytest.raises(InputError):
        user_name(host, prefix)


def options(**more):
    given_by_default = {name: spec.get("default") for name, spec in ARGUMENT_SPEC.items()}
    return {**given_by_default, "user": "web1", "path": "/etc/creds", "region": "eu-west-1", **more}


def test_defaults():
    plain = rules(options())
    assert (plain.mode, plain.region, plain.rotate_after, plain.present) == ("0600", "eu-west-1", None, True)
    assert (plain.in_use_within, plain.orphan_grace) == (timedelta(hours=24), timedelta(minutes=15))
    assert rules(options(credentials_region="us-gov-west-1")).region == "us-gov-west-1"
    assert rules(options(mode="640")).mode == "0640"


@pytest.mark.parametrize(
    ("orphan_grace", "age", "expected"),
    [("15m", 899.9, True), ("15m", 900, False), ("15m", -0.9, True), ("0", 0, False), ("0", -0.9, False)],
)
def test_keys_that_another_run_may_be_handing_over(orphan_grace, age, expected):
    """One whose creation has parts of a second is made after the whole second that AWS's answer has for a date."""
    created = datetime(2026, 1, 2, 3, 4, 5, 900000, UTC)
    key = Key("AKIAIOSFODNN7EXAMPLE", True, created)
    assert fresh(key, created + timedelta(seconds=age), rules(options(orphan_grace=orphan_grace))) is expected


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("user", "a b"), ("user", ""), ("user", "x" * 65), ("user", "web1\n"),
        ("path", "creds"), ("path", "~/creds"), ("path", "/etc/"), ("path", "/etc/../x"), ("path", "/etc/a\nb"),
        ("credentials_profile", "a]b"), ("credentials_profile", ""), ("credentials_profile", "a b"),
        ("credentials_region", "Europe"), ("region", None),
        ("mode", "0644"), ("mode", 384), ("mode", 416), ("mode", "0700"), ("mode", "u=rw"), ("mode", "0206"),
        ("owner", "a b"), ("group", "-x"), ("grace", "x"), ("verify_timeout", ""),
    ],
)  # fmt: skip
def test_options_that_cannot_be(option, value):
    with pytest.raises(InputError, match=r"\w+: "):
        rules(options(**{option: value}))
