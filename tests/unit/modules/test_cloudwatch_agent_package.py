# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The package as a resource: what it asks of the network and the package manager, and in which order."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Dict, List

import pytest
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host import agent_package_resource as resource
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.agent_package import Contents, Manager
from ansible_collections.hybridops.aws_agents.plugins.module_utils._host.agent_package_download import Missing, NotFetched
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model import cloudwatch_agent_package, ssm_agent_package
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent_package_options import argument_spec
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.agent_package_plan import Package
from ansible_collections.hybridops.aws_agents.plugins.module_utils._model.errors import Refusal
from ansible_collections.hybridops.aws_agents.plugins.module_utils._reconcile import Failure, converge
from ansible_collections.hybridops.aws_agents.plugins.modules.cloudwatch_agent_package import CloudWatchAgentPackage
from ansible_collections.hybridops.aws_agents.plugins.modules.ssm_agent_package import SsmAgentPackage

NAME = "amazon-cloudwatch-agent"
URL = "https://amazoncloudwatch-agent.s3.amazonaws.com/debian/amd64/latest/amazon-cloudwatch-agent.deb"
GIVEN: Dict[str, Any] = {name: spec.get("default") for name, spec in argument_spec(cloudwatch_agent_package.PRODUCT).items()}
INSTALLED = Package("installed", "1.300071.0-1")
NOTHING = Package()


class Exited(BaseException):
    """What ``exit_json`` does to a run."""


class World:
    """A host, the web and a verifier, which write down what is asked of them."""

    extension = "deb"

    def __init__(self, there: Package = NOTHING, served: str = "1.300071.0-1", refused: str = "") -> None:
        self.there, self.served, self.refused = there, served, refused
        self.asked: List[str] = []
        self.folders: List[Path] = []
        self.waited = 0.0
        self.missing = ""

    # The package manager.

    def find(self, name: str) -> Package:
        self.asked.append("find")
        return self.there

    def architecture(self) -> str:
        return "amd64"

    def inspect(self, path: str) -> Contents:
        self.asked.append("inspect")
        return Contents(NAME, self.served, "amd64")

    def install(self, path: str, older: bool = False) -> None:
        assert Path(path).read_bytes() == b"package"
        assert Path(path).parent.stat().st_mode & 0o777 == 0o700
        self.asked.append("install")
        self.there = Package("installed", self.served)

    def remove(self, name: str, purge: bool) -> None:
        self.asked.append("purge" if purge else "remove")
        self.there = Package()

    # The web.

    def text(self, url: str) -> bytes:
        self.asked.append(url.rpartition("/")[2])
        if url.endswith(self.missing or "?"):
            raise Missing(f"the server answered 403 for {url}")
        return b"1.300072.0b1\n" if url.endswith("CWAGENT_VERSION") else b"text"

    def file(self, url: str, path: str) -> None:
        self.asked.append(url.rpartition("/")[2])
        if self.refused == "web":
            raise NotFetched("it broke off")
        Path(path).write_bytes(b"package")

    # The verifier.

    def __call__(self, folder: str) -> World:
        self.folders.append(Path(folder))
        return self

    def program(self) -> str:
        return "gpgv"

    def verify(self, package: str, signature: str, *_more: Any) -> None:
        self.asked.append("verify")
        assert Path(signature).read_bytes() == b"text"
        if self.refused == "signature":
            raise Refusal("no good")


class Module:
    def __init__(self, params: Dict[str, Any]) -> None:
        self.params = {**GIVEN, **params}
        self.warnings: List[str] = []
        self.exited: Dict[str, Any] = {}

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def exit_json(self, **result: Any) -> None:
        self.exited = result
        raise Exited


def run(monkeypatch: pytest.MonkeyPatch, world: World, check: bool = False, **params: Any) -> Dict[str, Any]:
    replace(monkeypatch, world)
    return converge(CloudWatchAgentPackage(cloudwatch_agent_package.PRODUCT, Module(params)), check, diff=True)


