# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trust policies: who may assume a role."""

from __future__ import annotations

from .trust_policy.forms import FORMS, ec2_service, trust
from .trust_policy.width import add_service, refuse_wide, services, trusts_service

__all__ = ["FORMS", "add_service", "ec2_service", "refuse_wide", "services", "trust", "trusts_service"]
