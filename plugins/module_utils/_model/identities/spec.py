# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task of ``iam_identities`` may say, as data: for the module itself, and for whoever is told what is expected."""

from __future__ import annotations

from typing import Any, Dict

from ..catalogue.by_name import PRESETS

_STATE = {"type": "str", "choices": ["present", "absent"], "default": "present"}
_TAGS = {"tags": {"type": "dict"}, "purge_tags": {"type": "bool", "default": False}}
_CONTENT = {
    "document": {"type": "raw"},
    "preset": {"type": "str", "choices": list(PRESETS)},
    "options": {"type": "dict"},
}
_PERMISSIONS = {
    "boundary": {"type": "str", "aliases": ["permissions_boundary"]},
    "policies": {"type": "list", "elements": "str"},
    "purge_policies": {"type": "bool", "default": False},
    "inline_policies": {"type": "list", "elements": "dict", "options": dict(_CONTENT, name={"type": "str", "required": True})},
    "purge_inline_policies": {"type": "bool", "default": False},
}
_POLICY = dict(
    _CONTENT,
    name={"type": "str", "required": True},
    state=_STATE,
    path={"type": "str", "default": "/"},
    description={"type": "str"},
    **_TAGS,
)
_USER = dict(_PERMISSIONS, name={"type": "str", "required": True}, state=_STATE, path={"type": "str"}, **_TAGS)
_ROLE = dict(
    _USER,
    existing={"type": "bool", "default": False},
    add_trust={"type": "bool", "default": False},
    add_instance_profile={"type": "bool", "default": False},
    trust={"type": "str", "choices": ["ec2", "ssm", "service", "account", "saml", "oidc"]},
    trust_options={"type": "dict"},
    assume_role_policy_document={"type": "raw"},
    description={"type": "str"},
    max_session_duration={"type": "int"},
    instance_profile={"type": "bool"},
    instance_profile_name={"type": "str"},
)
ARGUMENT_SPEC: Dict[str, Any] = {
    "policies": {"type": "list", "elements": "dict", "default": [], "options": _POLICY},
    "roles": {"type": "list", "elements": "dict", "default": [], "options": _ROLE},
    "users": {"type": "list", "elements": "dict", "default": [], "options": _USER},
    "tags": {"type": "dict", "default": {}},
    "owned_by": {"type": "str", "default": "default"},
    "adopt": {"type": "bool", "default": False},
    "delete_unowned": {"type": "bool", "default": False},
    "guard": {"type": "int", "default": 10},
    "allow_gap": {"type": "bool", "default": False},
    "allow_in_use": {"type": "bool", "default": False},
    "allow_root": {"type": "bool", "default": False},
    "bulk_read_above": {"type": "int"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 120},
}
