"""What things of the schema mean, as the comments in the SQL files say it."""

from dataclasses import dataclass
from typing import Protocol

from gql.engine.declarations import Declarations
from gql.engine.fields import Column, Relation
from gql.engine.nouns import Noun


class Descriptions(Protocol):
    """Where meanings come from: the `comment on` texts of the SQL files."""

    def table(self, table: str) -> str | None: ...
    def column(self, table: str, column: str) -> str | None: ...
    def function(self, function: str) -> str | None: ...


@dataclass(frozen=True)
class Meanings:
    """The meanings of nouns."""

    declarations: Declarations
    descriptions: Descriptions

    def of(self, noun: Noun) -> str | None:
        return self.descriptions.table(noun.described_by)

    def of_target(self, relation: Relation) -> str | None:
        """What the things are that it leads to."""
        return self.of(self.declarations.target(relation))

    def asked(self, noun: Noun) -> str | None:
        """What a question means: the comment on the function that answers it."""
        return self.descriptions.function(noun.table.partition("(")[0])

    def column(self, noun: Noun, column: Column) -> str | None:
        return column.description or self.descriptions.column(noun.described_by, column.name)
