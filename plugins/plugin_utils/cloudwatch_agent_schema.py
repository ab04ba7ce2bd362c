# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The agent's own schema of its configuration, asked before anything is written."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Mapping

from ..module_utils._model.errors import InputError

try:
    import jsonschema  # type: ignore[import-untyped]
except ImportError:  # validate says so
    jsonschema = None

SCHEMA = Path(__file__).with_name("cloudwatch_agent_schema.json")
_SHOWN = 5


def validate(config: Mapping[str, Any], where: str, secret: bool) -> None:
    """Refuse a configuration that the agent would refuse.

    :param where: how the error calls it.
    :param secret: no value of it may be quoted.
    :raises InputError: with the places and what is wrong there.
    """
    if jsonschema is None:
        raise InputError(
            "The Python library jsonschema is missing on the controller, and without it a configuration of the agent cannot be checked. "
            "Install it for the Python that runs Ansible: pip install jsonschema"
        )
    errors = sorted(_validator().iter_errors(config), key=lambda error: [str(part) for part in error.absolute_path])
    if errors:
        more = f" (and {len(errors) - _SHOWN} more)" if len(errors) > _SHOWN else ""
        told = "; ".join(dict.fromkeys(_told(jsonschema.exceptions.best_match([error]), secret) for error in errors[:_SHOWN]))
        raise InputError(f"{where} is not what the CloudWatch agent's schema allows: {told}{more}. Nothing was changed.")


@lru_cache(maxsize=1)
def _validator() -> Any:
    return jsonschema.Draft4Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _told(error: Any, secret: bool) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path).lstrip(".") or "the whole"
    rule = f"breaks the rule {error.validator}" if secret else _short(error.message)
    return f"{path}: {rule}"


def _short(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:100]} ... {message[-90:]}"
