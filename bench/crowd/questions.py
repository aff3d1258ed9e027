"""What people look at: the questions of a dashboard, as who works for the organisation, for a vendor or for a retailer.

Each is a document of our own schema, and an operation of PostGraphile's that has the same answer.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

from bench.crowd.people import OPERATOR, RETAILER, VENDOR, Person

T = TypeVar("T")
Variables = dict[str, str]
WORDS: Final = ("rice", "flour", "zebu", "soap", "tea")
VARIANTS: Final = 3
"""Of how many retailers, lines or orders one person asks."""
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:.*")


@dataclass(frozen=True)
class Question:
    """Something on a dashboard: how often each role looks at it, and with which variables a person does."""

    name: str
    document: str
    operation: str
    """Of PostGraphile's persisted ones."""
    weights: Mapping[str, int]
    variables: Callable[[Person], Sequence[Variables]]


def _nothing(_: Person) -> Sequence[Variables]:
    return ({},)


def _retailers(person: Person) -> Sequence[Variables]:
    return [{"retailer": each} for each in _some(person, person.business.retailers)]


def _lines(person: Person) -> Sequence[Variables]:
    return [{"retailer": line.retailer_id, "vendor": line.vendor_id} for line in _some(person, person.business.lines)]


def _orders(person: Person) -> Sequence[Variables]:
    of_whom = person.scope_id or _some(person, person.business.retailers)[0]
    return [{"id": each} for each in person.business.orders[of_whom][:VARIANTS]]


def _words(_: Person) -> Sequence[Variables]:
    return [{"word": word} for word in WORDS]


def _today(_: Person) -> Sequence[Variables]:
    return ({"today": datetime.now(UTC).date().isoformat()},)


def _some(person: Person, of: Sequence[T]) -> Sequence[T]:
    """A few of these, other ones for each person."""
    first = int(person.user_id[-8:], 16)
    return [of[(first + number) % len(of)] for number in range(min(VARIANTS, len(of)))]


_ORDER: Final = "id orderNumber status paymentStatus total openAmount createdAt vendor { name } retailer { name }"
_LINE: Final = "id creditLimit debt held available vendor { name } retailer { name }"
QUESTIONS: Final = (
    Question(
        "last orders of a retailer",
        f"""query($retailer: ID!) {{
            orders(filter: {{retailerId: {{eq: $retailer}}}}, first: 20) {{ nodes {{ {_ORDER} }} }} }}""",
        "crowd_orders_of",
        {OPERATOR: 3},
        _retailers,
    ),
    Question(
        "own last orders",
        f"{{ orders(first: 20) {{ nodes {{ {_ORDER} }} }} }}",
        "crowd_orders",
        {VENDOR: 4, RETAILER: 5},
        _nothing,
    ),
    Question(
        "one order with its items",
        f"""query($id: ID!) {{ order(id: $id) {{
            {_ORDER} items {{ position productName unitPrice quantity quantityShipped amount taxAmount }} }} }}""",
        "crowd_order",
        {OPERATOR: 4, VENDOR: 4, RETAILER: 4},
        _orders,
    ),
    Question(
        "balance of a line",
        f"""query($retailer: ID!, $vendor: ID!) {{
            creditLines(filter: {{retailerId: {{eq: $retailer}}, vendorId: {{eq: $vendor}}}}) {{
                nodes {{ {_LINE} }} }} }}""",
        "crowd_line",
        {OPERATOR: 3},
        _lines,
    ),
    Question(
        "own lines by debt",
        f"{{ creditLines(orderBy: [DEBT_DESC], first: 20) {{ nodes {{ {_LINE} }} }} }}",
        "crowd_lines",
        {VENDOR: 3, RETAILER: 4},
        _nothing,
    ),
    Question(
        "totals",
        """{ tradeTotals { currency draftOrders placedOrders confirmedOrders shippedOrders deliveredOrders
            cancelledOrders debt held overdue lowProducts } }""",
        "crowd_totals",
        {OPERATOR: 2, VENDOR: 2, RETAILER: 2},
        _nothing,
    ),
    Question(
        "low stock",
        """{ vendorProducts(filter: {isLow: {eq: true}}, orderBy: [FREE_STOCK_ASC], first: 20) {
            nodes { id sku freeStock lowStockLevel product { name } vendor { name } } } }""",
        "crowd_low",
        {OPERATOR: 2, VENDOR: 2},
        _nothing,
    ),
    Question(
        "overdue",
        f"""query($today: Date!) {{
            orders(
                filter: {{dueDate: {{lt: $today}}, openAmount: {{gt: "0"}}}}, orderBy: [OPEN_AMOUNT_DESC], first: 20
            ) {{ nodes {{ {_ORDER} dueDate }} }} }}""",
        "crowd_overdue",
        {OPERATOR: 2, VENDOR: 1, RETAILER: 1},
        _today,
    ),
    Question(
        "collections",
        """{ retailers(orderBy: [OUTSTANDING_DEBT_DESC], first: 20) {
            nodes { id name phone outstandingDebt availableCredit creditScore riskCategory } } }""",
        "crowd_collections",
        {OPERATOR: 2},
        _nothing,
    ),
    Question(
        "search",
        """query($word: String!) { products(search: $word, first: 20) {
            nodes { id productCode name category taxRate } } }""",
        "crowd_search",
        {OPERATOR: 2, VENDOR: 1, RETAILER: 4},
        _words,
    ),
)


def comparable(value: Any) -> Any:
    """An answer's data in the form in which peers are compared: connections are lists, `12`, `"12.0"` and `"12"` the
    same number, and moments are in UTC."""
    match value:
        case {"nodes": nodes, **rest} if not rest:
            return comparable(nodes)
        case dict():
            return {name: comparable(each) for name, each in value.items()}
        case list():
            return [comparable(each) for each in value]
        case bool() | None:
            return value
        case int() | float():
            return Decimal(str(value)).normalize()
        case str() if _NUMBER.fullmatch(value):
            return Decimal(value).normalize()
        case str() if _MOMENT.fullmatch(value):
            return datetime.fromisoformat(value).astimezone(UTC)
    return value
