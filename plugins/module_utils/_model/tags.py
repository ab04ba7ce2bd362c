# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tags that this collection keeps for itself. They are never given by a user, and never purged."""

from __future__ import annotations

TAG_PREFIX = "hybridops.aws_agents/"
OWNER_TAG = TAG_PREFIX + "owner"
"""Whose run made an object."""
RETIRED_TAG = TAG_PREFIX + "retired/"
"""Followed by a key id. AWS keeps no record of when a key was deactivated, so the user carries it as a tag (ISO 8601)."""
