# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shapes for the playbook that gives instances their profile. Each filter is documented in the file of its name."""

from __future__ import annotations

from functools import wraps
from typing import Any, Callable, Dict

from ansible.errors import AnsibleFilterError
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import instance_hosts
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import InputError


def _told(function: Callable[..., Any]) -> Callable[..., Any]:
    """Turn what the user must correct into an error of Ansible's."""

    @wraps(function)
    def filtered(*arguments: Any, **more: Any) -> Any:
        try:
            return function(*arguments, **more)
        except InputError as error:
            raise AnsibleFilterError(str(error)) from error

    return filtered


class FilterModule:
    def filters(self) -> Dict[str, Callable[..., Any]]:
        return {"restart_hosts": _told(instance_hosts.restart_hosts), "restart_report": _told(instance_hosts.restart_report)}
