"""The tenant pool: connections that know whose context they stand in, lent to one request at a time."""

from gql.database.pool.database import Database, Reader, Transaction
from gql.database.pool.doors import Door
from gql.database.pool.options import DatabaseOptions, PoolMode
from gql.database.pool.replica import Replica
from gql.database.pool.standing import Origin
from gql.database.pool.statistics import PoolStatistics

__all__ = [
    "Database",
    "DatabaseOptions",
    "Door",
    "Origin",
    "PoolMode",
    "PoolStatistics",
    "Reader",
    "Replica",
    "Transaction",
]
