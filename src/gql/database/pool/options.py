"""How the pools connect, how large they are and how long they wait."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from gql.fairness.accounts import Pace
from gql.fairness.shares import USUAL_PACE
from gql.settings import Settings

LOCK_TIMEOUT_MS: Final = 3_000
"""A lock is held by another write, and writes take milliseconds: whoever waits longer is better told."""


class PoolMode(Enum):
    """Whether a connection of ours is one session of PostgreSQL, or each transaction may get another one."""

    SESSION = "session"
    TRANSACTION = "transaction"


@dataclass(frozen=True, slots=True)
class DatabaseOptions:
    """What `Database` needs to know. Time-outs that PostgreSQL keeps are in milliseconds, ours in seconds."""

    url: str
    read_url: str | None = None
    # How long ago it must have had all that the primary had, so that a replica answers.
    read_lag_limit: float = 10.0
    mode: PoolMode = PoolMode.SESSION
    read_connections: int = 10
    write_connections: int = 6
    connections_per_tenant: int = 8
    pace: Pace = USUAL_PACE
    acquire_timeout: float = 5.0
    connect_timeout: float = 4.0
    statement_timeout_ms: int = 10_000
    lock_timeout_ms: int = LOCK_TIMEOUT_MS
    # Between two statements of a write only our own code runs.
    idle_in_transaction_timeout_ms: int = 15_000
    # How long we ask what became of a COMMIT that nobody answered.
    outcome_patience: float = 5.0

    @classmethod
    def from_settings(cls, settings: Settings, url: str) -> "DatabaseOptions":
        """The options that the settings ask for; `url` is the database's, which the embedded one tells only at run
        time."""
        return cls(
            url=url,
            read_url=settings.database_read_url,
            read_lag_limit=settings.read_lag_limit_ms / 1000,
            mode=PoolMode(settings.pool_mode),
            read_connections=settings.read_connections,
            write_connections=settings.write_connections,
            connections_per_tenant=settings.connections_per_tenant,
            pace=replace(USUAL_PACE, least=settings.least_share_percent / 100),
            acquire_timeout=settings.acquire_timeout_ms / 1000,
            statement_timeout_ms=settings.statement_timeout_ms,
            # Whoever waits for somebody else is told so, and not that they ask for too much.
            lock_timeout_ms=min(LOCK_TIMEOUT_MS, settings.statement_timeout_ms // 2),
        )

    @property
    def command_timeout(self) -> float:
        """Seconds after which we give up on a server that does not even keep its own statement time-out."""
        return self.statement_timeout_ms / 1000 + 3.0
