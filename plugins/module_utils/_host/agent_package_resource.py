# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The package of one of AWS's agents on a host: looked up, brought, verified, installed. Its modules differ by product alone."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from typing import Any, Dict, List, Optional

from .._model.agent_package import Product, os_release, secrets_of, shown
from .._model.agent_package_options import Options, options, refuse_copies, require_key
from .._model.agent_package_plan import (
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
from .._model.errors import Refusal
from .._model.plan import Change
from .agent_package import Contents, Failed, Manager, manager
from .agent_package_download import Missing, Web
from .agent_package_signature import Verifier


class AgentPackage:
    """What is done for a resource: looking in the package manager's database; bringing and verifying only what is to be installed."""

    def __init__(self, product: Product, module: Any) -> None:
        self._product = product
        self._module = module
        self._options: Options
        self._wish: Wish
        self._manager: Manager
        self._web: Web
        self._system: Dict[str, str] = {}
        self._before = Package()
        self._installed: Optional[Package] = None

    def read(self) -> Package:
        self._options = options(self._product, self._module.params)
        self._wish = self._options.wish
        if self._wish.present:
            refuse_copies(self._product, [path for path in self._product.copies if os.path.exists(path)])
        self._system = _system()
        self._manager = manager(self._system, self._options.lock_timeout)
        self._web = Web(self._options.proxies, self._options.ca_bundle, self._options.timeout)
        if self._options.latest_at:
            text = self._web.text(self._options.latest_at).decode("utf-8", "replace")
            self._wish = replace(self._wish, version=published(text, shown(self._options.latest_at)), at_least=True)
        self._before = self._manager.find(self._wish.name)
        return self._before

    def target(self, actual: Package) -> Package:
        source = ""
        if needs_package(self._wish, actual):
            require_key(self._product, self._options)
            source = self._source()
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


def reveal(module: Any) -> None:
    """Let results hold URLs, without what is secret in them. ``no_log`` kept them out of the host's log."""
    for option in [name for name, spec in module.argument_spec.items() if spec.get("no_log")]:
        module.no_log_values.discard(module.params[option])
        module.no_log_values.update(secrets_of(module.params[option] or ""))
