"""What GraphQL shows of a noun: every row that can be reached, with every column, as an analyst would name them.

The documents are made from the declarations, so that the next noun is asked for as well.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from strawberry.utils.str_converters import to_camel_case

from gql.database.permissions import read_permissions
from gql.engine.engine import Caller, Engine
from gql.engine.fields import Answers, Column, ToMany, ToOne
from gql.engine.nouns import Noun
from gql.engine.reporting import is_reckoned
from gql.schema import declarations

Row = dict[str, Any]

PAGE: Final = 100
NESTED: Final = 5
"""Of parents whose children are asked for too: a page of each child costs."""
FROM: Final = "1900-01-01"
THE_END: Final = "9999-12-31"


def columns_of(noun: Noun) -> list[Column]:
    """What is compared. The id of a report's line is nobody's."""
    may_read = read_permissions()["viewer"]
    return [
        column
        for column in noun.columns
        if (column.name != "id" or not noun.question) and (not column.permission or column.permission in may_read)
    ]


def references_of(noun: Noun) -> list[ToOne]:
    """The relations whose column says what they lead to."""
    return [each for each in noun.relations if isinstance(each, ToOne) and each.via != "id"]


@dataclass
class Asking:
    """Asks the engine as one person, and remembers."""

    engine: Engine
    caller: Caller
    _known: dict[str, list[Row]] = field(default_factory=dict)

    @property
    def today(self) -> str:
        assert self.caller.context
        return datetime.now(ZoneInfo(self.caller.context.time_zone)).date().isoformat()

    async def rows(self, noun: Noun) -> list[Row]:
        """Every row of the noun or the report, by the names of its columns."""
        if noun.name not in self._known:
            self._known[noun.name] = [row async for row in self._rows(noun)]
        return self._known[noun.name]

    async def report(self, noun: Noun, **arguments: str) -> list[Row]:
        """A report for other days: its lines in their order."""
        assert noun.question
        if noun.question.field:
            found = await self.ask(f"{{ {noun.question.field}{_given(arguments)} {_selected(noun)} }}")
            return [_row(noun, each) for each in found[noun.question.field]]
        (asked, answers), about = _asked_about(noun), arguments.pop(_argument(noun))
        selection = f"{answers.graphql_name}{_given(arguments)} {_selected(noun)}"
        found = await self.ask(f'{{ thing: {asked.singular}(id: "{about}") {{ {selection} }} }}')
        return [_row(noun, each) for each in found["thing"][answers.graphql_name]]

    async def ask(self, document: str, variables: dict[str, Any] | None = None) -> Any:
        operation = await self.engine.prepare(document, None, variables, introspection=True)
        answer = json.loads(await self.engine.run(operation, self.caller))
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def _rows(self, noun: Noun) -> Any:
        if noun.question:
            async for row in self._lines(noun):
                yield row
        elif noun.plural:
            async for each in self._pages(noun, PAGE, _fields(noun)):
                yield _row(noun, each)
        elif noun.single:
            found = await self.ask(f"{{ thing: {noun.single.name} {_selected(noun)} }}")
            yield _row(noun, found["thing"])
        else:
            async for row in self._children(noun):
                yield row

    async def _lines(self, noun: Noun) -> Any:
        assert noun.question
        names = {argument.name for argument in noun.question.arguments}
        # What is reckoned ahead is shown as far as it goes, everything else until today.
        until = THE_END if is_reckoned(noun) else self.today
        spans = {name: value for name, value in (("from", FROM), ("to", until)) if name in names}
        if noun.question.field:
            for row in await self.report(noun, **spans):
                yield row
            return
        asked, answers = _asked_about(noun)
        selection = f"id {answers.graphql_name}{_given(spans)} {_selected(noun)}"
        async for each in self._pages(asked, NESTED, selection):
            for line in each[answers.graphql_name]:
                yield {f"{_argument(noun)}_id": each["id"], **_row(noun, line)}

    async def _children(self, noun: Noun) -> Any:
        """Rows that are only reached through others, by each way there is: all must lead to the same."""
        ways = [[row async for row in self._through(noun, parent, via)] for parent, via in _parents(noun)]
        assert ways, f"nothing leads to {noun.name}"
        by_id = {row["id"]: row for way in ways for row in way}
        for way in ways:
            assert {row["id"] for row in way} == set(by_id)
            for row in way:
                by_id[row["id"]] |= row
        for row in by_id.values():
            yield row

    async def _through(self, noun: Noun, parent: Noun, relation: ToMany) -> Any:
        name = relation.graphql_name
        selection = (
            f"{name} {_selected(noun)}"
            if relation.listed
            else f"{name}(first: {PAGE}) {{ pageInfo {{ hasNextPage }} nodes {_selected(noun)} }}"
        )
        async for each in self._pages(parent, NESTED, f"id {selection}"):
            found = each[name]
            if not relation.listed:
                assert not found["pageInfo"]["hasNextPage"]
                found = found["nodes"]
            for child in found:
                yield {**_row(noun, child), relation.via: each["id"]}

    async def _pages(self, noun: Noun, first: int, selection: str) -> Any:
        # Analysts see what is archived, too.
        archive = ", includeArchived: true" if noun.archive else ""
        document = f"""query ($after: String) {{
            page: {noun.plural}(first: {first}, after: $after{archive}) {{
                pageInfo {{ hasNextPage endCursor }} nodes {{ {selection} }}
            }}
        }}"""
        after = None
        while True:
            page = (await self.ask(document, {"after": after}))["page"]
            for each in page["nodes"]:
                yield each
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]


def _fields(noun: Noun) -> str:
    own = [column.graphql_name for column in columns_of(noun)]
    return " ".join([*own, *(f"{each.graphql_name} {{ id }}" for each in references_of(noun))])


def _selected(noun: Noun) -> str:
    return f"{{ {_fields(noun)} }}"


def _row(noun: Noun, found: dict[str, Any]) -> Row:
    row = {column.name: found[column.graphql_name] for column in columns_of(noun)}
    for each in references_of(noun):
        led_to = (found[each.graphql_name] or {}).get("id")
        assert row.setdefault(each.via, led_to) == led_to, (noun.name, each.name)
    return row


def _given(arguments: dict[str, str]) -> str:
    given = ", ".join(f'{to_camel_case(name)}: "{value}"' for name, value in arguments.items())
    return f"({given})" if given else ""


def _parents(noun: Noun) -> Iterator[tuple[Noun, ToMany]]:
    for parent in declarations().nouns.values():
        for relation in parent.relations:
            if isinstance(relation, ToMany) and relation.target == noun.name and parent.plural:
                yield parent, relation


def _asked_about(noun: Noun) -> tuple[Noun, Answers]:
    """The noun whose field the report is, and that field."""
    for asked in declarations().nouns.values():
        for each in asked.answers:
            if each.target == noun.name:
                return asked, each
    raise LookupError(noun.name)


def _argument(noun: Noun) -> str:
    """What the report calls the row that it is about."""
    return _asked_about(noun)[1].bound[0][0]
