# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of ``cloudwatch_agent``, as a person writes them, to the rules of a decision."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Mapping, Optional, Tuple

from ..common_config import FILE, PROFILE
from ..duration import duration
from ..errors import InputError
from ..file_options import account, mode
from .shared import Sharing
from .state import FOLDER, LEGACY, Rules

ARGUMENT_SPEC: Dict[str, Dict[str, Any]] = {
    "root": {"type": "str", "default": "/opt/aws/amazon-cloudwatch-agent"},
    "credentials_file": {"type": "str"},
    "credentials_profile": {"type": "str", "default": "AmazonCloudWatchAgent"},
    "shared_credentials": {
        "type": "dict",
        "options": {"owner": {"type": "str"}, "group": {"type": "str"}, "mode": {"type": "str", "default": "0640"}},
    },
    "agent_region": {"type": "str"},
    "http_proxy": {"type": "str"},
    "https_proxy": {"type": "str"},
    "no_proxy": {"type": "str"},
    "ca_bundle": {"type": "str"},
    "imds_retries": {"type": "str"},
    "config": {"type": "raw"},
    "run_as_user": {"type": "str"},
    "parameter_prefixes": {"type": "list", "elements": "str", "default": ["AmazonCloudWatch-"]},
    "exclusive": {"type": "bool", "default": True},
    "config_path": {"type": "str", "default": "/etc/hybridops/cloudwatch-agent/config.json"},
    "prove": {"type": "bool", "default": True},
    "prove_timeout": {"type": "str", "default": "3m"},
    "verify_metrics": {"type": "bool", "default": False},
    "verify_metrics_timeout": {"type": "str", "default": "15m"},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
}
"""Without those of the AWS connection."""

_SETTINGS = {
    "http_proxy": "http_proxy",
    "https_proxy": "https_proxy",
    "no_proxy": "no_proxy",
    "ca_bundle": "ca_bundle_path",
    "imds_retries": "imds_retries",
}
"""Options and the settings of ``common-config.toml`` they stand for."""


def rules(options: Mapping[str, Any]) -> Rules:
    """Return the rules that the options stand for, the configuration aside.

    :param options: validated against ``ARGUMENT_SPEC``; ``region`` is the fallback of ``agent_region``.
    :raises InputError: with the option, the rule and the remedy.
    """
    root = _path("root", options["root"])
    region = options.get("agent_region") or options.get("region") or ""
    if region and not re.fullmatch(r"[a-z]{2,}(-[a-z]+)+-\d+", region):
        raise InputError(f"agent_region: {region!r} is no Region. Name the one the host sends to, such as eu-west-1.")
    credentials = _path("credentials_file", options["credentials_file"]) if options.get("credentials_file") else ""
    profile = options["credentials_profile"]
    if not re.fullmatch(r"[A-Za-z0-9_.@+=/-]{1,128}", profile):
        raise InputError(f"credentials_profile: {profile!r} cannot be the name of a profile. Use letters, digits and _ . @ + = / -")
    user = options.get("run_as_user") or ""
    if user and not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", user):
        raise InputError(f"run_as_user: {user!r} is no name of a user of Linux.")
    return Rules(
        root=root,
        present=options["state"] == "present",
        settings=_settings(options, profile, credentials),
        credentials_file=credentials,
        credentials_profile=profile,
        sharing=_sharing(options.get("shared_credentials"), credentials),
        region=region,
        run_as_user=user,
        origin=origin(options.get("config")),
        exclusive=options["exclusive"],
        config_path=_source(options["config_path"], root),
        prove=options["prove"],
        prove_timeout=duration(options["prove_timeout"], "prove_timeout"),
        verify_metrics=options["verify_metrics"],
        verify_metrics_timeout=duration(options["verify_metrics_timeout"], "verify_metrics_timeout"),
    )


