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
notes:
  - AWS publishes packages for arm64 in fewer folders than for x86-64. Debian's is taken from Ubuntu's folder, CentOS's and Oracle's
    from Red Hat's.
extends_documentation_fragment:
  - hybridops.aws_agents.agent_package
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

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._host.agent_package_resource import AgentPackage, reveal
from ..module_utils._model.agent_package_options import argument_spec
from ..module_utils._model.cloudwatch_agent_package import PRODUCT
from ..module_utils._reconcile import Resource, converge_module


class CloudWatchAgentPackage(AgentPackage, Resource):
    """The package as a resource."""


def main() -> None:
    module = AnsibleModule(argument_spec(PRODUCT), required_if=[("source", "file", ["file"])], supports_check_mode=True)
    reveal(module)
    converge_module(module, CloudWatchAgentPackage(PRODUCT, module))


if __name__ == "__main__":
    main()
