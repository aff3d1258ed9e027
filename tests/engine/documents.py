"""The hand-written documents, each with the variables it is tried with.

A comment `# variables: {…}` in a document is one set of variables; a document without any is tried once, with none.
`# snapshot: member` asks for a snapshot of the SQL that somebody in this scoped role gets, besides the usual one.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

DIRECTORY: Final = Path(__file__).parent / "documents"


@dataclass(frozen=True)
class Document:
    """A document of ours."""

    name: str
    source: str

    @property
    def variables(self) -> list[dict[str, Any] | None]:
        found: list[dict[str, Any] | None] = [json.loads(line) for line in self._comments("variables")]
        return found or [None]

    @property
    def scoped_roles(self) -> list[str]:
        """The scoped roles whose SQL is kept as well."""
        return self._comments("snapshot")

    def _comments(self, about: str) -> list[str]:
        start = f"# {about}: "
        return [line.removeprefix(start) for line in self.source.splitlines() if line.startswith(start)]

    def __str__(self) -> str:
        return self.name


DOCUMENTS: Final = [
    Document(path.stem, path.read_text(encoding="utf-8")) for path in sorted(DIRECTORY.glob("*.graphql"))
]
