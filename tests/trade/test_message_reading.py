"""Messages become drafts, by the grammar of docs/messages.md: sql/trade/message_reading.sql."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.harness.actors import as_superuser, as_tenant, as_worker
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, the_row
from tests.trade.placing import Market, open_market
from tests.worker.working import eventually, the_duty, working

PARSED = "select to_jsonb(trade.message_parsed($1))"
OURS = "+254700000001"
PHONE = "+254712345678"
VENDOR, SKUS = "V-0", ("SKU-0", "SKU-1")


@pytest.fixture
async def market(tenant: Tenant) -> Market:
    market = await open_market(tenant)
    async with as_tenant(tenant) as connection:
        await call(connection, "trade.retailer_update", id=market.retailers[0], phone=PHONE)
    return market


async def brought(market: Market, body: str | None, sender: str | None = None) -> UUID:
    """A message from the market's retailer."""
    async with as_tenant(market.tenant, "worker") as connection:
        message = {
            "message_id": f"wamid.{uuid4().hex}",
            "from_number": sender or PHONE,
            "to_number": OURS,
            "direction": "INBOUND",
            "body": body,
        }
        await connection.execute("select trade.messages_receive($1::jsonb)", json.dumps([message]))
        found = await connection.fetchval("select id from trade.messages where message_id = $1", message["message_id"])
        assert isinstance(found, UUID)
        return found


async def read(market: Market, message: UUID) -> dict[str, Any]:
    async with as_tenant(market.tenant, "worker") as connection:
        assert await connection.fetchval("select trade.message_read($1)", message) is False
    async with as_tenant(market.tenant) as connection:
        return await the_row(connection, "trade.messages", message)


@pytest.mark.parametrize(
    "body",
    [
        "order {vendor}\n10 {sku}\n4 x {other}",
        "ORDER from {vendor}:\n10x{sku}\n4x{other}\n",
        "Order {vendor}, 10 {sku}, 4 {other}",
        " order {vendor};10 {sku} ;4 x{other}; ",
    ],
)
async def test_an_order_in_words_is_a_draft_for_a_person_to_place(market: Market, body: str) -> None:
    said = body.format(vendor=VENDOR.lower(), sku=SKUS[0].lower(), other=SKUS[1])
    row = await read(market, await brought(market, said))
    assert (row["is_processed"], row["outcome"], row["outcome_text"]) == (True, "ORDER", None)
    async with as_tenant(market.tenant) as connection:
        order = await the_row(connection, "trade.orders", row["order_id"])
        assert (order["status"], order["retailer_id"], order["vendor_id"]) == (
            "DRAFT",
            market.retailers[0],
            market.vendors[0],
        )
        items = await connection.fetch(
            "select product_sku, quantity from trade.order_items where order_id = $1 order by quantity desc",
            order["id"],
        )
        assert [tuple(item) for item in items] == [(SKUS[0], 10), (SKUS[1], 4)]
        line = await the_row(connection, "trade.credit_lines", market.line)
        assert line["held"] == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("order", "first line"),
        ("order !!", "first line"),
        ("order {vendor}", "After the first line"),
        ("order {vendor}\nten bags of rice", "Line 2"),
        ("order {vendor}\n10 {sku}\n-4 {sku}", "Line 3"),
        ("order {vendor}\n10 NOTHING-LIKE-IT", "NOTHING-LIKE-IT"),
        ("order V-UNKNOWN\n10 {sku}", "no vendor V-UNKNOWN"),
        ("order {vendor}\n0 {sku}", ""),
        ("order {vendor}\n" + "1 {sku}\n" * 101, "100 things"),
    ],
)
async def test_what_is_not_understood_says_why(market: Market, body: str, words: str) -> None:
    said = body.format(vendor=VENDOR, sku=SKUS[0])
    row = await read(market, await brought(market, said))
    assert (row["outcome"], row["order_id"]) == ("NOT_UNDERSTOOD", None)
    assert words in row["outcome_text"]
    async with as_tenant(market.tenant) as connection:
        assert await connection.fetchval("select count(*) from trade.orders") == 0


@pytest.mark.parametrize("body", ["Good morning", "", None, "reorder V-1\n1 X", "orders are late"])
async def test_who_asks_for_nothing_gets_nothing(market: Market, body: str | None) -> None:
    row = await read(market, await brought(market, body))
    assert (row["outcome"], row["outcome_text"], row["order_id"]) == ("NO_REQUEST", None, None)


async def test_a_number_of_nobody_or_of_several_orders_nothing(market: Market) -> None:
    said = f"order {VENDOR}\n1 {SKUS[0]}"
    row = await read(market, await brought(market, said, "+254799999999"))
    assert (row["outcome"], row["retailer_id"]) == ("NOT_UNDERSTOOD", None)
    async with as_tenant(market.tenant) as connection:
        await call(connection, "trade.retailer_create", retailer_code="R-TWIN", name="Twin", phone=PHONE)
    row = await read(market, await brought(market, said))
    assert (row["outcome"], row["retailer_id"]) == ("NOT_UNDERSTOOD", None)


async def test_a_message_is_read_once(market: Market) -> None:
    message = await brought(market, f"order {VENDOR}\n1 {SKUS[0]}")
    first = await read(market, message)
    assert await read(market, message) == first
    async with as_tenant(market.tenant) as connection:
        assert await connection.fetchval("select count(*) from trade.orders") == 1


async def test_the_worker_reads_what_came(market: Market) -> None:
    message = await brought(market, f"order {VENDOR}\n1 {SKUS[0]}")

    async def is_read() -> bool:
        async with as_superuser() as connection:
            found = await connection.fetchval("select outcome from trade.messages where id = $1", message)
            return bool(found == "ORDER")

    async with working([the_duty("read-messages")]):
        await eventually(is_read)
    async with as_worker() as connection:
        assert message not in [row["id"] for row in await connection.fetch("select id from trade.messages_due()")]


@given(body=st.text(max_size=300))
async def test_whatever_is_written_is_parsed_or_told_apart(body: str) -> None:
    async with as_superuser() as connection:
        found: Any = await connection.fetchval(PARSED, body.replace("\0", "").encode("utf-8", "ignore").decode())
    said = json.loads(found) if found else None
    assert said is None or set(said) == {"vendor_code", "items", "problem"}
