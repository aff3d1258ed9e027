"""Follows the files of keys while the server runs, and notes in the log of the house which keys are in use."""

import asyncio
import logging
from typing import Final

from gql.database.pool import Database
from gql.errors import ApiError
from gql.iam.keys.secrets import Secrets
from gql.iam.keys.signing import Keys

log = logging.getLogger(__name__)

NOTE: Final = "select iam.keys_noted($1, $2, $3)"
EVERY_SECONDS: Final = 2.0


class KeyWatch:
    """Looks at the keys every two seconds."""

    def __init__(self, database: Database, keys: Keys, secrets: Secrets) -> None:
        self._database = database
        self._keys = keys
        self._secrets = secrets
        self._noted: dict[str, list[str]] = {}

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self.look()
            except ApiError as problem:
                log.warning("which keys are in use cannot be noted just now: %s", problem.message)
            except Exception:
                log.exception("which keys are in use could not be noted")
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Read what has changed, and note what is in use now. Raises ApiError where the database cannot be asked."""
        self._keys.reread()
        self._secrets.reread()
        newest = self._keys.signing_id
        signing = [newest, *(each for each in self._keys.believed if each != newest)]
        for kind, names in (("SIGNING", signing), ("SECRET", self._secrets.names)):
            if self._noted.get(kind) != names:
                async with self._database.nobody() as connection:
                    await connection.execute(NOTE, kind, names[0], names[1:])
                self._noted[kind] = names
