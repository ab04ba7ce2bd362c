# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installs SSM Agent's package, once its signature is verified."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ssm_agent_package
version_added: 1.0.0
short_description: Install SSM Agent from a package whose signature is verified
description:
  - Installs, upgrades or removes the package of AWS Systems Manager's agent, with C(dpkg) or C(rpm).
  - A package is downloaded by the host, or copied to it from the controller, only when something has to be installed. A host that
    holds what was asked for costs one look at its package database, and no network unless O(version=latest).
  - Nothing is installed before a program on the host has verified the package's detached signature against one key, which
    O(fingerprint) names. Keyrings of the host and its users play no part. The file that was verified is the file that is installed;
    it lies in a folder that only the user who runs this can enter.
  - Refused are packages without a signature, with a bad one, with one by another key, or by a key that was revoked or has expired;
    packages of another name, version or architecture than asked for; downgrades, unless O(allow_downgrade=true); and hosts
    that have the agent as a snap, since two copies of it are in each other's way.
  - The package itself enables the agent and starts it at once, unregistered. That is harmless. The agent finds that it is nobody, ends,
    and is started again each 90 seconds until M(hybridops.aws_agents.ssm_registration) has registered it. An upgrade starts an agent
    that was stopped, too. A registration is kept when the package is upgraded or removed.
options:
  name:
    description: Name of the package.
    type: str
    default: amazon-ssm-agent
  state:
    description:
      - V(absent) removes the package. Its registration and what else it wrote below C(/var/lib/amazon/ssm) stay.
        M(hybridops.aws_agents.ssm_registration) ends the registration, which it can do only while the package is there.
    type: str
    choices: [present, absent]
    default: present
  url:
    description:
      - URL of the package, http or https. By default AWS's, for the system, architecture, O(region) and O(version).
      - A user and password in it, and its query, are left out of results.
    type: str
  base_url:
    description:
      - URL of a mirror of the folder C(amazon-ssm-REGION) of AWS's bucket, with the same folders. Packages and O(version=latest) are
        then taken from there.
    type: str
  region:
    description:
      - Region whose bucket the package is taken from. By default the bucket of all Regions, C(s3.amazonaws.com/ec2-downloads-windows).
      - Set it where hosts reach their own Region alone, in China for example.
    type: str
  key:
    description:
      - The public key that signs the package. Its text, the URL that the host gets it from, or its path on the controller.
      - Required where something has to be installed. None is built in, since the key that AWS signed with for years expired on 2025-02-17.
        AWS prints the present one, with its fingerprint, in "Verify the signature of SSM Agent".
    type: str
  fingerprint:
    description:
      - Fingerprint of the key, all its digits; spaces may stand between. A key with another one is refused, wherever it came from.
      - Required with O(key).
    type: str
  version:
    description:
      - An empty string is content with any version that is installed, and otherwise installs the latest, or O(file) whatever its version.
      - V(latest) asks which version is the latest, with O(source=url) and without O(url), and installs it where an older one is.
      - A number such as V(3.3.1142.0) installs exactly this one. AWS's folder C(stable) is had with O(url).
    type: str
    default: ''
notes:
  - AWS publishes SSM Agent as deb for amd64, arm64, armhf and i386, and as rpm for x86_64, aarch64 and i386.
extends_documentation_fragment:
  - hybridops.aws_agents.agent_package
  - hybridops.aws_agents.attributes
  - hybridops.aws_agents.attributes.action
seealso:
  - module: hybridops.aws_agents.ssm_registration
  - module: hybridops.aws_agents.cloudwatch_agent_package
author:
  - HybridOps (@hybridops)
"""

EXAMPLES = r"""
- name: Have SSM Agent, whatever its version
  hybridops.aws_agents.ssm_agent_package:
    region: eu-west-1
    key: /srv/packages/amazon-ssm-agent.gpg
    fingerprint: "{{ ssm_agent_fingerprint }}"

- name: Have exactly this version, from a mirror of AWS's bucket
  hybridops.aws_agents.ssm_agent_package:
    version: 3.3.1142.0
    base_url: https://mirror.example.com/amazon-ssm-eu-west-1
    key: https://mirror.example.com/amazon-ssm-agent.gpg
    fingerprint: "{{ ssm_agent_fingerprint }}"

- name: Install a file of the controller on hosts without a way to AWS
  hybridops.aws_agents.ssm_agent_package:
    source: file
    file: /srv/packages/amazon-ssm-agent.deb
    key: /srv/packages/amazon-ssm-agent.gpg
    fingerprint: "{{ ssm_agent_fingerprint }}"

- name: Take the agent away
  hybridops.aws_agents.ssm_agent_package:
    state: absent
"""

RETURN = r"""
name:
  description: The package.
  returned: success
  type: str
  sample: amazon-ssm-agent
version:
  description: The version that is installed; V((new\)) for one that is predicted and not known; empty without the package.
  returned: success
  type: str
  sample: 3.3.1142.0-1
previous_version:
  description: The version that was installed before; empty without the package.
  returned: success
  type: str
  sample: 3.3.987.0-1
url:
  description: URL or file that the package is installed from in this run; empty when nothing is installed.
  returned: success
  type: str
  sample: https://s3.eu-west-1.amazonaws.com/amazon-ssm-eu-west-1/latest/debian_amd64/amazon-ssm-agent.deb
fingerprint:
  description: Fingerprint of the key that the package is verified with in this run; empty when nothing is installed.
  returned: success
  type: str
  sample: 0123456789ABCDEF0123456789ABCDEF01234567
changes:
  description: What was changed, or would be, in words.
  returned: success
  type: list
  elements: str
  sample: [upgrade package amazon-ssm-agent from /srv/packages/amazon-ssm-agent.deb]
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

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._host.agent_package_resource import AgentPackage, reveal
from ..module_utils._model.agent_package_options import argument_spec
from ..module_utils._model.ssm_agent_package import PRODUCT
from ..module_utils._reconcile import Resource, converge_module


class SsmAgentPackage(AgentPackage, Resource):
    """The package as a resource."""


def main() -> None:
    module = AnsibleModule(argument_spec(PRODUCT), required_if=[("source", "file", ["file"])], supports_check_mode=True)
    reveal(module)
    converge_module(module, SsmAgentPackage(PRODUCT, module))


if __name__ == "__main__":
    main()
