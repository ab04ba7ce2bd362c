# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One profile in a file that belongs to others as well: their bytes stay."""

from __future__ import annotations

import configparser

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.profile import Unfit, merge, parse, remove
from hypothesis import given, settings
from hypothesis import strategies as st

KEY = {"aws_access_key_id": "AKIANEW", "aws_secret_access_key": "s/e+c=ret", "aws_session_token": "", "region": "eu-west-1"}
WRITTEN = b"aws_access_key_id = AKIANEW\naws_secret_access_key = s/e+c=ret\nregion = eu-west-1\n"

CASES = {
    "new file": (b"", b"[P]\n" + WRITTEN),
    "another profile": (b"[a]\nx = 1\n", b"[a]\nx = 1\n\n[P]\n" + WRITTEN),
    "no newline at the end": (b"[a]\nx = 1", b"[a]\nx = 1\n\n[P]\n" + WRITTEN),
    "replaced in place": (
        b"# top\n[P]\naws_access_key_id=OLD\n# mine\naws_secret_access_key: old\nregion = x\n\n[b]\ny=2\n",
        b"# top\n[P]\naws_access_key_id = AKIANEW\n# mine\naws_secret_access_key = s/e+c=ret\nregion = eu-west-1\n\n[b]\ny=2\n",
    ),
    "a session token goes, others' settings stay": (
        b"[P]\naws_access_key_id=OLD\naws_session_token = t\noutput = json\n[b]\n",
        b"[P]\naws_access_key_id = AKIANEW\noutput = json\naws_secret_access_key = s/e+c=ret\nregion = eu-west-1\n[b]\n",
    ),
    "comments before the next profile stay with it": (b"[P]\n\n# of b\n[b]\n", b"[P]\n" + WRITTEN + b"\n# of b\n[b]\n"),
    "carriage returns": (b"[a]\r\nx = 1\r\n", b"[a]\r\nx = 1\r\n\r\n[P]\r\n" + WRITTEN.replace(b"\n", b"\r\n")),
    "header at the end without newline": (b"[P]", b"[P]\n" + WRITTEN),
    "upper case": (b"[P]\nAWS_ACCESS_KEY_ID = OLD\n", b"[P]\n" + WRITTEN),
    "not UTF-8": (b"[a]\nx = \xff\xfe\n", b"[a]\nx = \xff\xfe\n\n[P]\n" + WRITTEN),
    "a name that begins like ours": (b"[P2]\nregion = z\n", b"[P2]\nregion = z\n\n[P]\n" + WRITTEN),
    "several lines of somebody else": (b"[a]\ns3 =\n  max = 1\n[P]\n", b"[a]\ns3 =\n  max = 1\n[P]\n" + WRITTEN),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=list(CASES))
def test_merge(before, after):
    assert merge(before, "P", KEY) == after
    assert merge(after, "P", KEY) == after
    assert parse(after)["P"]["aws_secret_access_key"] == "s/e+c=ret"


@pytest.mark.parametrize(
    "data",
    [
        b"x = 1\n",
        b"[P]\n[P]\n",
        b"[P]\nregion = a\nregion = b\n",
        b"[P]\njust words\n",
        b"[ P ]\n",
        b"[P]\naws_access_key_id =\n  A\n",
        b"[a]\n\0\n",
        b"[a\nb]\n",
        b"#" * (1024 * 1024 + 1),
    ],
)
def test_files_that_are_left_alone(data):
    with pytest.raises(Unfit) as unfit:
        merge(data, "P", KEY)
    assert "s/e+c" not in str(unfit.value)


def test_what_is_wrong_is_said_without_the_content():
    with pytest.raises(Unfit) as unfit:
        parse(b"[P]\naws_secret_access_key s3cr3t\n")
    assert "s3cr3t" not in str(unfit.value) and "2" in str(unfit.value)


def test_region_alone():
    assert merge(b"[P]\naws_access_key_id = A\n", "P", {"region": "r-1"}) == b"[P]\naws_access_key_id = A\nregion = r-1\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"[P]\n" + WRITTEN, b""),
        (b"[a]\nx = 1\n\n[P]\n" + WRITTEN + b"\n[b]\n", b"[a]\nx = 1\n\n[b]\n"),
        (b"[P]\n" + WRITTEN + b"output = json\n", b"[P]\noutput = json\n"),
        (b"[P]\n# why\n" + WRITTEN, b"[P]\n# why\n"),
        (b"[a]\nx = 1\n", b"[a]\nx = 1\n"),
        (b"", b""),
    ],
)
def test_remove(before, after):
    assert remove(before, "P") == after


NAMES = st.sampled_from(["P", "a", "b", "P2", "default"])
LINES = st.sampled_from(
    ["", "# c", "; c", "x = 1", "y: 2", "region = q", "aws_access_key_id=K", "aws_secret_access_key = S", "  more", "[z]", "junk", "[ P ]"]
)
FILES = st.lists(st.tuples(NAMES, st.lists(LINES, max_size=4)), max_size=4).map(
    lambda parts: "".join(f"[{name}]\n" + "".join(line + "\n" for line in lines) for name, lines in parts)
)


@settings(max_examples=400)
@given(FILES, st.sampled_from(["\n", "\r\n"]))
def test_everything_else_stays(text, newline):
    data = text.replace("\n", newline).encode()
    try:
        after = merge(data, "P", KEY)
    except Unfit:
        return
    before = parse(data)
    parser = configparser.RawConfigParser()
    parser.read_string(after.decode().replace("\r\n", "\n"))
    assert dict(parser["P"].items())["aws_secret_access_key"] == "s/e+c=ret"
    assert {n: s for n, s in parse(after).items() if n != "P"} == {n: s for n, s in before.items() if n != "P"}
    ours = ("aws_access_key_id", "aws_secret_access_key", "region", "[P]")
    kept = [line for line in data.splitlines() if line.strip() and not line.decode().startswith(ours)]
    assert [line for line in after.splitlines() if line in kept][: len(kept)] == kept
