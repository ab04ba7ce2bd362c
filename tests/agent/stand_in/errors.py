# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures, in the words of the SDK that the agent is made with."""

from __future__ import annotations


class AwsError(Exception):
    """A call to AWS that failed, on this side or on the other.

    :param code: AWS's error code, or one of the SDK's own (``RequestError``, ``SharedCredsLoad``).
    :param status: the HTTP status; 0 when there was no answer.
    :param cause: what the SDK calls the original error; several are several lines.
    """

    def __init__(self, code: str, message: str, status: int = 0, request_id: str = "", cause: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id
        self.cause = cause
        self.access_key_id = ""
        """The key the call was signed with, when it got that far."""

    def __str__(self) -> str:
        text = f"{self.code}: {self.message}"
        if self.status:
            text += f"\n\tstatus code: {self.status}, request id: {self.request_id}"
        return text + (f"\ncaused by: {self.cause}" if self.cause else "")
