# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Service settings of Systems Manager, for emulators that have none."""

from __future__ import annotations

from typing import Dict, Mapping, Tuple

from .wire import Document, Scope, ServiceError, World

SETTINGS: Mapping[str, Tuple[str, Tuple[str, ...]]] = {
    "/ssm/managed-instance/activation-tier": ("standard", ("standard", "advanced")),
    "/ssm/managed-instance/default-ec2-instance-management-role": ("$None", ()),
    "/ssm/parameter-store/default-parameter-tier": ("Standard", ("Standard", "Advanced", "Intelligent-Tiering")),
    "/ssm/parameter-store/high-throughput-enabled": ("false", ("true", "false")),
    "/ssm/documents/console/public-sharing-permission": ("Enable", ("Enable", "Disable")),
    "/ssm/automation/customer-script-log-destination": ("None", ()),
    "/ssm/automation/customer-script-log-group-name": ("/aws/ssm/automation/executeScript", ()),
    "/ssm/opsinsights/opscenter": ("Disabled", ("Enabled", "Disabled")),
}
"""Service settings: what they are until somebody sets them, and what they may be (anything where none is listed)."""


class Settings:
    """What is set, per account and region."""

    def __init__(self) -> None:
        self.settings: Dict[Tuple[str, str, str], Document] = {}

    def get(self, request: Document, scope: Scope, world: World, now: float) -> Document:
        name = setting_name(request)
        default: Document = {"SettingValue": SETTINGS[name][0], "LastModifiedDate": 0.0, "LastModifiedUser": "System", "Status": "Default"}
        value = self.settings.get((scope.account, scope.region, name), default)
        return {"ServiceSetting": {"SettingId": name, "ARN": scope.arn(f"servicesetting{name}"), **value}}

    def set(self, request: Document, scope: Scope, world: World, now: float) -> Document:
        name, value = setting_name(request), str(request.get("SettingValue", ""))
        allowed = SETTINGS[name][1]
        if allowed and value not in allowed:
            raise ServiceError("ValidationException", f"Invalid setting value, allowed value pattern: {'|'.join(allowed)}")
        user = scope.caller or f"arn:aws:iam::{scope.account}:root"
        self.settings[scope.account, scope.region, name] = {
            "SettingValue": value,
            "LastModifiedDate": now,
            "LastModifiedUser": user,
            "Status": "Customized",
        }
        return {}

    def reset(self, request: Document, scope: Scope, world: World, now: float) -> Document:
        self.settings.pop((scope.account, scope.region, setting_name(request)), None)
        return self.get(request, scope, world, now)


def setting_name(request: Document) -> str:
    given = str(request.get("SettingId", ""))
    name = given.partition(":servicesetting")[2] if given.startswith("arn:") else given
    if name not in SETTINGS:
        raise ServiceError("ServiceSettingNotFound", f"ServiceSetting {given} does not exist.")
    return name
