"""The prepared statements of one connection: the most recently used ones, bounded in number and in bytes of SQL."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from asyncpg.prepared_stmt import PreparedStatement

from gql.database.pool.doors import History

# A plan takes the server perhaps thirty times the memory of its text, per connection.
MOST_STATEMENTS: Final = 300
MOST_BYTES: Final = 2_000_000


@dataclass(slots=True)
class Prepared:
    """What a connection has of one SQL text: up to one prepared statement for each door, so that neither's plan
    changes its role, and the history that chooses between them."""

    direct: PreparedStatement | None = None
    read: PreparedStatement | None = None
    history: History = field(default_factory=History)


class StatementCache:
    """Prepared statements by their text.

    One that falls out is closed on the server by asyncpg, which notices that nobody refers to it any more.
    """

    def __init__(self, most_statements: int = MOST_STATEMENTS, most_bytes: int = MOST_BYTES) -> None:
        self._most_statements = most_statements
        self._most_bytes = most_bytes
        self._prepared: OrderedDict[str, Prepared] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._prepared)

    def __contains__(self, sql: str) -> bool:
        return sql in self._prepared

    def get(self, sql: str) -> Prepared:
        """What there is of this text, from now on the most recently used; the least recently used make room."""
        prepared = self._prepared.get(sql)
        if prepared is not None:
            self._prepared.move_to_end(sql)
            return prepared
        prepared = self._prepared[sql] = Prepared()
        self.bytes += len(sql)
        while len(self._prepared) > 1 and (
            len(self._prepared) > self._most_statements or self.bytes > self._most_bytes
        ):
            forgotten, _ = self._prepared.popitem(last=False)
            self.bytes -= len(forgotten)
        return prepared

    def clear(self) -> None:
        self._prepared.clear()
        self.bytes = 0
