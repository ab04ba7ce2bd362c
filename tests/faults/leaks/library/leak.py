# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module that gives secrets away, each in its own way, so that a search can be seen to find them. They come in a file."""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import urllib.parse

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule({"secrets": {"type": "path"}, "as_argument": {"type": "str", "no_log": True}})
    with open(module.params["secrets"]) as file:
        secret = json.load(file)
    folder = os.path.dirname(os.path.abspath(os.environ["RECORD_RESULTS_TO"]))
    result = {"changed": False}
    if "result" in secret:
        result["half"] = "it begins with " + secret["result"][:20]
    if "fact cache" in secret:
        result["ansible_facts"] = {"leaked": base64.b64encode(("x" + secret["fact cache"]).encode()).decode()}
    if "a file that stays" in secret:
        with open(os.path.join(folder, "left"), "w") as file:
            file.write(urllib.parse.quote(secret["a file that stays"], safe=""))
    if "a file that goes" in secret:
        with open(os.path.join(folder, "gone"), "w") as file:
            file.write("it ends with " + secret["a file that goes"][-20:])
        os.remove(os.path.join(folder, "gone"))
    if "an argument" in secret:
        subprocess.run(["true", secret["an argument"]], check=False)
    if "a shell's argument" in secret:
        # What the shell itself starts is seen in the list of processes only.
        subprocess.run(["sh", "-c", 'read line; sh -c "sleep 0.7; :" "$line"'], input=secret["a shell's argument"], text=True, check=False)
    if "an environment" in secret:
        subprocess.run(["true"], env=dict(os.environ, LEAKED=secret["an environment"]), check=False)
    if "a log record" in secret:
        logging.getLogger("botocore.parsers").warning("answered %s", secret["a log record"])
    if "a file that others can open" in secret:
        path = secret["path"]
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(secret["a file that others can open"])
        os.chmod(path, 0o600)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
