"""Who may do what: the roles that each verb, noun and field is for, as sentences in the schema and as docs/roles.md.

Nothing is decided here. What a thing needs stands in its declaration, what a role holds in core.permissions.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from gql.database.permissions import read_permissions
from gql.engine.declarations import Declarations
from gql.engine.nouns import Noun

STRANGERS: Final = "Open to strangers."
HELD: Final = "●"

OPENING: Final = """# Roles

This page is made from the code: `make docs` writes it, and a test compares it. Another test asks for everything that
stands here in every role, and compares what it is allowed with this page and with the database.

Whoever sees all, sees every row of the organisation. The others see the rows of their scope: a member the clients that
they speak for; a vendor, retailer, business or investor whom they are there. What these four may do comes with their
domains. Everybody sees their own membership, sessions and devices.
"""


def who_holds(permission: str) -> list[str]:
    """The roles that include this permission."""
    return [role for role, held in read_permissions().items() if permission in held]


def root_fields(noun: Noun) -> Iterator[str]:
    """The fields of Query that answer with it."""
    yield from filter(None, (noun.singular, noun.single and noun.single[0], noun.question and noun.question.field))
    if noun.plural:
        yield noun.plural
        if noun.groups:
            yield noun.groups_field


def notes(
    declarations: Declarations, python_fields: Mapping[str, str], open_to_strangers: frozenset[str]
) -> dict[str, str]:
    """A sentence on who may do it, for each type, root field and field with a permission of its own, by its name:
    `Invoice`, `Mutation.invoiceIssue`, `Client.summary`."""
    found = {"Query.node": "Roles: those of its type."}
    for noun in declarations.nouns.values():
        sentence = _sentence(noun.permission)
        found[noun.name] = sentence
        found |= {f"Query.{name}": sentence for name in root_fields(noun)}
        found |= {
            f"{noun.name}.{column.graphql_name}": _sentence(column.permission)
            for column in noun.columns
            if column.permission
        }
    for verb in declarations.verbs.values():
        found[f"Mutation.{verb.graphql_name}"] = _sentence(verb.permission)
    for name, permission in python_fields.items():
        found[f"Mutation.{name}"] = STRANGERS if name in open_to_strangers else _sentence(permission)
    return found


def render_roles(
    declarations: Declarations, python_fields: Mapping[str, str], open_to_strangers: frozenset[str]
) -> str:
    """The page, in Markdown."""
    nouns = declarations.nouns.values()
    verbs = [(verb.graphql_name, verb.permission) for verb in declarations.verbs.values()]
    verbs += [(name, needed) for name, needed in sorted(python_fields.items()) if name not in open_to_strangers]
    permissions = sorted({permission for held in read_permissions().values() for permission in held})
    fields = [
        (f"`{noun.name}.{column.graphql_name}`", column.permission)
        for noun in nouns
        for column in noun.columns
        if column.permission
    ]
    return "\n".join(
        [
            OPENING,
            "## What a role includes\n",
            *_table(("permission",), (((f"`{each}`",), each) for each in permissions)),
            "\n## Verbs\n",
            *_table(
                ("mutation", "needs"),
                (((f"`{name}`", permission), permission) for name, permission in verbs),
            ),
            "\n## Nouns\n",
            "A noun without a root field is reached through others.\n",
            *_table(
                ("noun", "root fields", "needs"),
                (
                    (
                        (noun.name, ", ".join(f"`{name}`" for name in root_fields(noun)), noun.permission),
                        noun.permission,
                    )
                    for noun in nouns
                ),
            ),
            "\n## Fields that need more than their noun\n",
            *_table(("field", "needs"), (((name, permission), permission) for name, permission in fields)),
            "\n## Without a role\n",
            "| mutation | for |",
            "|---|---|",
            *(f"| `{name}` | strangers |" for name in sorted(open_to_strangers)),
        ]
    )


def _sentence(permission: str) -> str:
    holders, roles = who_holds(permission), read_permissions()
    return f"Roles: {'all' if len(holders) == len(roles) else ', '.join(holders)}."


def _table(columns: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], str]]) -> Iterator[str]:
    """A row for each thing, with a mark under each role that includes the permission which it needs."""
    roles: Mapping[str, frozenset[str]] = read_permissions()
    yield f"| {' | '.join((*columns, *roles))} |"
    yield "|" + "---|" * len(columns) + ":-:|" * len(roles)
    for cells, permission in rows:
        marks = (HELD if permission in held else " " for held in roles.values())
        yield f"| {' | '.join((*cells, *marks))} |"
