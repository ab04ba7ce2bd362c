# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What filters have in common: what the user must correct becomes an error of Ansible's."""

from __future__ import annotations

from functools import wraps
from typing import Any, Callable, Dict, Mapping

from ansible.errors import AnsibleFilterError

from ..module_utils._model.errors import InputError


def told(functions: Mapping[str, Callable[..., Any]]) -> Dict[str, Callable[..., Any]]:
    """Return functions as filters, by their names."""
    return {name: _told(function) for name, function in functions.items()}


def _told(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def filtered(*arguments: Any, **more: Any) -> Any:
        try:
            return function(*arguments, **more)
        except InputError as error:
            raise AnsibleFilterError(str(error)) from error

    return filtered
