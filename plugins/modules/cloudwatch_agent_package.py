# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installs the CloudWatch agent's package, once its signature is verified."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_agent_package
version_added: 1.0.0
short_description: Install the CloudWatch agent from a package whose signature is verified
description:
  - Installs, upgrades or removes the package of the CloudWatch agent, with C(dpkg) or C(rpm).
  - A package is downloaded by the host, or copied to it from the controller, only when something has to be installed. A host that
    holds what was asked for costs one look at its package database, and no network unless O(version=latest).
  - Nothing is installed before a program on the host has verified the package's detached signature against one key, which
    O(fingerprint) names. Keyrings of the host and its users play no part. The file that was verified is the file that is installed;
    it lies in a folder that only the user who runs this can enter.
  - Refused are packages without a signature, with a bad one, with one by another key, or by a key that was revoked or has expired;
    packages of another name, version or architecture than asked for; and downgrades, unless O(allow_downgrade=true).
  - The new agent is neither configured nor started. Upgrading an agent that runs restarts it, which the package itself does.
options:
  name:
    description: Name of the package.
    type: str
    default: amazon-cloudwatch-agent
  state:
    description: V(absent) removes the package. Its user C(cwagent) and what the agent wrote stay.
    type: str
    choices: [present, absent]
    default: present
  source:
    description: V(url) lets the host download the package. V(file) copies O(file) from the controller.
    type: str
    choices: [url, file]
    default: url
  url:
    description:
      - URL of the package, http or https. By default AWS's, for the system, architecture, O(region) and O(version).
      - A user and password in it, and its query, are left out of results.
    type: str
  base_url:
    description:
      - URL of a mirror of AWS's bucket C(amazoncloudwatch-agent), with the same folders. Packages, O(version=latest) and the
        default of O(key) are then taken from there.
    type: str
  region:
    description:
      - Region whose bucket the package is taken from. By default the bucket of all Regions, C(amazoncloudwatch-agent.s3.amazonaws.com).
      - Set it where hosts reach their own Region alone, in China for example.
    type: str
  file:
    description: Path of the package on the controller, absolute, or relative to C(files) as O(ansible.builtin.copy#module:src) finds it.
    type: path
  signature:
    description:
      - Where the detached signature is. A URL with O(source=url), a path on the controller with O(source=file).
      - By default the package's own with C(.sig) added.
    type: str
  key:
    description:
      - The public key that signs the package. Its text, the URL that the host gets it from, or its path on the controller.
      - By default AWS's, at C(assets/amazon-cloudwatch-agent.gpg) in the bucket of all Regions or in O(base_url).
    type: str
  fingerprint:
    description:
      - Fingerprint of the key, all its digits; spaces may stand between. A key with another one is refused, wherever it came from.
      - By default that of AWS's key, C(9376 16F3 450B 7D80 6CBD 9725 D581 6730 3B78 9C72). Required when O(key) is given.
    type: str
  version:
    description:
      - An empty string is content with any version that is installed, and otherwise installs the latest, or O(file) whatever its version.
      - V(latest) asks which version is the latest, with O(source=url) and without O(url), and installs it where an older one is.
      - A number such as V(1.300071.0) installs exactly this one. Amazon's packages add a build to it, such as V(1.300071.0b1720-1), which
        may be given too.
    type: str
    default: ''
  allow_downgrade:
    description: Replace a newer version with the one that was asked for.
    type: bool
    default: false
  purge:
    description: With O(state=absent), remove configuration files of the package too, where it comes from C(dpkg).
    type: bool
    default: false
  http_proxy:
    description: Proxy for http. By default what the environment says. Its password is left out of results.
    type: str
  https_proxy:
    description: Proxy for https. By default what the environment says. Its password is left out of results.
    type: str
  no_proxy:
    description: Hosts that are reached without a proxy, with commas between. By default what the environment says.
    type: str
  ca_bundle:
    description: File on the host with the certificates to trust for https, in place of the system's.
    type: path
  timeout:
    description: Seconds that a server may be silent.
    type: int
    default: 60
  lock_timeout:
    description: Seconds to wait for another package manager to end.
    type: int
    default: 120
  transferred:
    description: Folder on the host with copies of O(file) and O(signature). Set by the action plugin; of no use in a task.
    type: path
notes:
  - The host needs Python 3.8 or later, and no libraries.
  - A signature is verified with C(gpgv), C(gpg) or C(sqv), whichever of them is found first. Debian, Ubuntu, Red Hat's, Amazon's and
    SUSE's systems bring one of them; where there is none, the error names the package to install.
  - In check mode nothing is downloaded, so that V((new\)) stands for a version that is not known before.
  - AWS publishes packages for arm64 in fewer folders than for x86-64. Debian's is taken from Ubuntu's folder, CentOS's and Oracle's
    from Red Hat's.
extends_documentation_fragment:
  - hybridops.aws_agents.attributes
  - hybridops.aws_agents.attributes.action
author:
  - HybridOps (@hybridops)
"""

EXAMPLES = r"""
- name: Have the agent, whatever its version
  hybridops.aws_agents.cloudwatch_agent_package:

- name: Have exactly this version, from the bucket of a Region and through a proxy
  hybridops.aws_agents.cloudwatch_agent_package:
    version: 1.300071.0
    region: eu-west-1
    https_proxy: http://proxy.example.com:3128

- name: Install a file of the controller on hosts without a way to AWS
  hybridops.aws_agents.cloudwatch_agent_package:
    source: file
    file: /srv/packages/amazon-cloudwatch-agent.deb
    key: /srv/packages/amazon-cloudwatch-agent.gpg
    fingerprint: 9376 16F3 450B 7D80 6CBD 9725 D581 6730 3B78 9C72

- name: Take the agent away
  hybridops.aws_agents.cloudwatch_agent_package:
    state: absent
    purge: true
"""

RETURN = r"""
name:
  description: The package.
  returned: success
  type: str
  sample: amazon-cloudwatch-agent
version:
  description: The version that is installed; V((new\)) for one that is predicted and not known; empty without the package.
  returned: success
  type: str
  sample: 1.300071.0b1720-1
previous_version:
  description: The version that was installed before; empty without the package.
  returned: success
  type: str
  sample: 1.300066.2-1
url:
  description: URL or file that the package is installed from in this run; empty when nothing is installed.
  returned: success
  type: str
  sample: https://amazoncloudwatch-agent.s3.amazonaws.com/debian/amd64/latest/amazon-cloudwatch-agent.deb
fingerprint:
  description: Fingerprint of the key that the package is verified with in this run; empty when nothing is installed.
  returned: success
  type: str
  sample: 937616F3450B7D806CBD9725D58167303B789C72
changes:
  description: What was changed, or would be, in words.
  returned: success
  type: list
  elements: str
  sample: [upgrade package amazon-cloudwatch-agent from /srv/packages/amazon-cloudwatch-agent.deb]
changes_applied:
  description: What was changed before the failure.
  returned: failure
  type: list
  elements: str
changes_left:
  description: What was not changed.
  returned: failure
  type: list
  elements: str
"""

import os
import shutil
import tempfile
from dataclasses import replace
from typing import Any, Dict, List

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._host.agent_package import Contents, Failed, Manager, manager
from ..module_utils._host.agent_package_download import Missing, Web
from ..module_utils._host.agent_package_signature import Verifier
from ..module_utils._model.agent_package import NAME, os_release, secrets_of, shown
from ..module_utils._model.agent_package_options import Options, options
from ..module_utils._model.agent_package_plan import (
    INSTALLED,
    Package,
    Wish,
    aim,
    needs_package,
    published,
    refuse_downgrade,
    refuse_other,
    steps,
)
from ..module_utils._model.errors import Refusal
from ..module_utils._model.plan import Change
from ..module_utils._reconcile import Resource, converge_module

ARGUMENT_SPEC: Dict[str, Dict[str, Any]] = {
    "name": {"type": "str", "default": NAME},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "source": {"type": "str", "default": "url", "choices": ["url", "file"]},
    "url": {"type": "str", "no_log": True},
    "base_url": {"type": "str", "no_log": True},
    "region": {"type": "str"},
    "file": {"type": "path"},
    "signature": {"type": "str", "no_log": True},
    "key": {"type": "str", "no_log": True},
    "fingerprint": {"type": "str"},
    "version": {"type": "str", "default": ""},
    "allow_downgrade": {"type": "bool", "default": False},
    "purge": {"type": "bool", "default": False},
    "http_proxy": {"type": "str", "no_log": True},
    "https_proxy": {"type": "str", "no_log": True},
    "no_proxy": {"type": "str"},
    "ca_bundle": {"type": "path"},
    "timeout": {"type": "int", "default": 60},
    "lock_timeout": {"type": "int", "default": 120},
    "transferred": {"type": "path"},
}


class AgentPackage(Resource):
    """The package as a resource: looked up in the package manager's database, brought and verified only when it is to be installed."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self._options: Options
        self._wish: Wish
        self._manager: Manager
        self._web: Web
        self._system: Dict[str, str] = {}
        self._before = Package()
        self._installed: Package | None = None

    def read(self) -> Package:
        self._options = options(self._module.params)
        self._wish = self._options.wish
        self._system = _system()
        self._manager = manager(self._system, self._options.lock_timeout)
        self._web = Web(self._options.proxies, self._options.ca_bundle, self._options.timeout)
        if self._options.latest_at:
            text = self._web.text(self._options.latest_at).decode("utf-8", "replace")
            self._wish = replace(self._wish, version=published(text, shown(self._options.latest_at)), at_least=True)
        self._before = self._manager.find(self._wish.name)
        return self._before

    def target(self, actual: Package) -> Package:
        source = self._source() if needs_package(self._wish, actual) else ""
        return aim(self._wish, actual, shown(source), self._options.fingerprint)

    def plan(self, target: Package, actual: Package) -> List[Change]:
        return steps(self._wish, target, actual)

    def apply(self, change: Change) -> None:
        if change.after.status != INSTALLED:
            self._manager.remove(self._wish.name, self._wish.purge)
            return
        if self._options.from_file and not self._options.transferred:
            # Nothing was done yet. The action plugin copies the file and runs the module again.
            self._module.exit_json(changed=False, file_wanted=True)
        # Not the module's own temporary folder: where a user becomes root, it is that user's.
        folder = tempfile.mkdtemp(prefix="aws_agents-", dir="/var/tmp")
        try:
            self._install(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if self._manager.waited:
                self._module.warn(f"Waited {self._manager.waited:.0f} seconds for another package manager to end.")

    def _install(self, folder: str) -> None:
        package = os.path.join(folder, f"package.{self._manager.extension}")
        signature = f"{package}.sig"
        verifier = Verifier(folder)
        verifier.program()
        key, key_from = self._key()
        self._bring(package, signature)
        verifier.verify(package, signature, key, self._options.fingerprint, key_from, shown(self._source()))
        found = self._manager.inspect(package)
        self._judge(found)
        self._manager.install(package, older=self._wish.allow_downgrade)
        self._installed = self._manager.find(self._wish.name)
        if self._installed.status != INSTALLED:
            raise Failed(f"the package manager says that it installed {found.version}, and {self._wish.name} is {self._installed.status}")

    def _judge(self, found: Contents) -> None:
        refuse_other(self._wish, found.name, found.version, found.architecture, self._manager.architecture())
        refuse_downgrade(self._wish, found.version, self._before)

    def _bring(self, package: str, signature: str) -> None:
        source = self._source()
        if self._options.from_file:
            shutil.copyfile(os.path.join(self._options.transferred, "file"), package)
            shutil.copyfile(os.path.join(self._options.transferred, "signature"), signature)
            return
        at = self._options.signature(source)
        try:
            data = self._web.text(at)
        except Missing as error:
            raise Refusal(
                f"{shown(source)} has no signature: {error}. Nothing was installed. Check that the package is published for this system "
                "in this version, or set signature to where its signature is."
            ) from error
        with open(signature, "wb") as file:
            file.write(data)
        self._web.file(source, package)

    def _key(self) -> Any:
        """Return the public key and where it is from."""
        if self._options.key_text:
            return self._options.key_text.encode(), "the option key"
        return self._web.text(self._options.key_url), shown(self._options.key_url)

    def _source(self) -> str:
        """Return the URL of the package, or its file on the controller."""
        if self._options.source:
            return self._options.source
        return self._options.address.package(self._system, self._manager.architecture(), self._options.version_in_url, self._wish.name)

    def view(self, record: Package) -> Dict[str, Any]:
        known = self._installed if self._installed and record is not self._before else record
        return {
            "name": self._wish.name,
            "version": known.version,
            "previous_version": self._before.version,
            "url": record.source,
            "fingerprint": record.fingerprint,
        }


def _system() -> Dict[str, str]:
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return os_release(file.read())
        except FileNotFoundError:
            continue
    return {}


def main() -> None:
    module = AnsibleModule(ARGUMENT_SPEC, required_if=[("source", "file", ["file"])], supports_check_mode=True)
    for option in [name for name, spec in ARGUMENT_SPEC.items() if spec.get("no_log")]:
        # no_log kept the URL out of the host's log. Results may hold it, without what is secret in it.
        module.no_log_values.discard(module.params[option])
        module.no_log_values.update(secrets_of(module.params[option] or ""))
    converge_module(module, AgentPackage(module))


if __name__ == "__main__":
    main()
