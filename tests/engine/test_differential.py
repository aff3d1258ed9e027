"""Every document has one answer: through both doors, through Strawberry's executor, and from the naive executor."""

from typing import Any, Final

import pytest

from gql.billing.clients import ClientHealth
from gql.billing.invoices import InvoiceStatus
from gql.billing.payments import PaymentStatus
from gql.engine.nouns import Noun
from gql.schema import declarations
from gql.trade.credit_entries import CreditTransactionType
from gql.trade.orders import OrderPaymentStatus, OrderStatus
from tests.engine.documents import DOCUMENTS, Document
from tests.engine.doors import Doors, Person
from tests.harness.thoroughness import IS_THOROUGH, USUAL_SHARE

PEOPLE: Final = ("owner", "member", "vendor", "retailer", "other")
CASES: Final = [
    pytest.param(document, variables, id=f"{document}-{number}" if number else str(document))
    for document in DOCUMENTS
    for number, variables in enumerate(document.variables)
]
LISTED: Final = [noun for noun in declarations().nouns.values() if noun.plural]
FOR_INSIDERS: Final = {
    "apps",
    "audit_log",
    "comers",
    "internal_fields",
    "typenames",
    "ledger",
    "ledger_reports",
    "outsiders",
    "retailer_stats",
    "revenue_months",
    "trade",
    "trade_figures",
    "trade_internal",
    "orders",
}
"""The documents that a member's role does not include."""
FOR_TRADERS: Final = {
    "apps_read",
    "orders",
    "organisation",
    "people",
    "retailer_stats",
    "trade",
    "trade_figures",
    "typename_alone",
}
"""The documents that the roles of vendors and retailers include."""


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize(("document", "variables"), CASES)
async def test_a_document_has_one_answer(
    document: Document, variables: dict[str, Any] | None, who: str, doors: Doors, people: dict[str, Person]
) -> None:
    answer = await doors.agree(people[who], document.source, variables)
    beyond_traders = who in ("vendor", "retailer") and document.name not in FOR_TRADERS
    if beyond_traders or (who == "member" and document.name in FOR_INSIDERS):
        assert answer.codes == {"FORBIDDEN"}
    else:
        assert answer.data is not None, answer.codes


