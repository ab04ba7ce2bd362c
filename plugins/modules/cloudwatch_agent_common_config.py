# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Points the CloudWatch agent at a credentials file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_agent_common_config
version_added: 1.0.0
short_description: Point the CloudWatch agent at a credentials file
description:
  - Sets C(shared_credential_profile) and C(shared_credential_file) in the section C([credentials]) of the agent's C(common-config.toml).
  - Other settings, comments and the order of lines stay as they are. A missing file is made, with that section alone.
  - Both are worth setting. Without a profile, an agent that finds an instance metadata service takes credentials from there;
    without a file, it looks in the home directory of root, whatever user it runs as.
options:
  path:
    description: The file. Its folder is made where it is missing.
    type: str
    default: /opt/aws/amazon-cloudwatch-agent/etc/common-config.toml
  credentials_file:
    description: Absolute path of the credentials file. Required when O(state=present).
    type: str
  credentials_profile:
    description: Profile in the credentials file.
    type: str
    default: AmazonCloudWatchAgent
  state:
    description: V(absent) takes both settings out and leaves the rest.
    type: str
    choices: [present, absent]
    default: present
notes:
  - The agent reads this file when it starts, so restart it after a change.
extends_documentation_fragment:
  - hybridops.aws_agents.attributes
author:
  - HybridOps (@hybridops)
"""

EXAMPLES = r"""
- name: Point the agent at its credentials
  hybridops.aws_agents.cloudwatch_agent_common_config:
    credentials_file: /etc/hybridops/cloudwatch-agent/credentials
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /opt/aws/amazon-cloudwatch-agent/etc/common-config.toml
credentials_profile:
  description: The profile that the agent uses.
  returned: success
  type: str
  sample: AmazonCloudWatchAgent
credentials_file:
  description: The file that the agent reads.
  returned: success
  type: str
  sample: /etc/hybridops/cloudwatch-agent/credentials
changes:
  description: What was changed, in words.
  returned: success
  type: list
  elements: str
  sample: [update shared_credential_file of /opt/aws/amazon-cloudwatch-agent/etc/common-config.toml]
"""

import os
import tempfile
from dataclasses import dataclass
from typing import Any, Dict, List

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._model.common_config import FILE, PROFILE, current, pointed
from ..module_utils._model.errors import InputError
from ..module_utils._model.plan import Change, field
from ..module_utils._reconcile import Resource, converge_module

ARGUMENT_SPEC = {
    "path": {"type": "str", "default": "/opt/aws/amazon-cloudwatch-agent/etc/common-config.toml"},
    "credentials_file": {"type": "str"},
    "credentials_profile": {"type": "str", "default": "AmazonCloudWatchAgent"},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
}


@dataclass(frozen=True)
class Config:
    text: str


class CommonConfig(Resource):
    """The file as a resource: read and written whole, changed by lines."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self._path = module.params["path"]
        present = module.params["state"] == "present"
        names = {PROFILE: "credentials_profile", FILE: "credentials_file"}
        self._settings = {setting: module.params[option] if present else None for setting, option in names.items()}

    def read(self) -> Config:
        for option in ("path", "credentials_file"):
            value = self._module.params[option]
            if value and not os.path.isabs(value):
                raise InputError(f"{option}: {value!r} is no absolute path.")
        try:
            with open(self._path, encoding="utf-8", newline="") as file:
                return Config(file.read())
        except FileNotFoundError:
            return Config("")

    def target(self, actual: Config) -> Config:
        return Config(pointed(actual.text, self._settings))

    def plan(self, target: Config, actual: Config) -> List[Change]:
        before, after = current(actual.text), current(target.text)
        return [change for name in (PROFILE, FILE) for change in field(name, before[name], after[name], self._path)]

    def apply(self, change: Change) -> None:
        self._write(pointed(self.read().text, {change.what: change.after}))

    def _write(self, text: str) -> None:
        new = not os.path.exists(self._path)
        _make_folders(os.path.dirname(self._path))
        handle, temporary = tempfile.mkstemp(dir=self._module.tmpdir)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        self._module.atomic_move(temporary, self._path)
        if new:
            os.chmod(self._path, 0o644)

    def view(self, record: Config) -> Dict[str, Any]:
        found = current(record.text)
        return {"path": self._path, "credentials_profile": found[PROFILE] or "", "credentials_file": found[FILE] or ""}


def _make_folders(folder: str) -> None:
    """Make missing folders that everybody may pass, whatever the umask: the agent may run as a user of its own."""
    if not os.path.isdir(folder):
        _make_folders(os.path.dirname(folder))
        os.mkdir(folder)
        os.chmod(folder, 0o755)  # noqa: S103  (the agent's user has to pass)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, required_if=[("state", "present", ["credentials_file"])], supports_check_mode=True)
    converge_module(module, CommonConfig(module))


if __name__ == "__main__":
    main()
