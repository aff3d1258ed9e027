"""An example of every verb that an organisation's rows allow, found by trying: whatever verb comes is found, too."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import asyncpg
from graphql import GraphQLError, coerce_input_value

from gql.engine.payloads import as_sql_input
from gql.engine.verbs import Verb
from gql.errors import ApiError, RequestRefused
from gql.schema import declarations
from tests.engine.crowd import fill
from tests.engine.probes import SCHEMA, ids_in, sample
from tests.harness.actors import as_tenant
from tests.harness.tenants import Tenant, make_tenant
from tests.harness.verbs import call

MOST_TRIES: Final = 60
Ids = dict[str, list[str]]
"""The ids of an organisation's rows, by table."""
NOUNS: Final = declarations().nouns
VERBS: Final = list(declarations().verbs.values())
PHONES: Final = {"fromNumber": "+254700000008", "toNumber": "+254700000009"}
WANTED: Final[dict[str, dict[str, Any]]] = {
    "inviteCreate": {"address": "probe@example.org"},
    "trustedIssuerCreate": {"issuer": "https://probe.example"},
    "ledgerAccountCreate": {"code": "PROBE"},
    "ledgerTransferPost": {"entries": [{"accountId": "", "amount": "1.00"}, {"accountId": "", "amount": "-1.00"}]},
    "paymentMethodCreate": {"methodName": "PROBE"},
    "paymentRecord": {"method": "CASH"},
    "paymentAllocate": {"oldestFirst": True},
    "creditNoteAllocate": {"oldestFirst": True},
    "invoiceCreditNote": {"amount": "0.01"},
    "retailerPaymentRecord": {"method": "CASH"},
    "messageIngest": {"direction": "INBOUND", "body": "probe", **PHONES},
    "orderCreate": {"items": [{"vendorProductId": "", "quantity": 1}]},
    "organisationUpdate": {"name": "Probed"},
}
"""What a verb wants besides what its input requires."""
SCENES: Final = {
    "billing.invoice_dispute": ("billing.invoices", {"reason": "Probe"}),
    "billing.client_archive": ("billing.clients", {}),
    "billing.payment_fail": ("billing.payments", {"reason": "Probe"}),
}
"""Verbs that are called before, on the last row that allows it, so that others have something to go back from."""
LEFT_OUT: Final = frozenset(
    {
        *("creditAdjustmentApprove", "creditAdjustmentDecline"),  # somebody else decides on what one asked for
        *("invoiceEmailEvent", "paymentProcess", "paymentRefund", "retailerDelete", "trustedIssuerDelete"),
        "ledgerTransferReverse",
    }
)
"""For which the scene has no row. Whoever adds a verb adds a row for it."""


@dataclass(frozen=True)
class Example:
    """A verb and what it was tried with."""

    verb: Verb
    variables: dict[str, Any]

    @property
    def name(self) -> str:
        return self.verb.graphql_name

    @property
    def document(self) -> str:
        return f"mutation($input: {_input_of(self.verb)}) {{ {self.name}(input: $input) {{ __typename }} }}"


def _input_of(verb: Verb) -> Any:
    mutation = SCHEMA.mutation_type
    assert mutation is not None
    return mutation.fields[verb.graphql_name].args["input"].type


async def a_scene() -> Tenant:
    """An organisation with rows in many states."""
    tenant = await make_tenant("Everything in it")
    await fill(tenant, 60, clients=10, traders=24)
    async with as_tenant(tenant) as connection:
        for code in ("BANK", "FEES"):
            await call(connection, "ledger.ledger_account_create", code=code, name=code, kind="ASSET")
        await call(connection, "billing.client_create", name="Nobody owes here")
        for verb, (table, facts) in SCENES.items():
            for (row,) in await connection.fetch(f"select id from {table} order by id desc"):
                with suppress(asyncpg.PostgresError):
                    await call(connection, verb, id=row, **facts)
                    break
        [(retailer, vendor)] = await connection.fetch("select retailer_id, vendor_id from trade.credit_lines limit 1")
        for number in range(2):
            cheque = {"method": "CHEQUE", "amount": "1.00", "transaction_id": f"cheque {number}"}
            await call(connection, "trade.retailer_payment_record", retailer_id=retailer, vendor_id=vendor, **cheque)
    return tenant


