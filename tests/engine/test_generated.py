"""Thousands of generated documents, each with one answer: through both doors, from Strawberry and from the naive
executor.

They are the same in every run: a twelfth of them in a usual one, all two thousand in `make test-thorough`.
`HYPOTHESIS_PROFILE=explore` looks further.
"""

import asyncio
from collections import Counter
from functools import cache
from typing import Any, Final

import pytest
from graphql import DocumentNode, GraphQLSchema, StringValueNode, build_schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import queries

from tests.engine.doors import SDL, Doors, Person
from tests.engine.generated.choices import Choices
from tests.engine.generated.facts import Facts
from tests.engine.generated.writer import Generated, Writer
from tests.harness.thoroughness import examples

MOST: Final = {"owner": 1000, "member": 600, "vendor": 200, "retailer": 300, "other": 400}
WANTED: Final = {who: examples(most) for who, most in MOST.items()}
"""How many different documents each person asks at least."""
VARIATIONS: Final = 4
"""How many documents are made of one grown selection."""
EXAMPLES_FOR_ONE: Final = 0.9
"""How many examples it takes for one wanted document: not all are new."""
OF_TRADE: Final = (
    ("vendors", "retailers", "products"),
    ("creditLines", "vendorProducts"),
    ("products",),
    ("orders",),
    ("order", "orderItems", "orderGroups"),
    ("creditLedger", "creditLedgerEntryGroups"),
    ("vendor", "creditLineGroups", "retailerGroups", "productGroups"),
)
ROOTS: Final = (
    ("clients",),
    ("invoices",),
    ("clients", "invoices"),
    ("invoiceGroups", "clientGroups"),
    ("node", "client", "invoice"),
    ("organisation", "me", "memberships", "trustedIssuers", "externalPeople", "clients", "mySessions", "myTotpDevices"),
    ("account", "invites", "joinRequests", "myInvites", "myJoinRequests"),
    ("invoices", "node", "invoiceGroups"),
    ("payments", "allocations", "creditNotes"),
    ("payment", "paymentGroups", "creditNoteGroups"),
    ("ageing", "ageingTotals", "ageingByLastPayment"),
    ("revenueByMonth", "collectionByMonth", "processingTimes", "clients"),
)
SCHEMA: Final[GraphQLSchema] = build_schema(SDL)
# Real values take the place of these; only that there is a value is kept.
SCALARS: Final[dict[str, st.SearchStrategy[Any]]] = {
    name: st.just(StringValueNode(value="")) for name in ("Money", "Decimal", "Date", "DateTime", "JSON", "ID")
}


@cache
def grown(allow_null: bool, roots: tuple[tuple[str, ...], ...]) -> st.SearchStrategy[DocumentNode]:
    """Documents as hypothesis-graphql grows them, of one or more root fields."""
    return st.sampled_from(roots).flatmap(
        lambda roots: queries(
            SCHEMA,
            fields=roots,
            custom_scalars=SCALARS,
            allow_x00=False,
            allow_null=allow_null,
            print_ast=lambda document: document,
        )
    )


@st.composite
def documents(draw: st.DrawFn, facts: Facts) -> list[Generated]:
    """Some documents of the same selection, with different arguments, that ask about the facts."""
    # A trader asks of trade alone; of who sees nothing of trade it would be refused time and again.
    others = () if facts.world.person.role in ("vendor", "retailer") else ROOTS
    of_trade = OF_TRADE if "trade:read" in facts.world.person.permissions else ()
    document = draw(grown(draw(st.booleans()), (*others, *of_trade)))
    return [Writer(SCHEMA, facts, Choices(draw)).document(document) for _ in range(VARIATIONS)]


@pytest.mark.parametrize("who", WANTED)
async def test_generated_documents_have_one_answer(who: str, doors: Doors, people: dict[str, Person]) -> None:
    person = people[who]
    loop = asyncio.get_running_loop()
    agreed: set[str] = set()
    codes: Counter[str] = Counter()

    @settings(max_examples=int(WANTED[who] * EXAMPLES_FOR_ONE), suppress_health_check=list(HealthCheck))
    @given(documents(Facts(person.world)))
    def judge(generated: list[Generated]) -> None:
        for each in generated:
            if each.text not in agreed:
                codes.update(ask(each.source, each.variables) or {"answered"})
                if each.required != each.variables:
                    ask(each.source, each.required)
                agreed.add(each.text)

    def ask(source: str, variables: dict[str, Any]) -> frozenset[str]:
        asking = doors.agree(person, source, variables)
        return asyncio.run_coroutine_threadsafe(asking, loop).result(60).codes

    # Hypothesis runs synchronously, so it gets a thread; what it asks is asked on the loop of the connections.
    await asyncio.to_thread(judge)
    assert len(agreed) >= WANTED[who]
    assert codes["answered"] > 0.6 * len(agreed), codes
