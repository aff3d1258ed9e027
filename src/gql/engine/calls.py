"""Calling a function of the database as an organisation where no GraphQL document asks for it: a secret was made in
Python first, or a messenger has brought something. Committed and repeated like every mutation."""

from typing import Any

from gql.database.context import Context
from gql.database.pool import Database, Origin, Transaction
from gql.engine.arguments import Variable
from gql.engine.statement import Parameters, Statement, answering, as_json


def calling(function: str) -> Statement:
    """The statement that calls a function of one JSON argument, and answers what it answers as text."""
    parameters = Parameters()
    return answering(f"({function}({parameters.add(Variable(('input',)), 'jsonb', as_json)}))::text", parameters)


async def call(database: Database, statement: Statement, context: Context, origin: Origin, given: Any) -> str:
    """Call it in a transaction of its own. Raises ApiError as the function refuses."""

    async def work(transaction: Transaction) -> bytes:
        found: bytes = await transaction.fetch(statement.sql, statement.arguments(context, {"input": given}))
        return found

    return (await database.carry_out(context, origin, work)).decode()
