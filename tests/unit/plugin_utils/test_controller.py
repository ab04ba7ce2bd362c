# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a task may do its module's work in the controller's own process, and what it then takes for its options."""

from __future__ import annotations

import datetime
import sys
from types import SimpleNamespace

import pytest
from ansible_collections.hybridops.aws_agents.plugins.plugin_utils.controller import as_a_module_gets_it, would_run_here

OWN = {"ansible_python_interpreter": sys.executable}


def action(transport="local", become=None, asynchronous=0, delegate_to=None):
    connection = SimpleNamespace(transport=transport, become=become)
    task = SimpleNamespace(async_val=asynchronous, delegate_to=delegate_to)
    return SimpleNamespace(_task=task, _connection=connection, _templar=SimpleNamespace(template=lambda value: value))


@pytest.mark.parametrize(
    ("there", "variables", "here"),
    [
        (action(), OWN, True),
        (action(), {}, False),
        (action(), {"ansible_python_interpreter": "/usr/bin/python3"}, False),
        (action(), {"ansible_python_interpreter": "auto"}, False),
        (action("ssh"), OWN, False),
        (action(become=object()), OWN, False),
        (action(asynchronous=60), OWN, False),
        (action(delegate_to="other"), {"ansible_delegated_vars": {"other": OWN}}, True),
        (action(delegate_to="other"), {**OWN, "ansible_delegated_vars": {"other": {}}}, False),
    ],
)
def test_where_the_module_would_run(there, variables, here):
    """Any doubt is for the module: it finds its Python, its user and its host by itself."""
    assert would_run_here(there, variables) is here


def test_values_are_those_that_a_module_is_sent():
    """YAML takes an unquoted date, as in a policy's Version, for one."""
    given = {
        "document": {"Version": datetime.date(2012, 10, 17), "Statement": ({"Effect": "Allow"},)},
        "since": datetime.datetime(2026, 1, 1, 12, 30, tzinfo=datetime.UTC),
        "count": 3,
        "nothing": None,
    }
    assert as_a_module_gets_it(given) == {
        "document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]},
        "since": "2026-01-01T12:30:00+00:00",
        "count": 3,
        "nothing": None,
    }
