# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From nothing to the end state of the five AWS documents, on an emulator that enforces IAM, and the proof that it holds.

Started by ``make demo``. Everything lies in a scratch folder; nothing needs root, and nothing is left running.
"""

from __future__ import annotations

import argparse
import configparser
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, NoReturn, Optional, Tuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.emulators import Ministack  # noqa: E402  (the checkout must be on the path first)
from tests.support.playbook import clean_environment  # noqa: E402

HOST = "web1.example.org"
PROFILE = "AmazonCloudWatchAgent"
PARAMETER = "AmazonCloudWatch-linux"
MAY = ("send a metric", "make a log group", "make a log stream", "write to the log")
MUST_NOT = ("send one under another name", "store a configuration", "make a user")


class Row(NamedTuple):
    """One line of the table at the end."""

    what: str
    expected: str
    seen: str


class Site:
    """The emulated account, the inventory with one host on premises, and the runs of Ansible on them."""

    def __init__(self, emulator: Ministack, scratch: Path) -> None:
        self.emulator, self.scratch = emulator, scratch
        self.credentials_file = scratch / "host" / "etc" / "credentials"
        self.agent_root = scratch / "host" / "opt"
        self.report = scratch / "audit.html"
        self.output = ""
        self.environment = {
            **clean_environment(scratch / "controller"),
            **emulator.operator().environment(),
            "ANSIBLE_FORCE_COLOR": "1" if sys.stdout.isatty() else "0",
            "PYTHONUNBUFFERED": "1",
        }
        self.inventory = scratch / "inventory.json"
        self.inventory.write_text(json.dumps(self._inventory(), indent=2))

    def _inventory(self) -> Dict[str, Any]:
        host = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "onprem_agent_credentials_file": str(self.credentials_file),
            # A folder of this machine stands for the host: no package is installed in it, and no agent is run.
            "onprem_agent_package_source": "none",
            "onprem_agent_config": {},
            "onprem_agent_run_as_user": "",
            "onprem_agent_credentials_mode": "0600",
            "onprem_agent_root": str(self.agent_root),
        }
        variables = {
            "aws_agents_region": self.emulator.region,
            "aws_agents_endpoint_url": self.emulator.endpoint_url,
            "ssm_profile_vpc_endpoint_regions": [self.emulator.region],
            "ssm_profile_s3_buckets": [{"name": "my-bucket-name", "encrypted": True}],
            "cwagent_server_user_policy": "scoped",
            "cwagent_server_scope": {"namespaces": ["CWAgent"], "log_groups": ["/hybridops/*"]},
            "ssm_profile_cloudwatch": "managed",
            "session_manager_s3_bucket": "my-bucket-name",
            "session_manager_s3_prefix": "sessions",
            "session_manager_logs": True,
            "cwagent_admin_trusted_principals": [self.emulator.client("sts", self.emulator.operator()).get_caller_identity()["Arn"]],
            "store_agent_config_parameters": {PARAMETER: {"metrics": {"metrics_collected": {"mem": {"measurement": ["used_percent"]}}}}},
            "aws_agents_audit_html": str(self.report),
        }
        return {"all": {"vars": variables, "children": {"onprem": {"hosts": {HOST: host}}}}}

    def play(self, playbook: str, *arguments: str) -> Tuple[int, Dict[str, Any]]:
        """Run a playbook with its output in sight; return its exit status and the recap."""
        record = self.scratch / "results.jsonl"
        record.unlink(missing_ok=True)
        command = ["ansible-playbook", "-i", str(self.inventory), playbook, *arguments]
        print(f"\n$ {' '.join(command[:1] + ['-i', 'inventory.json', Path(playbook).name, *arguments])}", flush=True)
        environment = {**self.environment, "RECORD_RESULTS_TO": str(record)}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    self.output += line
                    print(line, end="", flush=True)
            except BaseException:
                process.terminate()
                raise
        rows = [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []
        return process.returncode, rows[-1]["stats"] if rows else {}

    def made(self) -> List[str]:
        """Return the names of all that is in the account, the operator of the demo aside."""
        iam = self.emulator.client("iam")
        names = [role["RoleName"] for role in iam.list_roles()["Roles"]]
        names += [policy["PolicyName"] for policy in iam.list_policies(Scope="Local")["Policies"]]
        names += [profile["InstanceProfileName"] for profile in iam.list_instance_profiles()["InstanceProfiles"]]
        return names + [user["UserName"] for user in iam.list_users()["Users"] if user["UserName"] != "operator"]

    def stored(self) -> str:
        found = self.emulator.client("ssm").describe_parameters()["Parameters"]
        return ", ".join(f"version {entry['Version']}" for entry in found if entry["Name"] == PARAMETER) or "stored nothing"

    def secret(self) -> str:
        profiles = configparser.ConfigParser(interpolation=None)
        profiles.read(self.credentials_file)
        return profiles[PROFILE]["aws_secret_access_key"]

    def prove(self) -> Dict[str, List[str]]:
        """Call AWS with the host's own credentials and nothing else in the environment."""
        environment = {
            "PATH": self.environment["PATH"],
            "HOME": str(self.scratch / "nobody"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.credentials_file),
            "AWS_PROFILE": PROFILE,
            "AWS_ENDPOINT_URL": self.emulator.endpoint_url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        command = [sys.executable, str(Path(__file__).with_name("prove.py"))]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            raise SystemExit(f"The host's credentials could not be tried:\n{done.stderr}")
        return dict(json.loads(done.stdout))


def proofs(site: Site) -> List[Row]:
    """Do the whole work and return what was seen."""
    rows = []
    status, _recap = site.play("hybridops.aws_agents.site", "--check")
    made = ", ".join(site.made()) or "nothing"
    rows.append(Row("a check on the empty account", "succeeds, makes nothing", _words(status, f"makes {made}")))
    status, _recap = site.play("hybridops.aws_agents.site")
    rows.append(Row("first run, four roles and one host", "succeeds", _words(status)))
    if status:
        return rows
    status, recap = site.play("hybridops.aws_agents.site")
    changed = {host: counts["changed"] for host, counts in recap.items()}
    unchanged = changed == {"localhost": 0, HOST: 0}
    rows.append(Row("second run", "succeeds, changed=0", _words(status, f"changed={0 if unchanged else changed}")))
    mode = oct(site.credentials_file.stat().st_mode & 0o777)
    rows.append(Row("mode of the host's credentials file", "0o600", mode))
    rows.append(Row("the secret key in all output above", "absent", "present" if site.secret() in site.output else "absent"))
    seen = site.prove()
    rows += [Row(f"host may {title} ({seen[title][0]})", "allowed", seen[title][1]) for title in MAY]
    rows += [Row(f"host may not {title} ({seen[title][0]})", "denied", seen[title][1]) for title in MUST_NOT]
    status, _recap = site.play("hybridops.aws_agents.store_agent_config")
    rows.append(Row("a configuration is stored as the administrator's role", "succeeds, version 1", _words(status, site.stored())))
    status, _recap = site.play("hybridops.aws_agents.audit", "-e", "aws_agents_audit_fail_on=medium")
    rows.append(Row("audit: findings of medium or high severity", "none", "none" if status == 0 else _words(status)))
    status, _recap = site.play(str(Path(__file__).with_name("leave.yml")))
    rows.append(Row("the host's user is removed", "succeeds", _words(status)))
    seen = site.prove()
    rows += [Row(f"then host may not {title} ({action})", "denied", result) for title, (action, result) in seen.items()]
    return rows


def _words(status: int, more: str = "") -> str:
    return ", ".join(filter(None, ["succeeds" if status == 0 else f"fails with status {status}", more]))


def show(rows: List[Row]) -> bool:
    """Print the table; return whether all is as it should be."""
    table = [("what was tried", "expected", "seen", ""), *((*row, "ok" if row.expected == row.seen else "NOT AS EXPECTED") for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(3)]
    print()
    for number, line in enumerate(table):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, [*widths, 0], strict=True)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))
    return all(row.expected == row.seen for row in rows)


