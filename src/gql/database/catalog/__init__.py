"""The rules of tenancy, kept by asking the database itself.

`examine` walks pg_catalog and reports every table, view, function, key, policy, grant and role that breaks a rule, so
that a forgotten line in the next table is found by a test, and a hasty change of a running database by `countinghouse
doctor`. Each family of rules is a module; what may differ from a rule is a name in `house`.
"""

from collections.abc import Iterable
from typing import Final

import asyncpg

from gql.database.catalog import (
    columns,
    comments,
    functions,
    grants,
    keys,
    policies,
    roles,
    server,
    tables,
    tenants,
)
from gql.database.catalog.house import House
from gql.database.catalog.prelude import prelude
from gql.database.catalog.rule import Finding, Rule

__all__ = ["RULES", "Finding", "House", "Rule", "examine"]

RULES: Final[tuple[Rule, ...]] = (
    *server.RULES,
    *tables.RULES,
    *columns.RULES,
    *keys.RULES,
    *policies.RULES,
    *grants.RULES,
    *functions.RULES,
    *roles.RULES,
    *tenants.RULES,
    *comments.RULES,
)

# Without the schema the other rules have nothing to walk.
LOADED: Final = Rule(
    "schema-loaded",
    reason="A database without the schema holds nothing to examine.",
    remedy="Run `countinghouse migrate`.",
    query="select 'the database', 'does not hold the schema of Countinghouse' where to_regclass('iam.tenants') is null",
)


async def examine(
    connection: asyncpg.Connection, *, rules: Iterable[Rule] = RULES, house: House | None = None
) -> list[Finding]:
    """Every finding, in the order of the rules. The connection must be a superuser's, because row security hides
    iam.tenants from others; it is left as it was, inside a transaction too."""
    names = prelude(house or House())
    findings: list[Finding] = []
    transaction = connection.transaction()
    await transaction.start()
    try:
        # Names are then written out in full wherever PostgreSQL prints an expression.
        await connection.execute("set local search_path = pg_catalog")
        await connection.execute("set local jit = off")
        for rule in (LOADED, *rules):
            rows = await connection.fetch(f"{names} {_select(rule.query)}")
            findings += sorted({rule.finding(*row) for row in rows}, key=lambda finding: finding.sentence)
            if findings and rule is LOADED:
                break
    finally:
        await transaction.rollback()
    return findings


def _select(query: str) -> str:
    """A query with tables of its own joins the WITH clause of the prelude."""
    text = query.strip()
    return f", {text.removeprefix('with ')}" if text.startswith("with ") else text
