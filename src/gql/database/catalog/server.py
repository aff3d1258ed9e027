"""Rules for the server as a whole."""

from collections.abc import Iterable
from typing import Final

from gql.database.catalog.rule import Rule

SAFE_VERSIONS: Final = "Update PostgreSQL to 15.18, 16.14, 17.10, 18.4 or later."


def is_safe(number: int, floors: Iterable[str]) -> bool:
    """Whether a server of this `server_version_num` has the fixes that row security relies on."""
    known = [int(floor) for floor in floors]
    return number >= min(known) and not any(floor // 10_000 == number // 10_000 and number < floor for floor in known)


RULES: Final = (
    Rule(
        "server-version",
        reason="Earlier releases have known ways past row security.",
        remedy=SAFE_VERSIONS,
        query="""
            select 'the server', 'is PostgreSQL ' || current_setting('server_version')
            from (select current_setting('server_version_num')::int as number) as server
            where number < (select min(name::int) from version_floors)
                or number < any (select name::int from version_floors where name::int / 10000 = number / 10000)
        """,
    ),
    Rule(
        "row-security-on",
        reason="With row_security off a statement fails where a policy would have filtered it.",
        remedy="Set row_security = on in the server's configuration.",
        query="""
            select 'the server', 'has row_security = ' || current_setting('row_security')
            where current_setting('row_security') <> 'on'
        """,
    ),
)
