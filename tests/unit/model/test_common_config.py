# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A few settings in a file that is everybody's."""

from __future__ import annotations

import tomllib

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.common_config import (
    FILE,
    PROFILE,
    SECTIONS,
    SETTINGS,
    current,
    pointed,
    shown,
)
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal
from hypothesis import example, given
from hypothesis import strategies as st

OURS = {PROFILE: "P", FILE: "/etc/c"}
ADDED = '[credentials]\n   shared_credential_profile = "P"\n   shared_credential_file = "/etc/c"\n'
AS_SHIPPED = """# This common-config is used to configure items used for both ssm and cloudwatch access

## Configuration for shared credential.
# [credentials]
#    shared_credential_profile = "{profile_name}"
#    shared_credential_file = "{file_name}"

# [proxy]
#    http_proxy = "{http_url}"
"""

CASES = [
    ("", ADDED),
    (AS_SHIPPED, AS_SHIPPED + "\n" + ADDED),
    ("[proxy]\nhttp_proxy = 'x'", "[proxy]\nhttp_proxy = 'x'\n\n" + ADDED),
    (
        '[credentials]\nshared_credential_profile="X" # why\n\n[ssl]\na = 1\n',
        '[credentials]\nshared_credential_profile="P" # why\nshared_credential_file = "/etc/c"\n\n[ssl]\na = 1\n',
    ),
    ("[ credentials ] # c\n  shared_credential_file = '/etc/c'\n  shared_credential_profile = 'P'\n", None),
    ('[proxy]\nx = "it\'\'\'s" # or """ so\n', '[proxy]\nx = "it\'\'\'s" # or """ so\n\n' + ADDED),
    ("[credentials]\r\nx = 1\r\n", ADDED.replace("]\n", "]\nx = 1\n").replace("\n", "\r\n")),
]


def ours(text):
    return {name: value for name, value in current(text).items() if name in OURS}


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_pointed(text, expected):
    after = pointed(text, OURS)
    assert after == (text if expected is None else expected)
    assert pointed(after, OURS) == after
    assert ours(after) == OURS == {name: tomllib.loads(after)["credentials"][name] for name in OURS}


@pytest.mark.parametrize(("text", "_expected"), CASES)
def test_taken_out_again(text, _expected):
    gone = pointed(pointed(text, OURS), dict.fromkeys(OURS))
    assert ours(gone) == dict.fromkeys(OURS)
    for section, values in tomllib.loads(text).items():
        assert {**tomllib.loads(gone).get(section, {}), **{name: values[name] for name in OURS if name in values}} == values


@pytest.mark.parametrize(
    "text",
    [
        "[credentials]\n[credentials]\n",
        "[[credentials]]\n",
        'credentials.shared_credential_file = "x"\n',
        "credentials = {}\n",
        'a = """\n[credentials]\n"""\n',
        "a = '''x\n[credentials]\n'''\n",
        'a = "it" # so\nb = """\n[credentials]\n"""\n',
        "[credentials]\nshared_credential_file = 3\n",
        '[credentials]\nshared_credential_file = "a"\nshared_credential_file = "b"\n',
        '[credentials]\n"shared_credential_file" = "a"\n',
    ],
)
def test_files_that_are_left_alone(text):
    with pytest.raises(Refusal):
        pointed(text, OURS)


def test_a_value_stays_one_value():
    with pytest.raises(InputError):
        pointed("", {FILE: "a\nb"})


@example("'''")
@example('"""')
@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc",)), min_size=1))
def test_any_value_comes_back(value):
    text = pointed("[proxy]\nx = 1\n", {FILE: value})
    assert tomllib.loads(text)["credentials"][FILE] == value == current(text)[FILE]


ALL = {
    PROFILE: "P",
    FILE: "/etc/c",
    "http_proxy": "http://proxy:3128",
    "https_proxy": "http://proxy:3128",
    "no_proxy": "169.254.169.254",
    "ca_bundle_path": "/etc/ca.pem",
    "imds_retries": "2",
}
WHOLE = """[credentials]
   shared_credential_profile = "P"
   shared_credential_file = "/etc/c"

[proxy]
   http_proxy = "http://proxy:3128"
   https_proxy = "http://proxy:3128"
   no_proxy = "169.254.169.254"

[ssl]
   ca_bundle_path = "/etc/ca.pem"

[imds]
   imds_retries = 2
"""


def test_every_setting_in_its_section():
    assert set(ALL) == set(SETTINGS)
    text = pointed("", ALL)
    assert text == WHOLE and current(text) == ALL and pointed(text, ALL) == text
    read = tomllib.loads(text)
    assert {name: str(read[section][name]) for section, names in SECTIONS.items() for name in names} == ALL


@pytest.mark.parametrize("name", SETTINGS)
def test_one_setting_changes_its_own_line_alone(name):
    changed = pointed(WHOLE, {name: "7"}).splitlines()
    differing = [(old, new) for old, new in zip(WHOLE.splitlines(), changed, strict=True) if old != new]
    assert len(differing) == 1 and differing[0][0].split()[0] == differing[0][1].split()[0] == name
    gone = pointed(WHOLE, {name: None})
    assert len(gone.splitlines()) == len(WHOLE.splitlines()) - 1 and current(gone) == {**ALL, name: None}


@pytest.mark.parametrize("value", ["", "x", "-1", "1.5", "9" * 10])
def test_a_number_is_a_number(value):
    with pytest.raises(InputError, match="imds_retries"):
        pointed("", {"imds_retries": value})


@pytest.mark.parametrize(
    "text", ['[imds]\nimds_retries = "1"\n', "[ssl]\nca_bundle_path = 3\n", "[proxy]\n[proxy]\n", 'proxy.http_proxy = "x"\n']
)
def test_other_sections_are_left_alone_as_well(text):
    with pytest.raises(Refusal):
        pointed(text, ALL)


def test_no_line_is_quoted_which_may_hold_a_password():
    line = 'https_proxy = "http://u:s3cret@p:1"\n'
    with pytest.raises(Refusal, match=r"line 3 .*https_proxy") as error:
        pointed("[proxy]\n" + line * 2, ALL)
    assert "s3cret" not in str(error.value)
    with pytest.raises(InputError) as wrong:
        pointed("", {"https_proxy": "http://u:s3cret\x01@p:1"})
    assert "s3cret" not in str(wrong.value)


@pytest.mark.parametrize("url", ["http://u:s3@cret@p:1", "http://u:s3/cret@p:1", "http://u:s3:cret@p:1"])
def test_a_password_with_signs_in_it_is_not_shown(url):
    assert shown({"http_proxy": url}) == {"http_proxy": "http://u:***@p:1"}


def test_the_password_of_a_proxy_is_not_shown():
    told = shown({"http_proxy": "http://user:s3cret@proxy:1", "https_proxy": "http://proxy:1", "no_proxy": None})
    assert told == {"http_proxy": "http://user:***@proxy:1", "https_proxy": "http://proxy:1", "no_proxy": None}
