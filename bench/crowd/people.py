"""The people of the crowd: each has an account, a place in an organisation and a session, as signing in leaves them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from bench.crowd.businesses import Business
from gql.iam.keys.secrets import new_token, token_hash

OPERATOR: Final = "operator"
VENDOR: Final = "vendor"
RETAILER: Final = "retailer"
TURNS: Final = (RETAILER, OPERATOR, RETAILER, VENDOR, RETAILER, OPERATOR, RETAILER, VENDOR, RETAILER, OPERATOR)
"""Of ten people of an organisation three work for it, two for its vendors and five for its retailers."""
_MAKE: Final = """
    create temporary table coming as
    select place, tenant_id, role, scope_ids, token_hash,
           iam.user_create(jsonb_build_object(
               'email', 'person' || place || '@crowd.example.org', 'name', 'Person ' || place
           )) as user_id
    from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[])
        with ordinality as given (tenant_id, role, scope_ids, token_hash, place)
    order by place
"""
_LET_IN: Final = """
    select iam.membership_create(jsonb_build_object(
        'tenant_id', tenant_id, 'user_id', user_id, 'role', role, 'scope_ids', scope_ids::jsonb
    ))
    from coming order by place
"""
_SIGN_IN: Final = """
    select user_id::text,
           iam.session_begin(user_id, tenant_id, token_hash, '127.0.0.1', 'crowd', '')::text as session_id
    from coming order by place
"""


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in. A vendor's or a retailer's person is held to that one id, an operator sees all."""

    business: Business
    role: str
    scope_id: str
    """Empty where they see all."""
    user_id: str
    session_id: str
    refresh_token: str

    @property
    def tenant_id(self) -> str:
        return self.business.tenant_id

    @property
    def database_role(self) -> str:
        return "tenant_" + self.tenant_id.replace("-", "")


async def sign_in(connection: asyncpg.Connection, businesses: Sequence[Business], count: int) -> list[Person]:
    """So many people, in turn of each organisation and of each role, with a session each. As superuser. Passwords are
    left out: hashing 2,000 of them takes minutes, and proves nothing here."""
    places = [_place(businesses[number % len(businesses)], number // len(businesses)) for number in range(count)]
    tokens = [new_token() for _ in places]
    async with connection.transaction():
        await connection.execute(
            _MAKE,
            [business.tenant_id for business, _, _ in places],
            [role for _, role, _ in places],
            [f'["{scope_id}"]' if scope_id else "[]" for _, _, scope_id in places],
            [token_hash(token) for token in tokens],
        )
        await connection.execute(_LET_IN)
        made = await connection.fetch(_SIGN_IN)
        await connection.execute("drop table coming")
    return [
        Person(business, role, scope_id, row["user_id"], row["session_id"], token)
        for (business, role, scope_id), row, token in zip(places, made, tokens, strict=True)
    ]


def _place(business: Business, number: int) -> tuple[Business, str, str]:
    """What the organisation's person of this number is there: the next retailer's, the next vendor's, or its own."""
    role = TURNS[number % len(TURNS)]
    if role == OPERATOR:
        return business, role, ""
    parties = business.retailers if role == RETAILER else business.vendors
    before = number // len(TURNS) * TURNS.count(role) + TURNS[: number % len(TURNS)].count(role)
    return business, role, parties[before % len(parties)]
