# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing to named log streams and to no others.

"Create an IAM Instance Profile for Systems Manager" names this as an example of a policy that is more restrictive than
``CloudWatchAgentServerPolicy``.
"""

from __future__ import annotations

from typing import Any, List, Mapping

from ..context import Context
from ..document import Document, allow, document
from ..errors import InputError
from ..options import Option
from .preset import Preset, log_group_arns, log_stream_arns


def log_streams(options: Mapping[str, Any], context: Context, where: str) -> Document:
    """Return a policy to write to the streams of ``log_streams``, each record a group and its streams.

    The group is somebody else's to make, unless ``create_group``. Both agents make the stream before they write, so that is allowed always.

    - ``retention``: setting how long the group keeps its events, for ``retention_in_days`` of the CloudWatch agent, which looks at the
      group first. Who may shorten retention may make logs vanish, so it is off.
    - ``describe``: looking the group and the stream up, which SSM Agent does before it writes the output of commands and sessions.

    ``logs:DescribeLogGroups`` takes no narrower resource than ``*``, so it is allowed for those two only.
    """
    records = options["log_streams"]
    statements = []
    for index, record in enumerate(records):
        statements += _group(record, context, f"{where}: log_streams[{index}]")
    if any(record["retention"] or record["describe"] for record in records):
        statements.append(allow("logs:DescribeLogGroups", sid="Groups"))
    return document(*statements)


def _group(record: Mapping[str, Any], context: Context, where: str) -> List[Document]:
    if record["group"] == "*":
        raise InputError(f"{where}: group: * is every group, which limits nothing. Name it, or use the preset cwagent_server_scoped.")
    statements = [allow(["logs:CreateLogStream", "logs:PutLogEvents"], log_stream_arns(record["group"], record["streams"], context, where))]
    on_group = [
        action
        for option, action in (
            ("create_group", "logs:CreateLogGroup"),
            ("retention", "logs:PutRetentionPolicy"),
            ("describe", "logs:DescribeLogStreams"),
        )
        if record[option]
    ]
    if on_group:
        statements.append(allow(on_group, log_group_arns([record["group"]], context, f"{where}: group")))
    return statements


PRESETS = {
    "log_streams": Preset(
        log_streams,
        (
            Option(
                "log_streams",
                "records",
                required=True,
                members=(
                    Option("group", required=True),
                    Option("streams", "texts", required=True),
                    Option("create_group", "flag", default=False),
                    Option("retention", "flag", default=False),
                    Option("describe", "flag", default=False),
                ),
            ),
        ),
    )
}
