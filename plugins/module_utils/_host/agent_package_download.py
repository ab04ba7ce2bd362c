# Copyright: (c) 2026, HybridOps contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gets files from a web server with Python's own library: through a proxy, and with certificates of one's own choice."""

from __future__ import annotations

import base64
import http.client
import os
import ssl
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import Any, Dict, Iterator, Mapping
from urllib.parse import unquote, urlsplit, urlunsplit

from .._model.agent_package import shown

SMALL = 1 << 20
"""Bytes that a key, a signature or a version may have at most."""
LARGE = 1 << 30
"""Bytes that a package may have at most: ten times what AWS publishes."""
_MISSING = (403, 404)
"""What S3 says of a file that is not there: 403 to those who may not list the bucket."""


class NotFetched(Exception):
    """A file could not be had. The text says from where, and why not."""


class Missing(NotFetched):
    """The server says that there is no such file."""


class Web:
    """Gets files.

    :param proxies: addresses by scheme (``http``, ``https``), and ``no`` for the hosts that are reached without. What is not given is
        taken from the environment.
    :param ca_bundle: a file with the certificates to trust in place of the system's; empty for the system's.
    :param timeout: seconds that a server may be silent.
    """

    def __init__(self, proxies: Mapping[str, str], ca_bundle: str, timeout: float) -> None:
        self._proxies = {f"{name}_proxy": address for name, address in proxies.items() if address}
        self._ca_bundle = ca_bundle
        self._timeout = timeout

    def text(self, url: str) -> bytes:
        """Return a small file.

        :raises NotFetched: when it cannot be had; ``Missing`` when there is none.
        """
        with self._opened(url) as answer:
            data: bytes = answer.read(SMALL + 1)
        if len(data) > SMALL:
            raise NotFetched(f"{shown(url)} is larger than {SMALL} bytes, which it should not be")
        return data

    def file(self, url: str, path: str) -> None:
        """Write a large file to ``path``.

        :raises NotFetched: when it cannot be had, or not to its end; ``Missing`` when there is none.
        """
        with self._opened(url) as answer, open(path, "wb") as file:
            announced = int(answer.headers.get("Content-Length") or -1)
            got = 0
            for part in iter(lambda: answer.read(SMALL), b""):
                got += len(part)
                if max(got, announced) > LARGE:
                    raise NotFetched(f"{shown(url)} has {max(got, announced)} bytes, more than any package of the agent")
                file.write(part)
        if announced not in (-1, got):
            raise NotFetched(f"{shown(url)} broke off after {got} of {announced} bytes. Run this again")

    @contextmanager
    def _opened(self, url: str) -> Iterator[Any]:
        called = shown(url)
        try:
            with _laid_over(self._proxies), self._opener().open(_request(url), timeout=self._timeout) as answer:
                yield answer
        except urllib.error.HTTPError as error:
            kind = Missing if error.code in _MISSING else NotFetched
            raise kind(f"the server answered {error.code} {error.reason} for {called}") from error
        except urllib.error.URLError as error:
            raise NotFetched(f"{called} was not reached: {error.reason}") from error
        except http.client.HTTPException as error:
            raise NotFetched(f"{called} broke off, or its server does not speak HTTP: {error!r}") from error
        except (OSError, ValueError) as error:
            raise NotFetched(f"{called} was not had: {error}") from error

    def _opener(self) -> urllib.request.OpenerDirector:
        context = ssl.create_default_context(cafile=self._ca_bundle or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _Redirects)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to http and https alone, and takes user and password nowhere but to the server they were given for."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        if after.scheme not in ("http", "https") or (before.scheme, after.scheme) == ("https", "http"):
            raise ValueError(f"its server redirects to {after.scheme}, which is not followed")
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None and (before.hostname, before.port) != (after.hostname, after.port):
            request.remove_header("Authorization")
        return request


def _request(url: str) -> urllib.request.Request:
    """Return the request for a URL; user and password in it go where servers look for them."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it is no URL of http or https")
    user, _at, host = parts.netloc.rpartition("@")
    headers: Dict[str, str] = {"User-Agent": "hybridops.aws_agents"}
    if user:
        headers["Authorization"] = "Basic " + base64.b64encode(unquote(user).encode()).decode()
    return urllib.request.Request(urlunsplit(parts._replace(netloc=host)), headers=headers)  # noqa: S310  (the scheme was looked at)


@contextmanager
def _laid_over(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables of this process, in the spelling that wins, and take them back."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
