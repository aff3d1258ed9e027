"""Countinghouse in transaction mode behind PgBouncer, for what that costs beside sessions of its own."""

import shutil

from bench.database import DIRECTORY
from bench.peers.ours import Ours
from bench.peers.peer import Place
from bench.works import Facts
from tests.harness.pooler import Pooler


class Pooled(Ours):
    """One process of `countinghouse serve`, and PgBouncer with the configuration of deploy/pgbouncer."""

    name = "behind PgBouncer"

    def __init__(self, place: Place, facts: list[Facts]) -> None:
        directory = DIRECTORY / "pooled"
        super().__init__(place, facts, directory)
        self._place_of_pooler = directory.absolute() / "pgbouncer"
        self._pooler = Pooler(self._place_of_pooler, place.api_url)

    async def start(self) -> None:
        shutil.rmtree(self._place_of_pooler, ignore_errors=True)
        await self._pooler.start(self.place.admin_url)
        self._settings |= {
            "COUNTINGHOUSE_DATABASE_URL": self._pooler.address(self.place.api_url),
            "COUNTINGHOUSE_POOL_MODE": "transaction",
        }
        await super().start()

    async def stop(self) -> None:
        await super().stop()
        self._pooler.stop()

    @property
    def process_ids(self) -> list[int]:
        return [*super().process_ids, *self._pooler.process_ids]
