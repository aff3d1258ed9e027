"""Old messages are packed: what they say is read as before, nothing is lost, and it takes less room."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from gql.tenants.export import export_tenant
from gql.trade.packs import BODY
from tests.harness.actors import as_analyst, as_owner, as_superuser, as_tenant, as_worker
from tests.harness.tenants import Tenant
from tests.harness.verbs import call, refused
from tests.trade.asking import Asking
from tests.trade.packing import OURS, PACK, THEIRS, bring, packed, sent
from tests.worker.working import eventually, the_duty, working

TABLE: Final = "trade.messages"
PACKS: Final = "trade.message_packs"
SAID: Final = "{ messages(first: 100, orderBy: [CREATED_AT_DESC]) { nodes { messageId body sentAt } } }"
VIEWED: Final = "select message_id, body from reporting.messages"
INSERT: Final = f"insert into {PACKS} (tenant_id, conversation_id, bodies) values ($1, $2, $3) returning id"
MOVE: Final = f"update {TABLE} set body = null, pack_id = $2, pack_place = $3 where id = $1"
COPY: Final = f"""
    insert into {TABLE} (
        tenant_id, message_id, conversation_id, from_number, to_number, direction, sent_at, pack_id, pack_place
    )
    select tenant_id, 'x', conversation_id, from_number, to_number, direction, sent_at, $2, 1 from {TABLE} where id = $1
"""
NASTY: Final = ['Thank "you" \\ 🦉\u2028\x07', "", "NULL", "{a,b}", "Line\n\ttwo", "x" * 4096]
WORDS: Final = """
    good morning can you send rice sugar oil flour tomorrow today before noon please we are closed thank driver is on
    the way invoice paid by transfer balance order confirmed delivery bags cartons price list new stock yesterday shop
    main road call me when you arrive sorry late two three ten twenty boxes missing broken change next week ok yes no
