# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module that installs an agent's package on the host, and copies the package there when the module says that it is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Optional

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ..module_utils._model.openpgp import armoured


class AgentPackageAction(ActionBase):
    """The module of the action plugin's own name: one execution on a host that needs nothing; a file of the controller costs a transfer and
    a second one.
    """

    _requires_connection = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        result: Dict[str, Any] = super().run(tmp, task_vars)
        options = dict(self._task.args, transferred=None)
        files: Dict[str, Path] = {}
        if options.get("source") == "file" and options.get("state") != "absent" and options.get("file"):
            files["file"] = self._found("file", options["file"])
            files["signature"] = self._found("signature", options.get("signature") or f"{files['file']}.sig")
        if _is_path(options.get("key")):
            options["key"] = armoured(self._found("key", options["key"]).read_bytes())
        answer = self._ask(options, task_vars)
        if answer.pop("file_wanted", False):
            answer = self._ask(dict(options, transferred=self._transfer(files)), task_vars)
        result.update(answer)
        return result

    def _ask(self, options: Dict[str, Any], task_vars: Any) -> Dict[str, Any]:
        answer: Dict[str, Any] = self._execute_module(module_args=options, task_vars=task_vars)
        return answer

    def _transfer(self, files: Dict[str, Path]) -> str:
        """Copy files into a temporary folder on the host, which Ansible removes after the task, and return the folder."""
        shell = self._connection._shell
        if shell.tmpdir is None:
            self._make_tmp_path()
        there = {shell.join_path(shell.tmpdir, option): path for option, path in files.items()}
        for name, path in there.items():
            self._transfer_file(str(path), name)
        self._fixup_perms2((shell.tmpdir, *there))
        return str(shell.tmpdir)

    def _found(self, option: str, path: Any) -> Path:
        try:
            found = Path(self._find_needle("files", str(path)))
        except AnsibleError as error:
            raise AnsibleActionFail(f"{option}: {path} is no file on the controller. Correct the path, or put the file there.") from error
        if not found.is_file():
            raise AnsibleActionFail(f"{option}: {path} on the controller is no file. Correct the path.")
        return found


def _is_path(key: Optional[Any]) -> bool:
    return isinstance(key, str) and bool(key) and "-----BEGIN" not in key and "://" not in key
