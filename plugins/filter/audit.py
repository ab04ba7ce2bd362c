# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An audit as a document and as a page. Each filter is documented in the file of its name."""

from __future__ import annotations

from functools import wraps
from typing import Any, Callable, Dict

from ansible.errors import AnsibleFilterError
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.audit import document, report, subjects
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
        filters = {
            "audit_document": document.document,
            "audit_html": report.html,
            "audit_checks": subjects.checks,
            "audit_predicted": subjects.predicted,
        }
        return {name: _told(function) for name, function in filters.items()}
