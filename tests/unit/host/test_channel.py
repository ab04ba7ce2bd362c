# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are sent as one text share one set of names."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host import channel


def names(source):
    tree = ast.parse(Path(channel.__file__).with_name(source).read_text())
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets)


@pytest.mark.parametrize("sources", [channel.CREDENTIALS, channel.AGENT, channel.SSM_AGENT], ids=str)
def test_no_name_is_taken_twice(sources):
    counted = Counter(name for source in sources for name in names(source))
    assert [name for name, count in counted.items() if count > 1] == []
    assert counted["main"] == counted["OPERATIONS"] == 1
