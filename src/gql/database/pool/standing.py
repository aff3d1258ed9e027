"""What a connection is told about whom it works for: the settings, and the two statements that put them there.

A connection stands in a context when its role and its app.* settings are that context's.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from gql.database.context import Context
from gql.database.pool.options import DatabaseOptions
from gql.database.pool.outcomes import MARKING

TIME_OUTS: Final = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
# The role comes first: a tenant's role may set app.*, but must not be able to keep what another tenant's left.
CONTEXT: Final = (
    "role",
    "app.user_id",
    "app.role",
    "app.scope_ids",
    "app.time_zone",
    "app.fiscal_year_start",
    "app.context",
)
ORIGIN: Final = ("app.request_id", "app.ip_address", "app.user_agent")

# What never changes on a connection. A generic plan spares planning at every call (0.49 ms against 1.06 for a page of
# 20), just-in-time compilation costs more than such statements take, and no name is looked up outside pg_catalog.
UNCHANGING: Final = {
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "search_path": "pg_catalog, pg_temp",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "iso_8601",
    "standard_conforming_strings": "on",
    "row_security": "on",
}


class Origin(NamedTuple):
    """Where a request came from, for the audit log."""

    request_id: str = ""
    ip_address: str | None = None
    user_agent: str | None = None


def _settings(names: tuple[str, ...], *, local: bool) -> list[str]:
    """Calls that give each setting the value of the parameter with its number, for the session or, `local`, for the
    transaction."""
    return [f"set_config('{name}', ${number}, {str(local).lower()})" for number, name in enumerate(names, 1)]


def setting_statement(names: tuple[str, ...], *, local: bool) -> str:
    """One SELECT that makes all these settings."""
    return f"select {', '.join(_settings(names, local=local))}"


def _read_after_switch() -> str:
    """SWITCH and the read door in one trip. CASE evaluates its condition first, and in this order; whoever stood here
    before may call core.read() as well, and inside it the context is the new one."""
    switched = " and ".join(f"{call} is not null" for call in _settings(CONTEXT, local=False))
    statement, arguments = len(CONTEXT) + 1, len(CONTEXT) + 2
    return f"select case when {switched} then core.read(${statement}, ${arguments}) end"


def _beginning(names: tuple[str, ...]) -> str:
    """The same for a transaction that writes, whose row ends with its mark: the settings and the mark in one trip."""
    return f"{setting_statement(names, local=True)}, {MARKING}"


def settled_by(values: Mapping[str, str]) -> str:
    """The statement, without parameters, that gives settings of the house these values for the transaction."""
    calls = [f"set_config('{name}', '{value}', true)" for name, value in values.items()]
    return f"select {', '.join(calls)}"


# A session has its time-outs since it connected; under a pooler nothing lasts.
SWITCH: Final = setting_statement(CONTEXT, local=False)
READ_AFTER_SWITCH: Final = _read_after_switch()
BEGIN_LOCALLY: Final = _beginning(CONTEXT + TIME_OUTS + ORIGIN)
# Behind a pooler each transaction may meet another server, which knows nothing of what was set at connect.
_BEHIND_POOLER: Final = CONTEXT + TIME_OUTS + ORIGIN + tuple(UNCHANGING)
BEGIN_BEHIND_POOLER: Final = _beginning(_BEHIND_POOLER)
READ_BEHIND_POOLER: Final = setting_statement(_BEHIND_POOLER, local=True)
NOBODY: Final = setting_statement(CONTEXT, local=False)
NOBODY_VALUES: Final = ("none", "", "", "{}", "", "", "")

# Whatever a session can be left with, short of its prepared statements. RESET ALL skips the role, which the first of
# these resets, and goes back to the values given at connect.
SCRUB: Final = "set session authorization default; reset all; close all; unlisten *"


def time_out_values(options: DatabaseOptions) -> tuple[str, ...]:
    return (
        str(options.statement_timeout_ms),
        str(options.lock_timeout_ms),
        str(options.idle_in_transaction_timeout_ms),
    )


def context_values(context: Context) -> tuple[str, ...]:
    return (
        context.database_role,
        str(context.user_id or ""),
        context.role,
        context.scope_literal,
        context.time_zone,
        str(context.fiscal_year_start),
        context.fingerprint,
    )


def origin_values(origin: Origin) -> tuple[str, ...]:
    # These come from headers, and PostgreSQL takes no NUL.
    given = (origin.request_id, origin.ip_address, origin.user_agent)
    return tuple((value or "").replace("\0", "") for value in given)