def look_around(site: Site) -> None:
    """Say how to use what was left running."""
    operator = site.emulator.operator()
    print(f"\nThe emulator is still there at {site.emulator.endpoint_url}. To look around as the operator:\n")
    for name, value in {
        **operator.environment(),
        "AWS_ENDPOINT_URL": site.emulator.endpoint_url,
        "AWS_DEFAULT_REGION": site.emulator.region,
    }.items():
        print(f"  export {name}={value}")
    print(f'  {sys.executable} -c \'import boto3; print([r["RoleName"] for r in boto3.client("iam").list_roles()["Roles"]])\'')
    print(f"\nInventory and host files: {site.scratch}. The audit's page: {site.report}")
    print(f"To end it: kill {site.emulator.pid}; rm -r {site.scratch} {site.emulator.log.parent}")


def main(arguments: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the emulator and the files, and say how to look around")
    keep = parser.parse_args(arguments).keep
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    started = time.monotonic()
    scratch = Path(tempfile.mkdtemp(prefix="hybridops-demo-"))
    try:
        print("Starting an AWS emulator that enforces IAM, on the loopback address, with random root keys …", flush=True)
        with Ministack(keep=keep) as emulator:
            site = Site(emulator, scratch)
            good = show(proofs(site))
            print(f"\n{'All as expected' if good else 'NOT all as expected'}, in {time.monotonic() - started:.0f} s.")
            if keep:
                look_around(site)
        return 0 if good else 1
    finally:
        if not keep:
            shutil.rmtree(scratch, ignore_errors=True)


def _end(_signal: int, _frame: Any) -> NoReturn:
    raise SystemExit("Ended by a signal.")


if __name__ == "__main__":
    sys.exit(main())
