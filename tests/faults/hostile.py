# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Input that means harm or is merely unlucky, drawn from the bench's seed."""

from __future__ import annotations

import unicodedata
from typing import Any, Callable, Tuple

from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError, Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.shown import LONGEST
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st

from tests.faults.bench import ALL, SEED

HOSTILE = (
    "'", '"', "`", '\\', '\\\\', '\\"', "$", "$HOME", "${PATH}", "$(id)", "`id`", ";id", "|id", "&&id", '\n', '\r', '\r\n', '\t', '\0',
    '\x0b', '\x0c', '\x1b[31m', '\x1b]0;x\x07', '\x7f', '\x85', '\x9b31m', '\u2028', '\u2029', '\x1c', '\x1e', "%", "%%", "%h", "%n",
    "%s", "{}", "{0}", "{{ 7*7 }}", "{% raw %}", "{# #}", "{{ lookup('pipe', 'id') }}", "!unsafe", "--", "-rf", "-", "..", "../", "/../",
    "/", "//", "~", "*", "?", "#", ";", "[", "]", "[default]", "=", ":", ",", " ", "  ", "<script>", "</style>", "&amp;", 'e\u0301',
    '\xe9', '\u202e', '\u200f', '\u2066', '\ufeff', '\u200b', '\U0001f600', '\ud800', '\udc80', '\udcff', '\u0130', '\u0131', '\xdf',
    '\u017f', "K", '\uff21', "aws:", "AWS:", "arn:", "hybridops.aws_agents/", "None", "null", "true", "1e5", "NaN",
)  # fmt: skip
"""Pieces that some reader on the way takes for more than text."""


def hostile(short: int, long: int = 0) -> Callable[[Any], Any]:
    """Return a decorator that gives a property so many examples, the same ones in each run of a seed."""
    chosen = settings(
        max_examples=(long or short * 20) if ALL else short,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    return lambda test: seed(SEED)(chosen(test))


def texts(*more: str, longest: int = 12) -> st.SearchStrategy[str]:
    """Return texts put together from ordinary letters, from what is hostile, and from ``more``; some are 10,000 characters long."""
    piece = st.sampled_from([*HOSTILE, *more]) | st.text(max_size=4) | st.sampled_from(["a", "Z", "0", "web1", "x-y", "key", *more])
    short = st.lists(piece, max_size=longest).map("".join)
    return st.one_of(short, short, short, st.builds(lambda text: ((text or "a") * 10_000)[:10_000], short))


def plain_data(*keys: str) -> st.SearchStrategy[Any]:
    """Return what YAML or JSON may hold, with ``keys`` among the names."""
    leaves = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | texts()
        | st.dates()
        | st.binary(max_size=4)
        | st.sampled_from(["Allow", "*"])
    )
    names = st.sampled_from([*keys, "a", "b"]) | texts(longest=3)
    return st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=8)


def obeyed(text: str) -> str:
    """Return what a terminal would obey in a text that is shown: control characters, and those that turn the direction."""
    return "".join(letter for letter in text if letter not in "\n\t" and (unicodedata.category(letter) in ("Cc", "Cs") or letter in _TURNS))


_TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def outcome(call: Callable[[], Any]) -> Tuple[Any, str]:
    """Return what a call returns, and the words in which it refused instead; empty where it did not. All else that it raises is a fault."""
    try:
        return call(), ""
    except (InputError, Refusal) as error:
        words = str(error)
    assert words and len(words) <= LONGEST, "a message must not repeat an input of any length"
    assert not obeyed(words)
    return None, words
