"""The passwords of the house's own logins, which the schema makes without one: those that stand in their addresses."""

from typing import Final
from urllib.parse import unquote

from gql.cli.console import CommandFailed
from gql.places import parts_of
from gql.settings import Settings

LOGINS: Final = {"database_url": "countinghouse_api", "worker_url": "countinghouse_worker"}


def passwords(settings: Settings) -> dict[str, str]:
    """The password of each login whose address is known. Raises CommandFailed for an address of somebody else, and for
    one without a password."""
    found = {}
    for setting, login in LOGINS.items():
        given = getattr(settings, setting)
        if given is None:
            continue
        address = parts_of(given)
        name = f"COUNTINGHOUSE_{setting.upper()}"
        if unquote(address.username or "") != login:
            raise CommandFailed(f"{name} is not the address of {login}, so its password is not given to it.", 2)
        password = unquote(address.password or "")
        if not password or not password.isascii() or not password.isprintable():
            raise CommandFailed(f"The password in {name} should be of visible ASCII characters.", 2)
        found[login] = password
    return found


async def let_in(admin_url: str, given: dict[str, str]) -> None:
    """Have PostgreSQL know these passwords. It is sent what it keeps of them, so that they are in none of its logs."""
    from gql.database.pool.servers import connect
    from gql.iam.credentials.analyst_logins import scram_verifier

    connection = await connect(admin_url, timeout=10)
    try:
        for login, password in given.items():
            statement = await connection.fetchval(
                "select format('alter role %I password %L', $1::text, $2::text)", login, scram_verifier(password)
            )
            await connection.execute(statement)
    finally:
        await connection.close()
