"""Somebody who sends a mutation under a key until there is an answer to it, whatever happens meanwhile."""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

NOT_NOW: Final = frozenset(
    {
        *("COMMIT_UNKNOWN", "DATABASE_UNREACHABLE", "POOL_EXHAUSTED", "SHARE_EXHAUSTED"),
        *("IDEMPOTENCY_KEY_IN_USE", "RETRY", "LOCKED"),
    }
)
"""What a client may be told on such a day, and answers by sending the same again."""
SEND_AGAIN: Final = NOT_NOW | {"STATEMENT_TIMEOUT"}
"""And where statements may take long, too. Everything else is an answer."""
PATIENCE_SECONDS: Final = 60.0


@dataclass
class Insistent:
    """Who sends as one person. Each request has its key for an id as well, so that the log tells what came of it."""

    url: str
    token: str
    told: list[str] = field(default_factory=list)
    """The reasons of all that was refused for now; a connection that was lost counts as GONE."""

    async def send(self, query: str, key: str, **variables: Any) -> httpx.Response:
        """The answer, after however many times."""
        async with self._client() as client, asyncio.timeout(PATIENCE_SECONDS):
            while True:
                answer = await self.once(client, query, key, **variables)
                reason = "GONE" if answer is None else _reason(answer)
                if answer is not None and reason not in SEND_AGAIN:
                    return answer
                self.told.append(reason or "")
                await asyncio.sleep(random.uniform(0.02, 0.2))

    async def without_key(self, query: str, **variables: Any) -> httpx.Response | None:
        """The answer to the only try; None where the connection was lost before it."""
        async with self._client() as client:
            try:
                return await client.post("/graphql", json={"query": query, "variables": variables})
            except httpx.TransportError:
                return None

    async def once(self, client: httpx.AsyncClient, query: str, key: str, **variables: Any) -> httpx.Response | None:
        """The answer to one try; None where the connection was lost before it."""
        try:
            return await client.post(
                "/graphql",
                json={"query": query, "variables": variables},
                headers={"Idempotency-Key": key, "X-Request-Id": key},
            )
        except httpx.TransportError:
            return None

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=20)


def _reason(answer: httpx.Response) -> str | None:
    errors = answer.json().get("errors")
    return errors[0]["extensions"].get("reason") if errors else None
