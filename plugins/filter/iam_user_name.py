# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of IAM users for hosts of an inventory."""

from __future__ import annotations

from typing import Any, Callable, Dict

from ansible.errors import AnsibleFilterError

from ..module_utils._model.errors import InputError
from ..module_utils._model.user_name import PREFIX, user_name


def iam_user_name(host: Any, prefix: str = PREFIX) -> str:
    """Return the name of the IAM user of a host."""
    try:
        return user_name(host, prefix)
    except InputError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The collection's filter of this name."""

    def filters(self) -> Dict[str, Callable[..., str]]:
        return {"iam_user_name": iam_user_name}
