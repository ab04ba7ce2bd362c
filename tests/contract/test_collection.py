# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection says of itself agrees with what it holds."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Set

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.catalogue.by_name import PRESETS
from packaging.version import Version

from tests.support.tree import collections_path

from .files import ROOT, documents, filter_documents, name, plugins, read_yaml, roles

GALAXY = read_yaml(ROOT / "galaxy.yml")
RUNTIME = read_yaml(ROOT / "meta" / "runtime.yml")
MODULES = plugins("modules")
DOCUMENTED = MODULES + plugins("lookup") + plugins("callback") + plugins("inventory") + filter_documents()


def fragments(path: Path) -> Set[str]:
    """Return the documentation fragments that a module uses."""
    found = documents(path)["DOCUMENTATION"].get("extends_documentation_fragment", [])
    return {found} if isinstance(found, str) else set(found)


def test_the_action_group_holds_the_modules_that_take_the_options_of_aws_and_nothing_else() -> None:
    group = [entry for entry in RUNTIME["action_groups"]["aws"] if isinstance(entry, str)]
    assert group == sorted(path.stem for path in MODULES if "amazon.aws.common.modules" in fragments(path))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_of_the_action_group_says_so(path: Path) -> None:
    assert ("amazon.aws.common.modules" in fragments(path)) == ("hybridops.aws_agents.attributes.actiongroup_aws" in fragments(path))


def test_the_action_group_covers_amazon_aws() -> None:
    metadata = [entry["metadata"] for entry in RUNTIME["action_groups"]["aws"] if isinstance(entry, dict)]
    assert metadata == [{"extend_group": ["amazon.aws.aws"]}]


@pytest.mark.parametrize("path", plugins("action"), ids=name)
def test_an_action_plugin_has_a_documented_module_of_its_name(path: Path) -> None:
    assert path.stem in [module.stem for module in MODULES]


@pytest.mark.parametrize("path", DOCUMENTED, ids=name)
def test_a_plugin_is_documented(path: Path) -> None:
    texts = documents(path)
    assert set(texts) == {"DOCUMENTATION", "EXAMPLES", "RETURN"}
    assert texts["DOCUMENTATION"]["version_added"] == "1.0.0"
    assert texts["DOCUMENTATION"]["author"] in ("HybridOps (@hybridops)", ["HybridOps (@hybridops)"])
    assert texts["EXAMPLES"]


@pytest.mark.parametrize("path", plugins("filter"), ids=name)
def test_every_filter_of_a_file_has_its_documentation_beside_it(path: Path) -> None:
    plugin = importlib.import_module(f"ansible_collections.hybridops.aws_agents.plugins.filter.{path.stem}")
    assert set(plugin.FilterModule().filters()) <= {document.stem for document in filter_documents()}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_says_how_it_behaves(path: Path) -> None:
    own = set(documents(path)["DOCUMENTATION"].get("attributes", {}))
    assert "hybridops.aws_agents.attributes" in fragments(path) or own >= {"check_mode", "diff_mode", "idempotent", "platform"}


@pytest.mark.parametrize("kind", sorted({path.parent.name for path in DOCUMENTED}))
def test_ansible_doc_shows_every_plugin(kind: str) -> None:
    names = sorted(f"hybridops.aws_agents.{path.stem}" for path in DOCUMENTED if path.parent.name == kind)
    assert sorted(ansible_doc("--type", "module" if kind == "modules" else kind, *names)) == names


