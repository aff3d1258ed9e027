"""Apps as their programs hold them: a secret, and tokens for it."""

from secrets import token_bytes
from typing import Final

from gql.database.pool import Origin
from gql.iam.credentials.app_secrets import AppSecrets, AppToken, AppUnknown, Handed
from tests.harness.actors import as_superuser

SCOPES: Final = ["billing:read", "ledger:read"]
HASH: Final = "ab" * 32
KEPT: Final = {"secret_hash": HASH, "hint": "last"}
AGE: Final = """
    update iam.app_secrets set expires_at = expires_at - $2 * interval '1 hour' where app_id = $1
"""


def here() -> Origin:
    """From an address that nothing has failed from."""
    return Origin("request-1", f"198.51.100.{token_bytes(1)[0]}", "a till")


async def token(app_secrets: AppSecrets, app: Handed, scopes: list[str] | None = None) -> AppToken:
    return await app_secrets.token(str(app.app_id), app.secret, scopes, here())


async def is_known(app_secrets: AppSecrets, app: Handed) -> bool:
    try:
        await token(app_secrets, app)
    except AppUnknown:
        return False
    return True


async def let_pass(app: Handed, hours: float) -> None:
    """As if so much time had gone by."""
    async with as_superuser() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(AGE, app.app_id, hours)
