# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration that an agent is to have: found on the controller, checked, and brought into its final form."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, List, Optional, Tuple

from ..module_utils._aws.agent_reads import configuration
from ..module_utils._model.agent.configuration import check, parse, plain, render
from ..module_utils._model.agent.options import check_parameter
from ..module_utils._model.agent.state import Rules, Wanted, file_name, parameter_file_name
from ..module_utils._model.errors import InputError
from .cloudwatch_agent_schema import validate


def wanted(rules: Rules, prefixes: List[str], client: Callable[..., Any]) -> Tuple[Optional[Wanted], List[str]]:
    """Return the configuration that the rules name, and what looks wrong in it; none where they name none.

    :param prefixes: what names of parameters begin with that the host may read.
    :raises InputError: for one that the agent would refuse, or could not run on premises.
    :raises Refusal: for a parameter that cannot be read.
    """
    kind, given = rules.origin
    if not kind:
        return None, []
    if kind == "ssm":
        return _from_parameter(given, prefixes, rules.region, client)
    where = "config" if kind == "content" else f"config: file:{given}"
    config = plain(given, where) if kind == "content" else from_file(given, where)
    warnings = _checked(config, where)
    text = render(config, rules.region, rules.run_as_user)
    return Wanted(text, file_name(rules.config_path), f"file:{rules.config_path}", parse(text, where)), warnings


def _checked(config: Dict[str, Any], where: str, secret: bool = False) -> List[str]:
    validate(config, where, secret)
    return check(config, where)


def from_file(path: str, where: str) -> Dict[str, Any]:
    """Return the configuration in a file of the controller.

    :raises InputError: when it cannot be read, or is none.
    """
    if not os.path.isabs(path):
        raise InputError(f'{where} is no absolute path. Write it in full, such as "file:{{{{ playbook_dir }}}}/agent.json".')
    try:
        with open(path, encoding="utf-8") as file:
            return parse(file.read(), where)
    except OSError as error:
        raise InputError(f"{where} cannot be read on the controller: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise InputError(f"{where} is not encoded in UTF-8.") from None


def _from_parameter(name: str, prefixes: List[str], region: str, client: Callable[..., Any]) -> Tuple[Wanted, List[str]]:
    check_parameter(name, prefixes)
    if not region:
        raise InputError("agent_region: name the Region in which the host looks for the parameter.")
    text, secret = configuration(client("ssm", region=region), name, region)
    where = f"config: ssm:{name}"
    config = parse(text, where)
    warnings = _checked(config, where, secret)
    return Wanted(text, parameter_file_name(name), f"ssm:{name}", config, secret), warnings