def orders_of(noun: Noun) -> list[tuple[str, ...]]:
    """Each order alone, pairs of orders of two columns in whatever directions (all in a thorough run), and three
    at once."""
    names = list(noun.orders)
    pairs = [
        (one, other)
        for one in names
        for other in names
        if noun.orders[one].column is not noun.orders[other].column and one < other
    ]
    if not IS_THOROUGH:
        pairs = pairs[::USUAL_SHARE]
    three = [tuple(names[:: len(names) // 3 + 1])] if len(names) > 5 else []
    return [(name,) for name in names] + pairs + three


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize(
    ("noun", "orders"),
    [
        pytest.param(noun, orders, id=f"{noun.plural}-{'-'.join(orders)}")
        for noun in LISTED
        for orders in orders_of(noun)
    ],
)
async def test_pages_one_after_the_other_are_the_whole_list(
    noun: Noun, orders: tuple[str, ...], size: int, doors: Doors, people: dict[str, Person]
) -> None:
    person = people["owner"]
    whole = await whole_list(doors, person, noun, orders)
    assert await walked(doors, person, noun, orders, size, backward=False) == whole
    assert list(reversed(await walked(doors, person, noun, orders, size, backward=True))) == whole


async def whole_list(doors: Doors, person: Person, noun: Noun, orders: tuple[str, ...]) -> list[str]:
    source = (
        f"query($orders: [{noun.name}Order!]) {{ {noun.plural}(orderBy: $orders, first: 100) {{ nodes {{ id }} }} }}"
    )
    answer = await doors.agree(person, source, {"orders": list(orders)})
    return [node["id"] for node in answer.found[noun.plural]["nodes"]]


async def walked(
    doors: Doors, person: Person, noun: Noun, orders: tuple[str, ...], size: int, *, backward: bool
) -> list[str]:
    """The ids in the order in which the pages showed them. Pages of three are compared among all ways, which takes its
    time; smaller ones come from the engine alone."""
    ask = doors.agree if size == 3 else doors.direct
    amount, start, edge, more = (
        ("last", "before", "startCursor", "hasPreviousPage")
        if backward
        else ("first", "after", "endCursor", "hasNextPage")
    )
    source = f"""query($orders: [{noun.name}Order!], $size: Int, $cursor: String) {{
      {noun.plural}(orderBy: $orders, {amount}: $size, {start}: $cursor) {{
        nodes {{ id }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
      }}
    }}"""
    found: list[str] = []
    cursor = None
    while True:
        variables = {"orders": list(orders), "size": size, "cursor": cursor}
        page = (await ask(person, source, variables)).found[noun.plural]
        ids = [node["id"] for node in page["nodes"]]
        found += reversed(ids) if backward else ids
        assert page["pageInfo"]["hasPreviousPage" if not backward else "hasNextPage"] is (cursor is not None)
        if not page["pageInfo"][more]:
            return found
        cursor = page["pageInfo"][edge]


@pytest.mark.parametrize("page", ["first: 2", "last: 2", ""])
async def test_a_page_between_two_cursors_holds_what_lies_between(
    page: str, doors: Doors, people: dict[str, Person]
) -> None:
    owner = people["owner"]
    edges = (await doors.agree(owner, "{ invoices(orderBy: [TOTAL_DESC]) { edges { cursor node { id } } } }")).found
    cursors = [edge["cursor"] for edge in edges["invoices"]["edges"]]
    comma = ", " if page else ""
    source = f"""query($after: String, $before: String) {{
      invoices(orderBy: [TOTAL_DESC], after: $after, before: $before{comma}{page}) {{
        nodes {{ id }} totalCount pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
      }}
    }}"""
    for first, last in ((0, 6), (3, 4), (4, 4), (6, 2), (0, len(cursors) - 1)):
        answer = await doors.agree(owner, source, {"after": cursors[first], "before": cursors[last]})
        assert len(answer.found["invoices"]["nodes"]) == max(0, min(last - first - 1, 2 if page else 20))


async def test_a_cursor_keeps_its_place_when_its_row_is_not_in_the_list(
    doors: Doors, people: dict[str, Person]
) -> None:
    owner = people["owner"]
    edges = (await doors.agree(owner, "{ clients { edges { cursor node { status } } } }")).found["clients"]["edges"]
    source = """query($after: String, $before: String) {
      onwards: clients(filter: { status: { eq: ACTIVE } }, after: $after, first: 2) {
        nodes { id } pageInfo { hasNextPage hasPreviousPage }
      }
      back: clients(filter: { status: { eq: ACTIVE } }, before: $before, last: 2) {
        nodes { id } pageInfo { hasNextPage hasPreviousPage }
      }
    }"""
    for edge in edges:
        if edge["node"]["status"] != "ACTIVE":
            await doors.agree(owner, source, {"after": edge["cursor"], "before": edge["cursor"]})


REFUSED: Final = {
    "both ends": ("{ clients(first: 1, last: 1) { totalCount } }", None, "BAD_USER_INPUT"),
    "a page of none": ("{ clients(first: 0) { nodes { id } } }", None, "BAD_USER_INPUT"),
    "a page of too many": ("{ clients(last: 101) { nodes { id } } }", None, "BAD_USER_INPUT"),
    "a negative page": ("query($n: Int) { clients(first: $n) { nodes { id } } }", {"n": -1}, "BAD_USER_INPUT"),
    "null in a filter": ("{ clients(filter: { name: null }) { totalCount } }", None, "BAD_USER_INPUT"),
    "null for an operator": (
        "query($name: String) { clients(filter: { name: { eq: $name } }) { totalCount } }",
        {"name": None},
        "BAD_USER_INPUT",
    ),
    "null for not": ("{ clients(filter: { not: null }) { totalCount } }", None, "BAD_USER_INPUT"),
    "a column ordered by twice": (
        "{ clients(orderBy: [NAME_ASC, NAME_DESC]) { totalCount nodes { id } } }",
        None,
        "BAD_USER_INPUT",
    ),
    "too many orders": (
        "{ invoices(orderBy: [TOTAL_ASC, NUMBER_ASC, BALANCE_ASC, DUE_DATE_ASC]) { nodes { id } } }",
        None,
        "BAD_USER_INPUT",
    ),
    "a cursor of another order": (
        "query($after: String) { clients(orderBy: [NAME_DESC], after: $after) { nodes { id } } }",
        {"after": "WyJDbGllbnQsTkFNRV9BU0MiLCJ6IiwiYzEwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAxIl0"},
        "BAD_USER_INPUT",
    ),
    "what is no cursor": ('{ clients(after: "%%%") { nodes { id } } }', None, "BAD_USER_INPUT"),
    "what is no cursor, where a count is all that is asked": (
        '{ clients(before: "%%%") { totalCount } }',
        None,
        "BAD_USER_INPUT",
    ),
    "an order by what is not grouped by": (
        "{ invoiceGroups(by: [STATUS], orderBy: [CLIENT_ID_ASC]) { count } }",
        None,
        "BAD_USER_INPUT",
    ),
    "a key twice": ("{ invoiceGroups(by: [STATUS, STATUS]) { count } }", None, "BAD_USER_INPUT"),
    "no groups": ("{ invoiceGroups(by: [STATUS], first: 0) { count } }", None, "BAD_USER_INPUT"),
}


@pytest.mark.parametrize("reason", REFUSED)
async def test_what_is_refused_is_refused_by_all(reason: str, doors: Doors, people: dict[str, Person]) -> None:
    source, variables, code = REFUSED[reason]
    answer = await doors.agree(people["owner"], source, variables)
    assert answer.codes == {code}
    assert doors.naive(people["owner"], source, variables).codes == {code}


REFUSED_BY_FORM: Final = {
    "null for a condition with a default": (
        "query($all: Boolean = true) { clients { nodes { id name @include(if: $all) } } }",
        {"all": None},
    ),
    "null for a list with a default": (
        "query($by: [InvoiceGroupBy!] = [STATUS]) { invoiceGroups(by: $by) { count } }",
        {"by": None},
    ),
    "an id that is none": ('{ client(id: "1") { id } }', None),
    "an id of braces": ('{ client(id: "{c1000000-0000-4000-8000-00000000001}") { id } }', None),
    "a day that is none": ('{ invoices(filter: { issueDate: { eq: "2025-02-29" } }) { totalCount } }', None),
    "an amount of three decimals": ('{ invoices(filter: { total: { eq: "1.001" } }) { totalCount } }', None),
    "an amount as a number": ("{ invoices(filter: { total: { eq: 1.5 } }) { totalCount } }", None),
    "a moment without a zone": (
        '{ clients(filter: { createdAt: { gt: "2025-01-01T00:00:00" } }) { totalCount } }',
        None,
    ),
    "a text with a NUL": (
        "query($name: String!) { clients(filter: { name: { eq: $name } }) { totalCount } }",
        {"name": "a\0b"},
    ),
    "half a character": (
        "query($name: String!) { clients(filter: { name: { in: [$name] } }) { totalCount } }",
        {"name": "\ud83e"},
    ),
    "too many values": (
        "query($n: [String!]!) { clients(filter: { name: { in: $n } }) { totalCount } }",
        {"n": ["a"] * 101},
    ),
    "a filter too deep": ("{ clients(filter: " + "{ not: " * 6 + "{}" + " }" * 6 + ") { totalCount } }", None),
}


@pytest.mark.parametrize("reason", REFUSED_BY_FORM)
async def test_a_value_of_the_wrong_form_is_refused_with_a_code(
    reason: str, doors: Doors, people: dict[str, Person]
) -> None:
    source, variables = REFUSED_BY_FORM[reason]
    owner = people["owner"]
    answer = await doors.direct(owner, source, variables)
    assert answer.codes & {"BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "LIMIT_EXCEEDED"}
    assert (await doors.read(owner, source, variables)).codes == answer.codes
    assert (await doors.strawberry(owner, source, variables)).codes == answer.codes


async def test_the_books_reach_every_noun_and_the_member_sees_a_part(people: dict[str, Person]) -> None:
    owner, member = people["owner"].world.things, people["member"].world.things
    assert all(owner.values())
    assert 0 < len(member["Client"]) < len(owner["Client"])
    assert 0 < len(member["Invoice"]) < len(owner["Invoice"])
    assert not member["ClientNote"]
    vendor, retailer = people["vendor"].world.things, people["retailer"].world.things
    for noun in ("Vendor", "VendorProduct", "CreditLine", "Order", "OrderItem", "CreditLedgerEntry"):
        assert 0 < len(vendor[noun]) < len(owner[noun])
        assert 0 < len(retailer[noun]) < len(owner[noun])
    assert not vendor["Retailer"]
    assert 0 < len(retailer["Retailer"]) < len(owner["Retailer"])
    assert len(vendor["Product"]) == len(retailer["Product"]) == len(owner["Product"])
    assert {each.row["vendor_is_approved"] for each in vendor["VendorProduct"]} == {True, False}
    for noun, status in (("Invoice", InvoiceStatus), ("Payment", PaymentStatus)):
        assert {thing.row["status"] for thing in owner[noun]} == {each.value for each in status}
    assert {each.row["status"] for each in owner["Order"]} == {each.value for each in OrderStatus}
    assert {each.row["payment_status"] for each in owner["Order"]} == {each.value for each in OrderPaymentStatus}
    kinds = {each.row["transaction_type"] for each in owner["CreditLedgerEntry"]}
    assert kinds == {each.value for each in CreditTransactionType}
    health = declarations().nouns["Client"].column("health")
    told = {people["owner"].world.value(thing, health) for thing in owner["Client"]}
    assert told == {each.value for each in ClientHealth}
