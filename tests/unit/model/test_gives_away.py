# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which texts quote a secret."""

from __future__ import annotations

import json

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.gives_away import PIECE, gives_away

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCY"
CONFIG = json.dumps({"metrics": {"namespace": "hidden-name"}})

TEXTS = {
    "nothing of it": ("AccessDenied when calling PutParameter", SECRET, False),
    "all of it": (f"Value '{SECRET}' at 'value' failed", SECRET, True),
    "its beginning": (f"Value '{SECRET[:PIECE]}...' is too long", SECRET, True),
    "its end": (f"...{SECRET[-PIECE:]}", SECRET, True),
    "too little to tell": (f"...{SECRET[3 : 2 + PIECE]}.", SECRET, False),
    "with escaped slashes": (SECRET.replace("/", "\\/"), SECRET, True),
    "a JSON in JSON": (json.dumps({"message": CONFIG[:30]}), CONFIG, True),
    "a short one": ("the word is abc", "abc", True),
    "a short one that is not there": ("the word is abd", "abc", False),
    "none": ("anything", "", False),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts(name):
    text, secret, expected = TEXTS[name]
    assert gives_away(text, secret) is expected