def replace(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    monkeypatch.setattr(resource, "manager", lambda system, timeout: world)
    monkeypatch.setattr(resource, "Web", lambda *arguments: world)
    monkeypatch.setattr(resource, "Verifier", world)
    monkeypatch.setattr(resource, "_system", lambda: {"ID": "debian"})


def test_the_fake_has_what_a_package_manager_has():
    assert {name for name in vars(Manager) if not name.startswith("_")} <= set(dir(World()))


@pytest.mark.parametrize(
    ("params", "there", "asked"),
    [
        ({}, INSTALLED, ["find"]),
        ({"version": "1.300071.0"}, INSTALLED, ["find"]),
        ({"version": "latest"}, Package("installed", "1.300072.0b1-1"), ["CWAGENT_VERSION", "find"]),
        ({"source": "file", "file": "/p.deb"}, INSTALLED, ["find"]),
        ({"state": "absent"}, Package(), ["find"]),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_a_host_that_has_what_was_asked_for_costs_one_look(monkeypatch, params, there, asked, check):
    world = World(there)
    result = run(monkeypatch, world, check, **params)
    assert (result["changed"], result["changes"], world.asked) == (False, [], asked)
    assert result["version"] == result["previous_version"] == there.version
    assert result["url"] == result["fingerprint"] == ""


def test_check_mode_downloads_nothing(monkeypatch):
    world = World()
    result = run(monkeypatch, world, check=True)
    assert world.asked == ["find"]
    assert result["changes"] == [f"install package {NAME} from {URL}"]
    assert (result["version"], result["url"]) == ("(new)", URL)
    assert result["diff"]["before"]["version"] == "" and result["diff"]["after"]["version"] == "(new)"


def test_nothing_is_looked_into_before_it_is_verified_nor_installed_before_it_was_looked_into(monkeypatch):
    world = World()
    result = run(monkeypatch, world)
    package = "amazon-cloudwatch-agent.deb"
    assert world.asked == ["find", "amazon-cloudwatch-agent.gpg", f"{package}.sig", package, "verify", "inspect", "install", "find"]
    assert result["version"] == "1.300071.0-1" and result["diff"]["after"]["version"] == "1.300071.0-1"
    assert result["fingerprint"] == "937616F3450B7D806CBD9725D58167303B789C72"
    assert not world.folders[0].exists()


@pytest.mark.parametrize(
    ("params", "world", "last"),
    [
        ({}, World(refused="signature"), "verify"),
        ({}, World(refused="web"), "amazon-cloudwatch-agent.deb"),
        ({"version": "1.300070.0"}, World(), "inspect"),
        ({"version": "latest"}, World(), "inspect"),
    ],
)
def test_what_is_refused_is_not_installed_and_leaves_nothing(monkeypatch, params, world, last):
    with pytest.raises(Failure) as failure:
        run(monkeypatch, world, **params)
    assert world.asked[-1] == last
    assert failure.value.result["changed"] is False and failure.value.result["changes_applied"] == []
    assert not world.folders[0].exists()


def test_a_package_without_a_signature_is_not_even_downloaded(monkeypatch):
    world = World()
    world.missing = ".sig"
    with pytest.raises(Failure, match="has no signature"):
        run(monkeypatch, world)
    assert world.asked[-1] == "amazon-cloudwatch-agent.deb.sig"


def test_a_file_that_is_not_there_yet_is_asked_for_and_then_used(monkeypatch, tmp_path):
    world = World()
    with pytest.raises(Exited):
        run(monkeypatch, world, source="file", file="/p.deb")
    assert world.asked == ["find"]
    (tmp_path / "file").write_bytes(b"package")
    (tmp_path / "signature").write_bytes(b"text")
    result = run(monkeypatch, world, source="file", file="/p.deb", transferred=str(tmp_path))
    assert result["url"] == "/p.deb" and result["version"] == "1.300071.0-1"
    assert world.asked[1:] == ["find", "amazon-cloudwatch-agent.gpg", "verify", "inspect", "install", "find"]


def test_check_mode_asks_for_no_file(monkeypatch):
    world = World()
    assert run(monkeypatch, world, check=True, source="file", file="/p.deb")["changed"]
    assert world.asked == ["find"]


@pytest.mark.parametrize(("purge", "done"), [(False, "remove"), (True, "purge")])
def test_a_package_is_removed(monkeypatch, purge, done):
    world = World(INSTALLED)
    result = run(monkeypatch, world, state="absent", purge=purge)
    assert world.asked == ["find", done]
    assert (result["version"], result["previous_version"]) == ("", "1.300071.0-1")
    assert result["changes"] == [f"{done} package {NAME}"]


def run_ssm(monkeypatch: pytest.MonkeyPatch, world: World, check: bool = False, **params: Any) -> Dict[str, Any]:
    replace(monkeypatch, world)
    return converge(SsmAgentPackage(ssm_agent_package.PRODUCT, Module({"name": "amazon-ssm-agent", **params})), check)


def test_ssm_agent_needs_a_key_only_where_it_is_to_be_installed(monkeypatch):
    assert run_ssm(monkeypatch, World(Package("installed", "3.3.1142.0-1")))["version"] == "3.3.1142.0-1"
    for check in (False, True):
        world = World()
        with pytest.raises(Failure, match="key: no key is built in for SSM Agent"):
            run_ssm(monkeypatch, world, check)
        assert world.asked == ["find"]


def test_ssm_agent_is_not_put_beside_a_snap_and_taken_away_all_the_same(monkeypatch, tmp_path):
    product = dataclasses.replace(ssm_agent_package.PRODUCT, copies=(str(tmp_path),))
    monkeypatch.setattr(ssm_agent_package, "PRODUCT", product)
    world = World(Package("installed", "3.3.1142.0-1"))
    with pytest.raises(Failure, match="two copies"):
        run_ssm(monkeypatch, world)
    assert world.asked == []
    assert run_ssm(monkeypatch, world, state="absent")["version"] == ""