def _sharing(given: Optional[Mapping[str, Any]], credentials: str) -> Optional[Sharing]:
    if given is None:
        return None
    if not credentials:
        raise InputError("shared_credentials: name the file that SSM Agent writes in credentials_file.")
    owner, group = (account(f"shared_credentials.{name}", given.get(name)) for name in ("owner", "group"))
    return Sharing(owner, group, mode("shared_credentials.mode", given["mode"]))


def origin(config: Any) -> Tuple[str, Any]:
    """Return where a configuration is found: ``("content", dict)``, ``("file", path)`` or ``("ssm", name)``; ``("", None)`` for none.

    The words are those of the agent's control script, which takes ``file:PATH`` and ``ssm:NAME`` for ``-c``. JSON as text is content,
    since a survey gives nothing else.

    :raises InputError: for anything else.
    """
    if config is None or config in ("", {}):
        return "", None
    if isinstance(config, Mapping):
        return "content", config
    kind, colon, name = str(config).partition(":") if isinstance(config, str) else ("", "", "")
    if colon and kind in ("file", "ssm") and name:
        return kind, name
    try:
        content = json.loads(config) if isinstance(config, str) else None
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise InputError(
            "config: give the agent's configuration as a mapping, file:/absolute/path.json for a file on the controller, or ssm:NAME for "
            "a parameter of Parameter Store."
        )
    return "content", content


def check_parameter(name: str, prefixes: Any) -> None:
    """Refuse the name of a parameter that the host may not read.

    :raises InputError: with the rule of the host's policy.
    """
    if not re.fullmatch(r"[A-Za-z0-9_./-]{1,1011}", name):
        raise InputError(f"config: ssm:{name} names no parameter. Use letters, digits and _ . - /")
    if not any(prefix and name.startswith(prefix) for prefix in prefixes):
        raise InputError(
            f"config: the host fetches ssm:{name} itself, and the policy CloudWatchAgentServerPolicy lets it read only parameters "
            f"whose names begin with {' or '.join(prefixes) or 'nothing'}. Rename it, or give the host's user a policy that allows "
            "ssm:GetParameter on it and add its beginning to parameter_prefixes."
        )


def _settings(options: Mapping[str, Any], profile: str, credentials: str) -> Dict[str, Optional[str]]:
    present = options["state"] == "present"
    found: Dict[str, Optional[str]] = {}
    if credentials or not present:
        # Both, always: which mode the agent chose is forgotten at its next start, and each mode has another default.
        found = {PROFILE: profile if present else None, FILE: credentials if present else None}
    for option, setting in _SETTINGS.items():
        if options.get(option) is not None:
            found[setting] = (options[option] or None) if present else None
    for option in ("http_proxy", "https_proxy"):
        value = found.get(option)
        if value and not re.fullmatch(r"(https?|socks5h?)://[^\s/]+/?", value):
            raise InputError(f"{option}: not the address of a proxy. Write it as http://host:port.")
    if found.get("ca_bundle_path"):
        _path("ca_bundle", str(found["ca_bundle_path"]))
    return found


def _source(path: str, root: str) -> str:
    _path("config_path", path)
    if path == f"{root}/{LEGACY}":
        raise InputError(
            f"config_path: the agent deletes {path} each time it loads a configuration, so this would change something for ever. "
            "Choose another place."
        )
    if path.startswith(f"{root}/{FOLDER}/"):
        raise InputError(f"config_path: {root}/{FOLDER} is the agent's own copy of its configurations. Choose another place.")
    if path.endswith(".tmp"):
        raise InputError(f"config_path: the agent takes {path} for a leftover of its own, because of its end. Choose one without .tmp.")
    return path


def _path(option: str, path: str) -> str:
    if not path.startswith("/") or path.endswith("/") or re.search(r"[\x00-\x1f\x7f\ud800-\udfff]|//|(^|/)\.\.?(/|$)", path):
        raise InputError(f"{option}: {path!r} is no absolute path. Write it in full, without '~', '.', '..' and a slash at the end.")
    return path
