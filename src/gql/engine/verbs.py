"""What can be done: mutations, and what bulk ones report."""

from dataclasses import dataclass

from strawberry.utils.str_converters import to_camel_case

from gql.engine.fields import Column


@dataclass(slots=True)
class Verb:
    """A mutation: one SQL function of the same name in snake case, which takes the input as JSON.

    It returns the id of the thing that the payload shows (`returns` names the noun), the id of a row that is gone
    (`returns` is None), or for a bulk verb a report whose rows are `returns`.
    """

    function: str
    input: type
    returns: "str | Report | None"
    permission: str

    @property
    def graphql_name(self) -> str:
        return to_camel_case(self.function.partition(".")[2])

    @property
    def payload_name(self) -> str:
        return f"{self.graphql_name[0].upper()}{self.graphql_name[1:]}Payload"


@dataclass(frozen=True, slots=True)
class Report:
    """What a bulk verb answers: one row for each row it was given."""

    name: str
    description: str
    columns: tuple[Column, ...]
