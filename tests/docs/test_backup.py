"""docs/backup.md has the commands of the drills, and no others; the drills run them as they stand there."""

from tests.deploy.drill import BASE_BACKUP, BOTH, DUMP, OF_A_DUMP, TO_A_NAME, TO_A_TIME, TO_THE_END
from tests.docs.stories import ROOT, blocks_of

PAGE = ROOT / "docs" / "backup.md"
DRILLED = {BASE_BACKUP, BOTH, DUMP, OF_A_DUMP, TO_A_NAME, TO_A_TIME, TO_THE_END, "countinghouse doctor"}


def test_every_command_of_the_page_is_one_of_the_drills() -> None:
    commands = {command for block in blocks_of(PAGE) if block.language == "sh" for command in block.commands}
    assert commands == DRILLED


def test_the_page_names_the_scripts_that_there_are() -> None:
    scripts = {path.name for path in (ROOT / "deploy" / "backup").glob("*.sh")} - {"succeeded.sh"}
    assert not [script for script in scripts if script not in PAGE.read_text()]
