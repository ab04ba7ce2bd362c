# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person needs to look at what the agents sent.

"Identity and Access Management for Amazon CloudWatch": "you must have permissions to create CloudWatch dashboard widgets, view metrics,
and so on". The actions are those of "Amazon CloudWatch Permissions Reference".
"""

from __future__ import annotations

import re
from typing import Any, List, Mapping

from ..context import Context
from ..document import Document, allow, document
from ..errors import InputError
from ..options import Option
from .preset import Preset, log_group_arns

_DASHBOARD = re.compile(r"[A-Za-z0-9_-]{1,255}")


def cloudwatch_viewer(options: Mapping[str, Any], context: Context, where: str) -> Document:
    """Return a policy to view metrics, dashboards and alarms, and to change nothing unless ``edit_dashboards`` names it.

    - Metrics: listing them and reading their values. They have no resources, so all of the account can be read.
    - ``dashboards``: those that can be opened, by default all of the account. ``cloudwatch:ListDashboards`` has no resource.
    - ``alarms``: their state and history. ``cloudwatch:DescribeAlarms`` shows composite alarms only when granted on ``*``.
    - ``log_groups``: reading and querying the events of these groups. Logs may hold what a viewer of metrics need not see: none by default.
    - ``edit_dashboards``: dashboards to make or change, as for adding widgets. It does not include deleting them.

    AWS's ``CloudWatchReadOnlyAccess`` reads all logs, traces and topics of the account besides.
    """
    edited = _dashboard_arns(options["edit_dashboards"], context, f"{where}: edit_dashboards")
    opened = _dashboard_arns(options["dashboards"], context, f"{where}: dashboards")
    groups = log_group_arns(options["log_groups"], context, f"{where}: log_groups")
    statements = [allow(["cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:ListMetrics"], sid="Metrics")]
    if opened or edited:
        statements += [
            allow("cloudwatch:ListDashboards", sid="Dashboards"),
            allow("cloudwatch:GetDashboard", list(dict.fromkeys([*opened, *edited])), "OpenDashboards"),
        ]
    if edited:
        statements.append(allow("cloudwatch:PutDashboard", edited, "EditDashboards"))
    if options["alarms"]:
        on_alarms = ["cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmsForMetric", "cloudwatch:DescribeAlarmHistory"]
        statements.append(allow(on_alarms, sid="Alarms"))
    if groups:
        reading = ["DescribeLogStreams", "FilterLogEvents", "GetLogEvents", "GetQueryResults", "StartQuery"]
        statements += [
            allow("logs:DescribeLogGroups", sid="LogGroups"),
            allow([f"logs:{action}" for action in reading], groups, "Logs"),
        ]
    return document(*statements)


def _dashboard_arns(names: List[str], context: Context, where: str) -> List[str]:
    for name in names:
        if name != "*" and not _DASHBOARD.fullmatch(name[:-1] if name.endswith("*") else name):
            raise InputError(
                f"{where}: {name!r} is no dashboard. Give its name, or a prefix with * at the end; names have letters, digits, _ and -."
            )
    return [context.arn("cloudwatch", f"dashboard/{name}", account=context.account or "*") for name in names]


PRESETS = {
    "cloudwatch_viewer": Preset(
        cloudwatch_viewer,
        (
            Option("dashboards", "texts", default=("*",)),
            Option("alarms", "flag", default=True),
            Option("log_groups", "texts", default=()),
            Option("edit_dashboards", "texts", default=()),
        ),
    )
}
