# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of ``cloudwatch_agent_package`` and ``ssm_agent_package``, as a person writes them, to what is wanted and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Sequence

from .agent_package import LATEST, Address, Product, beside, is_web
from .agent_package_plan import Wish, check_version
from .errors import InputError, Refusal
from .openpgp import fingerprint


@dataclass(frozen=True)
class Options:
    """The options, checked against each other."""

    wish: Wish
    address: Address
    from_file: bool
    source: str
    """URL or file of the package; empty where the address has to tell."""
    signed_by: str
    """URL of the signature; empty for the package's own with ``.sig``."""
    key_text: str
    key_url: str
    """Empty with a text, and where a key has to be named first."""
    fingerprint: str
    latest_at: str
    """Where the number of the latest version has to be asked for; empty when it need not be."""
    version_in_url: str
    transferred: str
    """Folder on the host that holds the package and its signature; empty before they were copied there."""
    ca_bundle: str
    timeout: float
    lock_timeout: float
    proxies: Dict[str, str] = field(default_factory=dict)

    def signature(self, source: str) -> str:
        """Return the URL of a package's signature."""
        return self.signed_by or beside(source)


def argument_spec(product: Product) -> Dict[str, Dict[str, Any]]:
    """Return the argument specification of a product's module."""
    return {
        "name": {"type": "str", "default": product.name},
        "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        "source": {"type": "str", "default": "url", "choices": ["url", "file"]},
        "url": {"type": "str", "no_log": True},
        "base_url": {"type": "str", "no_log": True},
        "region": {"type": "str"},
        "file": {"type": "path"},
        "signature": {"type": "str", "no_log": True},
        "key": {"type": "str", "no_log": True},
        "fingerprint": {"type": "str"},
        "version": {"type": "str", "default": ""},
        "allow_downgrade": {"type": "bool", "default": False},
        "purge": {"type": "bool", "default": False},
        "http_proxy": {"type": "str", "no_log": True},
        "https_proxy": {"type": "str", "no_log": True},
        "no_proxy": {"type": "str"},
        "ca_bundle": {"type": "path"},
        "timeout": {"type": "int", "default": 60},
        "lock_timeout": {"type": "int", "default": 120},
        "transferred": {"type": "path"},
    }


def options(product: Product, given: Mapping[str, Any]) -> Options:
    """Return the options.

    :param given: validated against the module's argument specification.
    :raises InputError: with the option, the rule and the remedy.
    """
    from_file = given["source"] == "file"
    latest = given["version"] == LATEST
    present = given["state"] == "present"
    check_version(given["version"], product.sample)
    if given["file"] and not from_file:
        raise InputError("file: it is used with source: file. Set that, or leave file out.")
    if given["url"] and from_file:
        raise InputError("url: it is used with source: url. Set that, or leave url out.")
    if latest and (from_file or given["url"]):
        raise InputError("version: AWS's bucket or base_url says which is the latest. Leave url and file out, or name the version.")
    for name in ("url", "base_url"):
        _check_url(name, given[name])
    if not from_file:
        _check_url("signature", given["signature"])
    if given["url"] and not given["signature"]:
        beside(given["url"])
    where = product.address(given["region"] or "", given["base_url"] or "")
    key = given["key"] or (product.key(given["base_url"] or "") if product.key else "")
    text = key if "-----BEGIN" in key else ""
    if "PRIVATE KEY" in text:
        raise InputError("key: it is a private key. Give the public one, and treat the private one as known to others.")
    if not text:
        _check_url("key", key)
    if given["key"] and not given["fingerprint"]:
        raise InputError("fingerprint: name the fingerprint of the key that is given. Without it, any key would do.")
    named = given["fingerprint"] or product.fingerprint
    return Options(
        wish=Wish(given["name"], present, "" if latest else given["version"], False, given["allow_downgrade"], given["purge"]),
        address=where,
        from_file=from_file,
        source=(given["file"] if from_file else given["url"]) or "",
        signed_by=given["signature"] or "",
        key_text=text,
        key_url="" if text else key,
        fingerprint=fingerprint(named) if named else "",
        latest_at=where.version if latest and present else "",
        version_in_url="" if latest else given["version"],
        transferred=given["transferred"] or "",
        ca_bundle=given["ca_bundle"] or "",
        timeout=given["timeout"],
        lock_timeout=given["lock_timeout"],
        proxies={name: given[f"{name}_proxy"] or "" for name in ("http", "https", "no")},
    )


def _check_url(name: str, value: Any) -> None:
    """Raise unless a URL is one of http or https.

    :raises InputError: without its content, which may hold a password.
    """
    if value and not is_web(value):
        raise InputError(f"{name}: it is no URL that starts with http:// or https://. Correct it.")


def require_key(product: Product, chosen: Options) -> None:
    """Raise unless it is known which key a package has to be signed with. Called when one has to be installed.

    :raises InputError: with where the key is to be had.
    """
    if not (chosen.key_text or chosen.key_url):
        raise InputError(f"key: no key is built in for {product.called}. {product.key_from}")


def refuse_copies(product: Product, found: Sequence[str]) -> None:
    """Raise where another copy of the agent is.

    :param found: those of ``product.copies`` that are on the host.
    :raises Refusal: with the remedy.
    """
    if found:
        raise Refusal(f"{product.called} is on the host already, in {found[0]}, and two copies are in each other's way. {product.instead}")
