# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hybrid activations and the nodes registered with them, for emulators that know neither.

What AWS Systems Manager's API Reference says of CreateActivation, DescribeActivations, DeleteActivation, DescribeInstanceInformation,
DeregisterManagedInstance, UpdateManagedInstanceRole and the service settings, and what its agent's published source sends: the operations
RegisterManagedInstance (unsigned), RequestManagedInstanceRoleToken (signed with the node's RSA key) and UpdateInstanceInformation.

Nothing here knows an emulator: what it must ask one is in ``World``, and what it answers are the JSON documents of the wire.
"""

from .records import ONLINE_TAG, TOKEN_TAG
from .state import UNSIGNED, Activations
from .wire import Document, Scope, ServiceError, Token, World

__all__ = ["ONLINE_TAG", "TOKEN_TAG", "UNSIGNED", "Activations", "Document", "Scope", "ServiceError", "Token", "World"]
