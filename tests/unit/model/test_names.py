# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What IAM takes for a name, a path, a description, a tag and an ARN, at its limits and one beyond."""

from __future__ import annotations

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import names
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError

FIFTY = {str(number): "" for number in range(50)}

TAKEN = {
    "a name": (names.name, "role", "R_a+=,.@-9", "roles"),
    "a role's longest": (names.name, "role", "r" * 64, "roles"),
    "a policy's longest": (names.name, "managed policy", "p" * 128, "policies"),
    "the root path": (names.path, "role", "/", "roles"),
    "a path of two": (names.path, "role", "/a/b!~/", "roles"),
    "the longest path": (names.path, "role", f"/{'p' * 510}/", "roles"),
    "a policy's path": (names.path, "managed policy", "/a.b/c-d/", "policies"),
    "a policy's root path": (names.path, "managed policy", "/", "policies"),
    "no description": (names.description, "", "roles"),
    "a description in Latin-1": (names.description, "Größe\tund\r\nmehr ~¡ÿ", "roles"),
    "the longest description": (names.description, "d" * 1000, "roles"),
    "the shortest session": (names.session_duration, 3600, "roles"),
    "the longest session": (names.session_duration, 43200, "roles"),
    "an owner": (names.owner, "team a/b:c=d+e-f@g.h_i"),
}
REFUSED = {
    "no name": (names.name, "role", "", "roles"),
    "a number for a name": (names.name, "role", 7, "roles"),
    "a space in a name": (names.name, "role", "a b", "roles"),
    "a letter beyond ASCII in a name": (names.name, "role", "ä", "roles"),
    "a role's name, one too long": (names.name, "role", "r" * 65, "roles"),
    "a user's": (names.name, "user", "u" * 65, "users"),
    "a policy's": (names.name, "managed policy", "p" * 129, "policies"),
    "an instance profile's": (names.name, "instance profile", "p" * 129, "roles"),
    "an inline policy's": (names.name, "inline policy", "p" * 129, "roles"),
    "no path": (names.path, "role", "", "roles"),
    "a path without its end": (names.path, "role", "/a", "roles"),
    "a path with a space": (names.path, "role", "/a b/", "roles"),
    "a path that is too long": (names.path, "role", f"/{'p' * 511}/", "roles"),
    "what a policy's path must not have": (names.path, "managed policy", "/a!b/", "policies"),
    "a typographic dash": (names.description, "a – b", "roles"),
    "a control character": (names.description, "a\x0bb", "roles"),
    "a character between the two halves of Latin-1": (names.description, "a\x9fb", "roles"),
    "a description that is too long": (names.description, "d" * 1001, "roles"),
    "a session that is too short": (names.session_duration, 3599, "roles"),
    "a session that is too long": (names.session_duration, 43201, "roles"),
    "an owner that no tag can hold": (names.owner, "a;b"),
    "an owner that is too long": (names.owner, "o" * 257),
    "a name in another spelling": (names.unique, ["Web", "web"], "role", "roles"),
    "a name twice": (names.unique, ["web", "web"], "role", "roles"),
    "no ARN": (names.policy_arn, "arn:aws:iam::12345678901:policy/P", "policies"),
    "more than an ARN": (names.policy_arn, "arn:aws:iam::aws:policy/P\n", "policies"),
}


@pytest.mark.parametrize(("check", "arguments"), [(check, given) for check, *given in TAKEN.values()], ids=TAKEN)
def test_taken_as_it_is(check, arguments):
    assert check(*arguments) in arguments


@pytest.mark.parametrize(("check", "arguments"), [(check, given) for check, *given in REFUSED.values()], ids=REFUSED)
def test_refused(check, arguments):
    with pytest.raises(InputError):
        check(*arguments)


TAGS = {
    "numbers become texts": ({1: 2}, {"1": "2"}),
    "an empty value": ({"a": ""}, {"a": ""}),
    "the longest": ({"k" * 128: "v" * 256}, {"k" * 128: "v" * 256}),
    "as many as there may be": (FIFTY, FIFTY),
}
NO_TAGS = {
    "one too many": {**FIFTY, "more": ""},
    "no value": {"a": None},
    "AWS's own": {"AWS:x": "y"},
    "this collection's own": {"HybridOps.aws_agents/owner": "y"},
    "no key": {"": "y"},
    "a key that is too long": {"k" * 129: ""},
    "a key of other characters": {"a;b": ""},
    "a value that is too long": {"a": "v" * 257},
    "a value of other characters": {"a": "x;y"},
    "two spellings": {"Team": "a", "team": "b"},
}


@pytest.mark.parametrize(("given", "stored"), TAGS.values(), ids=TAGS)
def test_tags(given, stored):
    assert names.tags(given, "tags") == stored


@pytest.mark.parametrize("given", NO_TAGS.values(), ids=NO_TAGS)
def test_no_tags(given):
    with pytest.raises(InputError):
        names.tags(given, "tags")


def test_the_parts_of_an_arn():
    parts = names.policy_arn("arn:aws-cn:iam::aws:policy/service-role/P@1", "policies")
    assert parts == {"partition": "aws-cn", "account": "aws", "path": "/service-role/", "name": "P@1"}


def test_what_was_left_out_is_not_checked():
    assert names.optional(names.description, None, "roles") is None and names.optional(names.description, "d", "roles") == "d"


def test_what_is_shown_of_something_long():
    with pytest.raises(InputError, match=r"'r{79}… \(102 characters\)"):
        names.name("role", "r" * 100, "roles")
