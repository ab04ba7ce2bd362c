# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operator reads for an agent: the parameter that a host will fetch, and whether a host's metrics have arrived."""

from __future__ import annotations

from typing import Any, Tuple

from .._model.errors import Refusal
from .session import error_code

_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


def configuration(ssm: Any, name: str, region: str) -> Tuple[str, bool]:
    """Return a parameter's text, and whether it is a secret.

    :raises Refusal: when it is not there or the operator may not read it.
    """
    where = f"parameter {name} in Region {region}"
    try:
        found = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    except Exception as error:
        code = error_code(error)
        if code in ("ParameterNotFound", "ParameterVersionNotFound"):
            raise Refusal(f"There is no {where}. Put the agent's configuration there (aws ssm put-parameter), or name another.") from error
        if code in _DENIED:
            raise Refusal(
                f"The operator's credentials may not read {where}: {error}. It is read to check it before the host fetches it. "
                "Allow ssm:GetParameter on it, and kms:Decrypt where it is encrypted with a key of the account's own."
            ) from error
        raise
    return str(found["Value"]), found["Type"] == "SecureString"


def listed(cloudwatch: Any, namespace: str, host: str) -> bool:
    """Return whether CloudWatch lists a metric of a host that got data lately; others it lists for two weeks.

    :raises Refusal: when the operator may not ask.
    """
    try:
        answer = cloudwatch.list_metrics(Namespace=namespace, Dimensions=[{"Name": "host", "Value": host}], RecentlyActive="PT3H")
    except Exception as error:
        if error_code(error) in _DENIED:
            raise Refusal(
                f"The operator's credentials may not list metrics: {error}. Allow cloudwatch:ListMetrics, or set verify_metrics: false."
            ) from error
        raise
    return bool(answer["Metrics"])
