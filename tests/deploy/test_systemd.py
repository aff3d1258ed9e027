"""deploy/systemd: as systemd takes it, and no safer by its words than by its own count."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.files import DEPLOY, FROM_ELSEWHERE, ROOT, is_a_setting, judged, replaced
from tests.harness.command_line import PROGRAM

UNITS: Final = sorted(path.name for path in (DEPLOY / "systemd").iterdir())


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_units_and_finds_them_safe(tmp_path: Path) -> None:
    for name in UNITS:
        text = (DEPLOY / "systemd" / name).read_text()
        if name.endswith(".service"):
            text = re.sub(r"^ExecStart=\S+", f"ExecStart={PROGRAM}", text, flags=re.MULTILINE)
        (tmp_path / name).write_text(text)
    units = [tmp_path / name for name in UNITS]
    assert judged("systemd-analyze", "verify", "--man=no", *units) == ""
    services = [unit for unit in units if unit.suffix == ".service"]
    # From 0 to 10; what is new has 9.6.
    assert judged("systemd-analyze", "security", "--offline=true", "--threshold=20", *services) == ""
    broken = tmp_path / "broken.service"
    broken.write_text(replaced(services[0].read_text(), {"ProtectSystem=strict": "ProtectSystems=strict"}))
    outcome = subprocess.run(["systemd-analyze", "verify", "--man=no", broken], capture_output=True, check=False)
    assert b"ProtectSystems" in outcome.stderr, "it would not have said that anything is wrong"


@pytest.mark.parametrize("name", [name for name in UNITS if name.endswith(".service")])
def test_a_unit_is_shown_the_secrets_that_it_names_and_no_others(name: str) -> None:
    text = (DEPLOY / "systemd" / name).read_text()
    shown = re.findall(r"^LoadCredential=([\w.]+):/etc/countinghouse/secrets/\1$", text, re.MULTILINE)
    named = re.findall(r"^Environment=COUNTINGHOUSE_\w+_FILE=%d/([\w.]+)$", text, re.MULTILINE)
    assert sorted(shown) == sorted(named)
    assert shown
    variables = re.findall(r"^Environment=(\w+)=", text, re.MULTILINE)
    assert all(map(is_a_setting, variables))


def test_what_is_started_is_there() -> None:
    for name in UNITS:
        for path in re.findall(
            r"^ExecStart=/opt/countinghouse/(\S+)", (DEPLOY / "systemd" / name).read_text(), re.MULTILINE
        ):
            assert (
                path == ".venv/bin/countinghouse"
                or (ROOT / path).exists()
                or path.removeprefix("deploy/") in FROM_ELSEWHERE
            )
