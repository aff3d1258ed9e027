"""Asks those who keep lists of known vulnerabilities whether one of our locked packages is on them: `make check-audit`.

pip-audit reads requirements-dev.lock, which holds requirements.lock whole, and npm the lock of the JavaScript clients;
both at once. Neither says by its exit status whether it was answered: pip-audit ends well when it was told of none of
the packages, and npm ends badly when nobody listens. So what counts is what they write. Where no such service is at
hand, a line says so, and it is no failure.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
CLIENTS: Final = ROOT / "tests" / "clients"
PATIENCE: Final = 18.0
"""Seconds for both."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a tool was told: nothing (`unanswered` says how that showed), or of so many packages, and these findings."""

    tool: str
    packages: int = 0
    findings: tuple[str, ...] = ()
    unanswered: str = ""

    @property
    def sentence(self) -> str:
        if self.unanswered:
            return f"{self.tool}: not asked, {self.unanswered}"
        if self.findings:
            return "\n".join(f"{self.tool}: {finding}" for finding in self.findings)
        return f"{self.tool}: {self.packages} packages, none with a known vulnerability"


def of_pip_audit(written: str) -> Verdict:
    """What pip-audit's report says."""
    report = _read(written)
    if "dependencies" not in report:
        return Verdict("pip-audit", unanswered="because no service answered")
    known = [each for each in report["dependencies"] if "vulns" in each]
    if not known:
        return Verdict("pip-audit", unanswered="because the service knew none of the packages")
    findings = [
        f"{each['name']} {each['version']} has {found['id']}, which is mended in {_or(found['fix_versions'])}"
        for each in known
        for found in each["vulns"]
    ]
    return Verdict("pip-audit", len(known), tuple(findings))


def _or(versions: Sequence[str]) -> str:
    return " or ".join(versions) or "no version yet"


def of_npm(written: str) -> Verdict:
    """What npm's report says."""
    report = _read(written)
    if "auditReportVersion" not in report:
        return Verdict("npm audit", unanswered="because no service answered")
    findings = [
        f"{name} {each['range']} has a vulnerability that is {each['severity']}"
        for name, each in report["vulnerabilities"].items()
    ]
    return Verdict("npm audit", report["metadata"]["dependencies"]["total"], tuple(findings))


def _read(written: str) -> dict[str, Any]:
    try:
        report = json.loads(written)
    except json.JSONDecodeError:
        return {}
    return report if isinstance(report, dict) else {}


async def asked_pip_audit(*more: str, patience: float = PATIENCE) -> Verdict:
    """By default pip-audit asks the index; `more` may name another service."""
    program = Path(sys.executable).with_name("pip-audit")
    if not program.exists():
        return Verdict("pip-audit", unanswered="because it is not installed")
    lock = ROOT / "requirements-dev.lock"
    # What is pinned by its hash needs neither pip nor anybody else to find out what it needs.
    pinned = ("--require-hashes", "--disable-pip", "--no-deps", "--requirement", str(lock))
    quiet = ("--format", "json", "--progress-spinner", "off", "--timeout", "5")
    written = await _written((str(program), *pinned, *quiet, *more), ROOT, {}, patience)
    return Verdict("pip-audit", unanswered="because it took too long") if written is None else of_pip_audit(written)


async def asked_npm(environment: Mapping[str, str] | None = None, patience: float = PATIENCE) -> Verdict:
    """npm asks the registry that it is set up for; `environment` may set it up for another."""
    program = shutil.which("npm")
    if program is None:
        return Verdict("npm audit", unanswered="because there is no npm here")
    calmly = {"npm_config_fetch_retries": "0", "npm_config_update_notifier": "false", **(environment or {})}
    written = await _written((program, "audit", "--json", "--package-lock-only"), CLIENTS, calmly, patience)
    return Verdict("npm audit", unanswered="because it took too long") if written is None else of_npm(written)


async def _written(command: Sequence[str], where: Path, more: Mapping[str, str], patience: float) -> str | None:
    """What the command writes; None where that takes too long."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=where,
        env={**os.environ, **more},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        written, _ = await asyncio.wait_for(process.communicate(), patience)
    except TimeoutError:
        return None
    finally:
        # npm has processes of its own, and none is to be left behind.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    return written.decode(errors="replace")


async def main() -> int:
    """The exit status: 1 for a finding."""
    verdicts = await asyncio.gather(asked_pip_audit(), asked_npm())
    for verdict in verdicts:
        (sys.stderr if verdict.findings else sys.stdout).write(f"{verdict.sentence}\n")
    return 1 if any(verdict.findings for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
