# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup: through Ansible's own loader, documentation and argument handling.

All expressions are templated by one process of its own: Ansible's loader must come before anything imports the collection as plain Python.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.catalogue import by_name as catalogue
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.options import Option

GOLDEN = Path(__file__).parent / "golden"
PLUGIN = Path(__file__).resolve().parents[2] / "plugins" / "lookup" / "policy.py"
PLACE = "account='111122223333', region='eu-west-1'"

TEMPLATE_ALL = """
import builtins, json, sys
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19 all is a template
    trust_as_template = str

def without_botocore(name, *arguments, original=builtins.__import__, **options):
    if name.split(".")[0] == "botocore":
        raise ImportError(name)
    return original(name, *arguments, **options)

init_plugin_loader()
asked = json.load(sys.stdin)
if not asked["botocore"]:
    builtins.__import__ = without_botocore
answers = []
for expression in asked["expressions"]:
    try:
        answers.append(Templar(loader=DataLoader(), variables=asked["variables"]).template(trust_as_template("{{ %s }}" % expression)))
    except Exception as error:
        answers.append(str(error))
json.dump(answers, sys.stdout)
"""


def golden(name):
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def templated(expressions, botocore=True, **variables):
    """Return the value of each expression, or the text of its error."""
    asked = json.dumps({"expressions": expressions, "botocore": botocore, "variables": variables})
    run = subprocess.run([sys.executable, "-c", TEMPLATE_ALL], input=asked, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def lookup(arguments, function="lookup"):
    return f"{function}('hybridops.aws_agents.policy', {arguments})"


FOUND = {
    "one term, one document": ("'cwagent_server'", golden("cwagent_server")),
    "several terms, several documents": ("'cwagent_server', 'cwagent_admin'", [golden("cwagent_server"), golden("cwagent_admin")]),
    "place": (f"'cwagent_server_scoped', {PLACE}", golden("cwagent_server_scoped")),
    "no place": ("'cwagent_server_scoped'", golden("cwagent_server_scoped_nowhere")),
    "partition": (
        "'session_manager', partition='aws-cn', account=111122223333, region='cn-north-1', log_group='/sessions'",
        golden("session_manager_log_group"),
    ),
    "booleans as surveys write them": (
        f"'cwagent_admin_scoped', {PLACE}, source_cidrs='203.0.113.7', retention='true'",
        golden("cwagent_admin_scoped_source"),
    ),
    "empty text from a role's defaults": ("'session_manager', kms_key_arn='', s3_bucket='', exact=false", golden("session_manager")),
    "an empty list": ("'cwagent_server_scoped', parameters=[], log_groups=[], " + PLACE, golden("cwagent_server_scoped_metrics_only")),
    "Regions that botocore knows": (
        "'ssm_s3', vpc_endpoint_regions=['us-gov-west-1'], buckets=[{'name': 'gov-runs'}], partition='aws-us-gov'",
        golden("ssm_s3_gov"),
    ),
    "a Region that it does not know": (
        "'ssm_s3', vpc_endpoint_regions='eu-new-9', allow_unknown_region='yes'",
        golden("ssm_s3_new_region"),
    ),
}


@pytest.fixture(scope="module")
def found():
    return dict(zip(FOUND, templated([lookup(arguments) for arguments, _expected in FOUND.values()]), strict=True))


@pytest.mark.parametrize("case", FOUND)
def test_found(found, case):
    assert found[case] == FOUND[case][1]


def test_query_and_variables():
    listed, single = templated(
        [
            lookup("'cwagent_server'", "query"),
            lookup("name, vpc_endpoint_regions=regions, buckets=[{'name': bucket}], exact=true"),
        ],
        name="ssm_s3",
        regions=["us-east-2"],
        bucket="my-bucket-name",
    )
    assert listed == [golden("cwagent_server")]
    assert single == golden("ssm_s3_exact")


WRONG = {
    "an unknown name": ("'cwagent'", "'cwagent' is no preset. Allowed are: cwagent_server"),
    "an option that no preset has": ("'cwagent_server', colour='red'", "unknown option: colour. There are none"),
    "an option of another preset": ("'session_manager', retention=true", "unknown option: retention. Allowed are: kms_key_arn"),
    "a contradiction": ("'session_manager', s3_prefix='a'", "s3_prefix without s3_bucket"),
    "an unknown Region": ("'ssm_s3', vpc_endpoint_regions=['eu-west-9']", "eu-west-9 is no Region known to the installed botocore"),
    "a Region of another partition": ("'ssm_s3', vpc_endpoint_regions=['cn-north-1']", "cn-north-1 is no Region known"),
    "a partition that is none": ("'cwagent_server', partition='china'", "'china' is no partition. Write it as aws-us-gov"),
    "an account that is none": ("'cwagent_server', account='me'", "'me' is no account"),
    "a Region that is none": ("'cwagent_server', region='*'", "'*' is no region"),
    "a flag that is none": ("'session_manager', logs='maybe'", "logs must be true or false, and 'maybe' is neither"),
}


@pytest.fixture(scope="module")
def wrong():
    return dict(zip(WRONG, templated([lookup(arguments) for arguments, _message in WRONG.values()]), strict=True))


@pytest.mark.parametrize("case", WRONG)
def test_wrong(wrong, case):
    assert isinstance(wrong[case], str)
    assert WRONG[case][1] in wrong[case]


def test_without_botocore():
    refused, newer, plain = templated(
        [
            lookup("'ssm_s3', vpc_endpoint_regions=['eu-west-1']"),
            lookup("'ssm_s3', vpc_endpoint_regions=['eu-new-9'], allow_unknown_region=true"),
            lookup("'cwagent_server'"),
        ],
        botocore=False,
    )
    assert "botocore is needed to know the names of Regions" in refused
    assert newer == golden("ssm_s3_new_region")
    assert plain == golden("cwagent_server")


def _documented():
    namespace: dict[str, str] = {}
    exec(PLUGIN.read_text(encoding="utf-8").split("from ansible.", 1)[0], namespace)  # noqa: S102  (its documentation alone)
    return yaml.safe_load(namespace["DOCUMENTATION"])["options"]


TYPES = {"text": "str", "texts": "list", "flag": "bool", "records": "list"}


def test_documentation_names_every_option_with_its_type_and_presets():
    documented = _documented()
    declared: dict[str, tuple[Option, list[str]]] = {}
    presets_of_all = {**catalogue.PRESETS, **catalogue.RESOURCE_PRESETS}
    for preset, entry in presets_of_all.items():
        for option in entry.options:
            declared.setdefault(option.name, (option, []))[1].append(preset)
    assert set(documented) - {"_terms", "partition", "account", "region"} == set(declared)
    for name, (option, presets) in declared.items():
        assert documented[name]["type"] == TYPES[option.kind], name
        text = " ".join(documented[name]["description"])
        assert [preset for preset in presets_of_all if f"V({preset})" in text] == presets, name
        members = {member.name: member for member in option.members}
        assert set(documented[name].get("suboptions", {})) == set(members)
        for member, described in documented[name].get("suboptions", {}).items():
            assert described["type"] == TYPES[members[member].kind]
            assert described.get("required", False) == members[member].required
