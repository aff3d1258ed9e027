"""Rules for the server as a whole."""

from typing import Final

from gql.database.catalog.rule import Rule

RULES: Final = (
    Rule(
        "server-version",
        reason="Earlier releases have known ways past row security.",
        remedy="Update PostgreSQL to 15.18, 16.14, 17.10, 18.4 or later.",
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
