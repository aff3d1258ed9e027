"""The tables of the worker's queue, which the library pgqueuer makes in a schema of their own."""

from typing import Final

from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import Channel

SCHEMA: Final = "pgqueuer"


def queue_settings() -> DBSettings:
    """What the library's tables are called. Every name is given: one that is left out it would look for in the
    environment, under names as common as CHANNEL and FUNCTION."""
    return DBSettings(
        prefix="",
        db_schema=SCHEMA,
        channel=Channel("ch_pgqueuer"),
        function="fn_pgqueuer_changed",
        statistics_table="pgqueuer_statistics",
        queue_status_type="pgqueuer_status",
        queue_table="pgqueuer",
        queue_table_log="pgqueuer_log",
        trigger="tg_pgqueuer_changed",
        schedules_table="pgqueuer_schedules",
    )


def installation() -> str:
    """The SQL that makes the schema and the tables, as belonging to the owner of all others. To be run by whoever loads
    the schema, and leaves them standing as the owner."""
    tables = QueryBuilderEnvironment(queue_settings()).build_install_query(create_schema=False)
    return (
        f"reset role; create schema {SCHEMA} authorization countinghouse_owner;"
        f" set local role countinghouse_owner; {tables}"
    )