async def examples(tenant: Tenant) -> list[Example]:
    """One of each verb that can be carried out in this organisation as it is. They want different things where they
    can; nothing is changed by looking for them."""
    found, used = [], set[str]()
    async with as_tenant(tenant) as connection:
        ids = {
            noun.table: [str(row[0]) for row in await connection.fetch(f"select id from {noun.table} order by id desc")]
            for noun in NOUNS.values()
            if noun.plural and not noun.table.endswith(")")
        }
        for verb in VERBS:
            # Whoever comes later finds what others have not taken.
            for variables in sorted(_tries(verb, ids), key=lambda tried: bool(used & _texts(tried)))[:MOST_TRIES]:
                if await _works(connection, verb, variables):
                    used |= _texts(variables)
                    found.append(Example(verb, {"input": variables}))
                    break
    return found


def _tries(verb: Verb, ids: Ids) -> Iterator[dict[str, Any]]:
    """Inputs with what is required and what this verb wants besides, and rows in them of what their names speak of."""
    wanted = _input_of(verb)
    plain = sample(wanted) | WANTED.get(verb.graphql_name, {})
    places = [place for place in ids_in(wanted) if _is_there(plain, place)]
    rows = [_rows_for(verb, place, ids) for place in places]
    for number in range(max(map(len, rows), default=1)):
        tried = json.loads(json.dumps(plain))
        for place, each in zip(places, rows, strict=True):
            _place(tried, place, [*each[number:], *each[:number]] or [str(uuid4())])
        yield tried


def _place(value: Any, place: tuple[str | int, ...], rows: list[str]) -> None:
    """Put the first of the rows there, and into the other members of a list those after it."""
    step, *rest = place
    if not rest:
        value[step] = rows[0]
    elif isinstance(value, list):
        for number, member in enumerate(value):
            _place(member, tuple(rest), rows[number % len(rows) :])
    else:
        _place(value[step], tuple(rest), rows)


def _is_there(value: Any, place: tuple[str | int, ...]) -> bool:
    for step in place:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _rows_for(verb: Verb, place: tuple[str | int, ...], ids: Ids) -> list[str]:
    """`clientId` speaks of clients; `id` of what the verb's name begins with."""
    word = str(place[-1]).removesuffix("Id") if place[-1] != "id" else verb.graphql_name
    if word == "account":
        return ids["ledger.accounts"]
    for noun in sorted(NOUNS.values(), key=lambda noun: -len(noun.name)):
        if word.startswith(noun.name[0].lower() + noun.name[1:]):
            return ids.get(noun.table, [])
    return ids.get(_answered(verb), [])


def _answered(verb: Verb) -> str:
    return NOUNS[verb.returns].table if isinstance(verb.returns, str) else ""


def _texts(value: Any) -> set[str]:
    """The ids in a value."""
    if isinstance(value, dict):
        return set().union(*map(_texts, value.values()))
    if isinstance(value, list):
        return set().union(*map(_texts, value))
    return {value} if isinstance(value, str) and len(value) == 36 else set()


async def _works(connection: asyncpg.Connection, verb: Verb, variables: dict[str, Any]) -> bool:
    """Whether the verb can be carried out so. It is taken back."""
    wanted = _input_of(verb)
    try:
        given = as_sql_input(coerce_input_value(variables, wanted), wanted)
    except (ApiError, RequestRefused, GraphQLError):
        return False
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.fetchval(f"select {verb.function}($1::jsonb)", json.dumps(given))
        await connection.execute("set constraints all immediate")
    except asyncpg.PostgresError:
        return False
    else:
        return True
    finally:
        await transaction.rollback()