"""


def ordinary(number: int) -> str:
    """What people write: a few words, another number each time."""
    chance = random.Random(number)
    words = [chance.choice(WORDS.split()) for _ in range(chance.randint(4, 22))]
    return f"{' '.join(words).capitalize()} {chance.randint(1, 9999)}."


async def said(tenant: Tenant, asking: Asking) -> dict[str, str | None]:
    """What GraphQL says that the messages say; it is what analysts are told."""
    nodes = (await asking.ask(tenant, SAID))["messages"]["nodes"]
    found = {node["messageId"]: node["body"] for node in nodes}
    async with as_analyst(tenant) as analyst:
        assert {row["message_id"]: row["body"] for row in await analyst.fetch(VIEWED)} == found
    return found


async def everything(tenant: Tenant) -> Any:
    async with as_superuser() as connection:
        return await connection.fetch(
            f"select to_jsonb(m) from {TABLE} m where tenant_id = $1 order by id", tenant.tenant_id
        )


# What is packed


async def test_what_is_old_is_packed_and_reads_the_same(tenant: Tenant, asking: Asking, tmp_path: Path) -> None:
    messages = [sent(body, sent_at=f"2024-01-{31 - number:02}T00:00:00Z") for number, body in enumerate(NASTY)]
    ids = await bring(tenant, [*messages, sent(None, media={"type": "image"})])
    before = await said(tenant, asking)
    places = await packed(tenant)
    # In the order of their sending; what says nothing needs no place.
    assert [places[each][1] for each in ids[:-1]] == [6, 5, 4, 3, 2, 1]
    assert set(places) == set(ids[:-1])
    assert len({pack for pack, _ in places.values()}) == 1
    async with as_superuser() as connection:
        left = f"select count(body) from {TABLE} where tenant_id = $1"
        assert await connection.fetchval(left, tenant.tenant_id) == 0
        await export_tenant(connection, tenant.tenant_id, tmp_path / "out", "jsonl")
    assert await said(tenant, asking) == before
    assert list(before.values()).count(None) == 1
    lines = (tmp_path / "out" / f"{TABLE}.jsonl").read_text().split("\n")[:-1]
    assert {line["message_id"]: line["body"] for line in map(json.loads, lines)} == before


async def test_what_is_young_unread_or_too_little_is_not(tenant: Tenant) -> None:
    inbound = {"direction": "INBOUND", "from_number": THEIRS, "to_number": OURS}
    young, unread, read = await bring(
        tenant,
        [sent("Yesterday", sent_at=None), sent("Unread", **inbound), sent("Read", **inbound)],
    )
    async with as_tenant(tenant) as connection:
        await call(connection, "trade.message_process", id=read)
    assert await packed(tenant, 5) == {}
    assert set(await packed(tenant, 4)) == {read}
    async with as_tenant(tenant) as connection:
        await call(connection, "trade.message_process", id=unread)
        with refused("CONFLICT", "MESSAGE_PROCESSED"):
            await call(connection, "trade.message_process", id=read)
    assert set(await packed(tenant)) == {read, unread}
    # Whatever goes out is packed unread, and may be seen to later all the same.
    (out,) = await bring(tenant, [sent("Out")])
    assert set(await packed(tenant)) == {read, unread, out}
    async with as_tenant(tenant) as connection:
        await call(connection, "trade.message_process", id=out)
        assert await connection.fetchval(f"select body from {TABLE} where id = $1", young) == "Yesterday"


async def test_a_pack_is_of_one_conversation_and_two_hundred_messages_or_so_many_bytes(tenant: Tenant) -> None:
    short = [sent("ok", conversation_id="short") for _ in range(401)]
    long = [sent("é" * 4096, conversation_id="long") for _ in range(9)]
    other = [sent(f"{number}", conversation_id=f"other {number}") for number in range(21)]
    await bring(tenant, [*short, *long, *other])
    # Two hundred are a pack however little they say.
    assert len(await packed(tenant, 10_000)) == 400 + 9 - 1
    assert len(await packed(tenant)) == 401 + 9 + 21
    async with as_tenant(tenant) as connection:
        rows = await connection.fetch(f"select conversation_id, cardinality(bodies) from {PACKS} order by 1, 2")
    assert [tuple(row) for row in rows[:5]] == [
        ("long", 1),
        ("long", 8),
        ("other 0", 1),
        ("other 1", 1),
        ("other 10", 1),
    ]
    assert [tuple(row) for row in rows[-3:]] == [("short", 1), ("short", 200), ("short", 200)]


async def test_a_pack_is_less_than_half_of_what_is_in_it(tenant: Tenant) -> None:
    await bring(tenant, [sent(ordinary(number)) for number in range(200)])
    async with as_tenant(tenant) as connection:
        size = f"select sum(pg_column_size(body)) from {TABLE}"
        before = await connection.fetchval(size)
        # The worker's own measure of enough.
        async with as_tenant(tenant, "worker") as working:
            assert await working.fetchval("select trade.messages_pack()") is False
        assert await connection.fetchval(f"select count(*) from {PACKS}") == 1
        after = await connection.fetchval(f"select pg_column_size(bodies) from {PACKS}")
        assert after * 2 < before, (before, after)
        assert await connection.fetchval(size) is None


async def test_nobody_has_changed_a_message_by_packing_it(tenant: Tenant) -> None:
    await bring(tenant, [sent("One"), sent("Two")])
    moved = ("body", "pack_id", "pack_place")
    before = [json.loads(row[0]) for row in await everything(tenant)]
    assert len(await packed(tenant)) == 2
    after = [json.loads(row[0]) for row in await everything(tenant)]
    assert [{**row, **dict.fromkeys(moved)} for row in before] == [{**row, **dict.fromkeys(moved)} for row in after]
    async with as_tenant(tenant) as connection:
        assert await connection.fetchval("select count(*) from core.audit_log where entity_type = 'MESSAGE'") == 0


# Who writes, and what nobody may


async def old_pair(tenant: Tenant) -> tuple[UUID, UUID]:
    first, second = await bring(tenant, [sent("One", sent_at="2024-01-01T00:00:00Z"), sent("Two")])
    return first, second


async def test_a_body_leaves_for_the_very_same_words_and_for_nothing_else(tenant: Tenant) -> None:
    first, second = await old_pair(tenant)
    (young,) = await bring(tenant, [sent("Young", sent_at=None)])
    (unread,) = await bring(tenant, [sent("Unread", direction="INBOUND", from_number=THEIRS, to_number=OURS)])
    (silent,) = await bring(tenant, [sent(None)])
    async with as_owner(tenant) as owner:
        everything_undone = owner.transaction()
        await everything_undone.start()
        pack = await owner.fetchval(INSERT, tenant.tenant_id, THEIRS, ["One", "Two", "two ", "Young", "Unread"])
        own = await owner.fetchval(INSERT, tenant.tenant_id, OURS, ["Unread"])
        with refused("CONFLICT", "MESSAGE_FIXED"):
            async with owner.transaction():
                await owner.execute(f"update {TABLE} set body = null where id = $1", first)
        wrong = [(first, 2), (second, 3), (first, 0), (first, 6), (young, 4), (silent, 1), (silent, 6), (unread, 5)]
        for message, place in wrong:
            with refused("CONFLICT", "NOT_TO_BE_PACKED"):
                async with owner.transaction():
                    await owner.execute(MOVE, message, pack, place)
        with refused("CONFLICT", "NOT_TO_BE_PACKED"):
            async with owner.transaction():
                await owner.execute(MOVE, unread, own, 1)
        for more in ("sent_at = now()", "updated_at = now()", "body = 'One'", "from_number = '+254700000009'"):
            with refused("CONFLICT", "NOT_TO_BE_PACKED"):
                async with owner.transaction():
                    emptied = "" if "body" in more else "body = null,"
                    change = f"update {TABLE} set pack_id = $2, pack_place = 1, {emptied} {more} where id = $1"
                    await owner.execute(change, first, pack)
        # Nor is a message made that says what another has said.
        with refused("CONFLICT", "NOT_TO_BE_PACKED"):
            async with owner.transaction():
                await owner.execute(COPY, first, pack)
        # A pack of other things than its messages say does not last.
        with refused("CONFLICT", "PACK_OF_NOTHING"):
            async with owner.transaction():
                await owner.execute("set constraints all immediate")
        await owner.execute(MOVE, first, pack, 1)
        with refused("CONFLICT", "PACK_OF_NOTHING"):
            await owner.execute("set constraints all immediate")
        await everything_undone.rollback()


async def test_two_messages_do_not_share_a_place_nor_stand_out_of_order(tenant: Tenant) -> None:
    first, second = await old_pair(tenant)
    (again,) = await bring(tenant, [sent("One")])
    async with as_owner(tenant) as owner:
        with refused("CONFLICT", "NOT_TO_BE_PACKED"):
            async with owner.transaction():
                pack = await owner.fetchval(INSERT, tenant.tenant_id, THEIRS, ["One"])
                await owner.execute(MOVE, first, pack, 1)
                await owner.execute("set constraints all immediate")
                await owner.execute(MOVE, again, pack, 1)
        # Nor those of one statement.
        with refused("CONFLICT", "NOT_TO_BE_PACKED"):
            async with owner.transaction():
                pack = await owner.fetchval(INSERT, tenant.tenant_id, THEIRS, ["One"])
                both = MOVE.replace("= $1", "= any ($1)")
                await owner.execute(both, [first, again], pack, 1)
        with refused("CONFLICT", "PACK_OF_NOTHING"):
            async with owner.transaction():
                pack = await owner.fetchval(INSERT, tenant.tenant_id, THEIRS, ["Two", "One"])
                await owner.execute(MOVE, second, pack, 1)
                await owner.execute(MOVE, first, pack, 2)
        # Whoever moves them by hand as they are has lost nothing.
        async with owner.transaction():
            pack = await owner.fetchval(INSERT, tenant.tenant_id, THEIRS, ["One", "Two"])
            await owner.execute(MOVE, first, pack, 1)
            await owner.execute(MOVE, second, pack, 2)
        with refused("CONFLICT", "NOT_TO_BE_PACKED"):
            await owner.execute(MOVE, again, pack, 1)
    assert await packed(tenant, 1000) == {first: (pack, 1), second: (pack, 2)}


async def test_a_pack_is_of_one_conversation_and_one_organisation(tenant: Tenant, other_tenant: Tenant) -> None:
    first, _ = await old_pair(tenant)
    theirs = await bring(other_tenant, [sent("One")])
    async with as_owner(tenant) as owner:
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            async with owner.transaction():
                pack = await owner.fetchval(INSERT, tenant.tenant_id, "another", ["One"])
                await owner.execute(MOVE, first, pack, 1)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.fetchval(INSERT, other_tenant.tenant_id, THEIRS, ["One"])
    others = await packed(other_tenant)
    assert set(others) == set(theirs)
    async with as_owner(tenant) as owner:
        with refused("CONFLICT", "NOT_TO_BE_PACKED"):
            await owner.execute(MOVE, first, others[theirs[0]][0], 1)
    # What one organisation packs is nothing to the other.
    assert await packed(tenant, 1000) == {}
    async with as_tenant(tenant) as one, as_tenant(other_tenant) as two:
        assert await one.fetchval(f"select count(id) from {PACKS}") == 0
        assert await two.fetchval(f"select count(id) from {PACKS}") == 1


async def test_what_is_packed_stays_so_and_a_pack_never_changes(tenant: Tenant) -> None:
    first, second = await old_pair(tenant)
    await packed(tenant)
    for actor in (as_owner(tenant), as_superuser()):
        async with actor as connection:
            for change in ("pack_id = null, pack_place = null", "pack_id = null, pack_place = null, body = 'One'"):
                with refused("CONFLICT", "NOT_TO_BE_PACKED"):
                    await connection.execute(f"update {TABLE} set {change} where id = $1", first)
            for change in ("pack_place = 2", "pack_place = null", "body = 'One'"):
                with refused("CONFLICT", "MESSAGE_FIXED"):
                    await connection.execute(f"update {TABLE} set {change} where id = $1", first)
            for statement in ("delete from {}", "update {} set bodies = '{{}}'", "truncate {} cascade"):
                with refused("CONFLICT", "APPEND_ONLY"):
                    await connection.execute(statement.format(PACKS))
    async with as_tenant(tenant) as connection:
        for statement in ("delete from {}", "update {} set bodies = '{{}}'", "insert into {} default values"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement.format(PACKS))
        body = f"select {BODY.format(row='m')} from {TABLE} m where id = $1"
        assert [await connection.fetchval(body, each) for each in (first, second)] == ["One", "Two"]


@pytest.mark.parametrize("bodies", ["{}", "{a,null}", "{{a},{b}}", "[0:1]={a,b}", f"{{{','.join('a' * 201)}}}"])
async def test_a_pack_is_a_plain_list(tenant: Tenant, bodies: str) -> None:
    async with as_owner(tenant) as owner:
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(
                f"insert into {PACKS} (tenant_id, conversation_id, bodies) values ($1, 'x', '{bodies}')",
                tenant.tenant_id,
            )


# Who packs


@pytest.mark.parametrize("role", ["owner", "operator", "vendor", "retailer", ""])
async def test_only_the_worker_packs(tenant: Tenant, role: str) -> None:
    async with as_tenant(tenant, role, [uuid4()]) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await connection.execute(PACK, 1)


async def test_vendors_and_retailers_see_no_packs(tenant: Tenant) -> None:
    await old_pair(tenant)
    await packed(tenant)
    for role, seen in (("retailer", 0), ("vendor", 0), ("viewer", 1)):
        async with as_tenant(tenant, role, [uuid4()]) as connection:
            assert await connection.fetchval(f"select count(bodies) from {PACKS}") == seen


async def test_two_workers_at_once_pack_each_message_once(tenant: Tenant, asking: Asking) -> None:
    messages = [sent(f"Words {number}", conversation_id=f"talk {number % 3}") for number in range(99)]
    await bring(tenant, messages)
    await asyncio.gather(*(packed(tenant) for _ in range(3)))
    places = await packed(tenant)
    assert len(set(places.values())) == len(messages)
    assert await said(tenant, asking) == {message["message_id"]: message["body"] for message in messages}


async def test_what_another_worker_is_packing_is_left_to_it(tenant: Tenant) -> None:
    first, second = await old_pair(tenant)
    async with as_tenant(tenant, "worker") as one, one.transaction():
        await one.execute(PACK, 1)
        async with asyncio.timeout(5):
            assert await packed(tenant) == {}
    assert set(await packed(tenant)) == {first, second}


async def test_the_worker_finds_what_is_old_and_packs_it(tenant: Tenant, other_tenant: Tenant) -> None:
    ids = await bring(tenant, [sent("x" * 3000) for _ in range(3)])
    await bring(other_tenant, [sent("Young", sent_at=None)])

    async def is_packed() -> bool:
        async with as_superuser() as connection:
            found = f"select count(pack_id) from {TABLE} where id = any ($1)"
            return bool(await connection.fetchval(found, ids) == len(ids))

    async def due() -> set[UUID]:
        async with as_worker() as connection:
            rows = await connection.fetch("select tenant_id from trade.messages_pack_due()")
            return {row[0] for row in rows} & {tenant.tenant_id, other_tenant.tenant_id}

    assert await due() == {tenant.tenant_id}
    async with working([the_duty("pack-messages")]):
        await eventually(is_packed)
    assert await due() == set()
