"""Attack 63: what is locked is looked up among known vulnerabilities. A finding fails, and no answer is no finding.

pip-audit and npm are the real ones, asked about the real locks; who answers them stands on this machine.
"""

import gzip
import json
import re
import shutil
import socket
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.strangers.audit import CLIENTS, ROOT, Verdict, asked_npm, asked_pip_audit, of_npm, of_pip_audit

FOR_TESTS: Final = 60.0
"""Seconds: these machines are busy."""
BAD: Final = {"starlette": "1.9.9", "graphql-http": "<2"}
"""Of which package and which versions something is known."""
needs_npm: Final = pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")


class Service(BaseHTTPRequestHandler):
    """Answers as the services of both tools do: it knows every package, and something bad of those in `BAD`."""

    def __init__(self, *given: Any, knows_bad: bool) -> None:
        self.knows_bad = knows_bad
        super().__init__(*given)

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(gzip.decompress(sent) if self.headers.get("Content-Encoding") == "gzip" else sent)
        self._answer(self._of_npm(asked) if "bulk" in self.path else self._of_osv(asked["package"]["name"]))

    def do_GET(self) -> None:
        """What npm wants to know besides: which versions there are."""
        name = self.path.strip("/")
        version = json.loads((CLIENTS / "package-lock.json").read_text())["packages"][f"node_modules/{name}"]["version"]
        self._answer({"name": name, "dist-tags": {}, "versions": {version: {"name": name, "version": version}}})

    def _of_osv(self, name: str) -> dict[str, Any]:
        if name not in BAD or not self.knows_bad:
            return {}
        mended = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": BAD[name]}]}
        affected = {"package": {"name": name, "ecosystem": "PyPI"}, "ranges": [mended]}
        return {"vulns": [{"id": "TEST-2026-1", "summary": "It is bad.", "affected": [affected]}]}

    def _of_npm(self, asked: dict[str, Any]) -> dict[str, Any]:
        advisory = {"id": 1, "url": "about:blank", "title": "It is bad.", "severity": "high", "cwe": [], "cvss": {}}
        return {
            name: [{**advisory, "vulnerable_versions": BAD[name]}] for name in asked if name in BAD and self.knows_bad
        }

    def _answer(self, what: dict[str, Any]) -> None:
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@contextmanager
def service(*, knows_bad: bool) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Service, knows_bad=knows_bad))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def nobody_there() -> Iterator[str]:
    """An address where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


async def of_python(url: str, cache: Path, patience: float = FOR_TESTS) -> Verdict:
    asking = ("--vulnerability-service", "osv", "--osv-url", f"{url}/v1/query", "--cache-dir", str(cache))
    return await asked_pip_audit(*asking, patience=patience)


async def of_javascript(url: str, cache: Path, patience: float = FOR_TESTS) -> Verdict:
    return await asked_npm({"npm_config_registry": url, "npm_config_cache": str(cache)}, patience)


@pytest.mark.parametrize("asked", [of_python, pytest.param(of_javascript, marks=needs_npm)])
async def test_a_finding_is_told_and_nothing_else_is_one(asked: Any, tmp_path: Path, nobody_there: str) -> None:
    with service(knows_bad=True) as url:
        found = await asked(url, tmp_path / "found")
    assert not found.unanswered
    assert found.packages >= 2
    [finding] = found.findings
    assert finding.startswith("starlette " if asked is of_python else "graphql-http ")
    with service(knows_bad=False) as url:
        clean = await asked(url, tmp_path / "clean")
    assert (clean.packages, clean.findings, clean.unanswered) == (found.packages, (), "")
    unanswered = await asked(nobody_there, tmp_path / "unanswered")
    assert (unanswered.packages, unanswered.findings) == (0, ())
    assert unanswered.unanswered == "because no service answered"


@pytest.mark.parametrize("asked", [of_python, pytest.param(of_javascript, marks=needs_npm)])
async def test_whoever_does_not_answer_in_time_is_not_waited_for(asked: Any, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        verdict = await asked(f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path, patience=1.0)
    assert verdict.unanswered == "because it took too long"


def test_an_index_that_knows_none_of_the_packages_has_not_answered() -> None:
    """It says so of each, and pip-audit ends as if all were well."""
    report = {"dependencies": [{"name": "starlette", "skip_reason": "Dependency not found"}], "fixes": []}
    assert of_pip_audit(json.dumps(report)).unanswered == "because the service knew none of the packages"
    assert of_pip_audit("").unanswered
    assert of_npm('{"message": "405 Method Not Allowed"}').unanswered
    assert of_npm("[]").unanswered


def locked(name: str) -> dict[str, Version]:
    pins = re.findall(
        r"^([A-Za-z0-9_.-]+)(?:\[[^]]+])?==(\S+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE
    )
    return {package.lower(): Version(version) for package, version in pins}


def test_the_lock_that_is_audited_holds_the_other_whole() -> None:
    ours, audited = locked("requirements.lock"), locked("requirements-dev.lock")
    assert len(ours) > 40
    assert ours.items() <= audited.items()


FLOORS: Final = {"strawberry-graphql": "0.327.2", "pyjwt": "2.13.0", "starlette": "1.3.1"}
"""The first versions without the holes that we know of."""


@pytest.mark.parametrize("name", FLOORS)
def test_no_version_with_a_known_hole_can_be_installed(name: str) -> None:
    """Attack 63. Nor one that is chosen by whoever installs without the lock."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [wanted] = [Requirement(text) for text in project["dependencies"] if Requirement(text).name == name]
    [specifier] = wanted.specifier
    assert (specifier.operator, Version(specifier.version) >= Version(FLOORS[name])) == (">=", True)
    assert locked("requirements.lock")[name] >= Version(FLOORS[name])
