"""What stands in deploy/, read."""

import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import yaml

from gql.settings import PREFIX, Settings

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
BIN: Final = Path(sys.executable).parent
USER: Final = 10001
"""Who the programs are in a container."""
FROM_ELSEWHERE: Final = frozenset({"pgbouncer/pgbouncer.ini", "backup/backup.sh"})
"""What is named in deploy/ and is not there yet."""


def read_yaml(path: str) -> Any:
    """The one document of a file."""
    return yaml.safe_load((DEPLOY / path).read_text())


def read_all(path: str) -> list[Any]:
    """All documents of a file."""
    return list(yaml.safe_load_all((DEPLOY / path).read_text()))


def replaced(text: str, values: dict[str, str]) -> str:
    """The text with other values in place of these, each of which must be there."""
    for before, after in values.items():
        assert before in text, before
        text = text.replace(before, after)
    return text


def judged(*command: str | Path) -> str:
    """What a program says of a file that it finds wrong; nothing where it takes it."""
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if outcome.returncode == 0 else outcome.stdout + outcome.stderr or "wrong"


def is_a_setting(variable: str) -> bool:
    """Whether the program would take it: a setting, or the file of one."""
    known = {PREFIX + setting.upper() for setting in Settings.__dataclass_fields__}
    return variable in known or variable.removesuffix("_FILE") in known
