# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options of the modules that install the package of one of AWS's agents."""

    DOCUMENTATION = r"""
options:
  source:
    description: V(url) lets the host download the package. V(file) copies O(file) from the controller.
    type: str
    choices: [url, file]
    default: url
  file:
    description: Path of the package on the controller, absolute, or relative to C(files) as O(ansible.builtin.copy#module:src) finds it.
    type: path
  signature:
    description:
      - Where the detached signature is. A URL with O(source=url), a path on the controller with O(source=file).
      - By default the package's own with C(.sig) added.
    type: str
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
"""