def ansible_doc(*arguments: str) -> Dict[str, Any]:
    command = [sys.executable, "-m", "ansible", "doc", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown: Dict[str, Any] = json.loads(done.stdout)
    return shown


# Roles


def options(role: Path, entry: str = "main") -> Dict[str, Any]:
    found: Dict[str, Any] = read_yaml(role / "meta" / "argument_specs.yml")["argument_specs"][entry].get("options", {})
    return found


def defaults(role: Path) -> Dict[str, Any]:
    path = role / "defaults" / "main.yml"
    return (read_yaml(path) or {}) if path.exists() else {}


@pytest.mark.parametrize("role", roles(), ids=name)
def test_defaults_are_those_of_the_argument_specs(role: Path) -> None:
    # Ansible does not apply the defaults of a specification: it documents them, and defaults/main.yml sets them.
    documented = {key: option["default"] for key, option in options(role).items() if "default" in option}
    worked_out = {key for key, value in defaults(role).items() if isinstance(value, str) and "{{" in value}
    assert {key: value for key, value in defaults(role).items() if key not in worked_out} == documented
    # One that is worked out has no value of the option's type, so that words tell of it.
    assert [key for key in sorted(worked_out) if "By default" not in str(options(role)[key]["description"])] == []


@pytest.mark.parametrize("role", roles(), ids=name)
def test_options_begin_with_the_name_of_the_role_and_are_described(role: Path) -> None:
    for key, option in options(role).items():
        assert key.startswith(f"{role.name}_"), key
        assert option.get("description"), key
        assert option.get("type"), key


@pytest.mark.parametrize("role", roles(), ids=name)
def test_a_role_names_its_options_in_its_readme(role: Path) -> None:
    readme = (role / "README.md").read_text(encoding="utf-8")
    assert [key for key in options(role) if key not in readme] == []


@pytest.mark.parametrize("role", roles(), ids=name)
def test_a_role_uses_only_variables_that_it_documents(role: Path) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((role / "tasks").glob("*.yml")))
    results = set(re.findall(r"register: (\w+)", text))
    used = set(re.findall(rf"(?<![\w.]){role.name}_\w+", text))
    assert used - set(options(role)) - results == set()


@pytest.mark.parametrize("role", roles(), ids=name)
def test_a_role_names_its_public_results_in_its_readme(role: Path) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((role / "tasks").glob("*.yml")))
    readme = (role / "README.md").read_text(encoding="utf-8")
    assert [result for result in re.findall(r"register: ([a-z]\w+)", text) if result not in readme] == []


@pytest.mark.parametrize("role", roles(), ids=name)
def test_a_role_is_short(role: Path) -> None:
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in (role / "tasks").glob("*.yml")}
    assert lengths["main.yml"] <= 60, lengths


# Texts and versions


def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def content() -> List[str]:
    return [path.stem for path in DOCUMENTED] + [role.name for role in roles()]


@pytest.mark.parametrize("word", content())
def test_the_readme_names(word: str) -> None:
    assert word in readme()


def texts() -> List[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "roles").glob("*/README.md"))]


@pytest.mark.parametrize("text", texts(), ids=name)
def test_texts_name_only_variables_that_there_are(text: Path) -> None:
    """``…_policy`` stands for the variable of both roles of the CloudWatch agent."""
    known = {variable for role in roles() for variable in options(role)}
    for role in roles():
        tasks = "\n".join(path.read_text(encoding="utf-8") for path in (role / "tasks").glob("*.yml"))
        known |= set(re.findall(r"register: (\w+)", tasks))
    written = text.read_text(encoding="utf-8")
    begin = "|".join(role.name for role in roles())
    named = {found.rstrip("_") for found in re.findall(rf"(?<![/\w])(?:{begin})_[a-z0-9_]+", written)}
    named |= {f"{role}{end}" for end in re.findall(r"`…(_[a-z_]+)", written) for role in ("cwagent_server", "cwagent_admin")}
    assert {found for found in named - known - set(PRESETS) if not any(variable.startswith(f"{found}_") for variable in known)} == set()


def test_the_floors_agree() -> None:
    assert GALAXY["dependencies"] == {"amazon.aws": ">=10.1.2"}
    assert RUNTIME["requires_ansible"] == ">=2.17.0"
    assert ">=10.1.2" in readme() or "10.1.2" in readme()
    assert "2.17" in readme()


def test_the_environment_tested_meets_the_floors() -> None:
    manifest = collections_path() / "ansible_collections" / "amazon" / "aws" / "MANIFEST.json"
    amazon_aws = json.loads(manifest.read_text(encoding="utf-8"))
    assert Version(amazon_aws["collection_info"]["version"]) >= Version("10.1.2")


def test_a_built_collection_holds_what_users_need_and_nothing_else(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "galaxy", "collection", "build", str(ROOT), "--output-path", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (archive,) = tmp_path.glob("*.tar.gz")
    listed = subprocess.run(["tar", "tzf", str(archive)], capture_output=True, text=True, check=True).stdout.split()
    top = {entry.partition("/")[0] for entry in listed}
    assert top <= {
        "CHANGELOG.rst", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "SECURITY.md",
        "changelogs", "docs", "examples", "extensions", "meta", "playbooks", "plugins", "requirements.txt", "roles",
    }  # fmt: skip
    assert top >= {"LICENSE", "MANIFEST.json", "meta", "plugins"}
    assert not [entry for entry in listed if "__pycache__" in entry]
