"""Idempotency keys: whoever sends a request again under the same key gets the first answer, and nothing is done twice.

The database keeps the keys (sql/core/idempotency.sql) in the transaction of what the request did, and makes whoever
comes second wait at the key's index. In this process they wait before that, without a connection.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple
from uuid import UUID

from gql.database.context import Context
from gql.database.pool import Transaction
from gql.engine.arguments import Variable
from gql.engine.operations import Changed, Operation
from gql.engine.statement import Parameters, Statement, answering, as_list, as_text
from gql.errors import ApiError, Code

PATIENCE_SECONDS: Final = 10.0
"""How long somebody waits for the first request under their key in this process. It costs no connection."""
RETRY_AFTER_SECONDS: Final = 1
ABOUT_THE_KEY: Final = frozenset({"IDEMPOTENCY_KEY_REUSED", "IDEMPOTENCY_KEY_IN_USE"})
"""The reasons for which a request is refused as a whole, before any of its verbs has run."""


def request_hash(operation: Operation) -> str:
    """SHA-256, in hexadecimal, of what the operation asks: the same for the same query, operation name and variables,
    in whichever order these came."""
    asked = [operation.text.source, operation.name, operation.given or {}]
    return hashlib.sha256(json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class KeyedRequest(NamedTuple):
    """A request that its caller has named. The same name means another request for somebody else."""

    tenant_id: UUID
    user_id: UUID
    key: str
    hash: str

    @classmethod
    def of(cls, operation: Operation, key: str, context: Context) -> "KeyedRequest":
        assert context.user_id is not None  # whoever sends requests has signed in
        return cls(context.tenant_id, context.user_id, key, request_hash(operation))

    @property
    def name(self) -> tuple[UUID, UUID, str]:
        """What no two requests may share."""
        return self[:3]


def _statement(call: str, *names: str) -> Statement:
    """The statement of a function of the database that takes these values and the permissions that are needed."""
    parameters = Parameters()
    places = [parameters.add(Variable((name,)), "text", as_text) for name in names]
    needed = parameters.add(Variable(("permissions",)), "text[]", as_list(as_text))
    return answering(f"{call}({', '.join([*places, needed])})", parameters)


_BEGIN: Final = _statement("core.idempotency_begin", "key", "hash")
_KEEP: Final = _statement("core.idempotency_keep", "key", "answer")


class KeyEntry:
    """The key of one request in its transaction: entered first, with the answer last."""

    def __init__(self, request: KeyedRequest, context: Context, permissions: frozenset[str]) -> None:
        self._context = context
        self._values: dict[str, Any] = {**request._asdict(), "permissions": sorted(permissions)}

    async def begin(self, transaction: Transaction) -> bytes | None:
        """Enter the key. What was answered under it before; None where it is new.

        Raises ApiError CONFLICT: IDEMPOTENCY_KEY_REUSED where another request was sent under it,
        IDEMPOTENCY_KEY_IN_USE where another process is at work under it for longer than a lock is waited for.
        """
        try:
            answer: bytes | None = await transaction.fetch(_BEGIN.sql, _BEGIN.arguments(self._context, self._values))
        except ApiError as problem:
            raise in_use() if problem.reason == "LOCKED" else problem from None
        return answer

    async def keep(self, transaction: Transaction, answer: bytes) -> None:
        """Keep the answer, which stands as soon as the transaction does."""
        values = self._values | {"answer": answer.decode()}
        await transaction.fetch(_KEEP.sql, _KEEP.arguments(self._context, values))


class Turns:
    """Lets one request at a time work under each key. Those who come while it does get its answer."""

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self._patience = patience
        self.waiting = 0
        self._at_work: dict[tuple[UUID, UUID, str], asyncio.Future[tuple[str, bytes] | None]] = {}

    async def take(self, request: KeyedRequest, work: Callable[[], Awaitable[Changed]]) -> Changed:
        """What the work answers, or what somebody else was answered meanwhile to the same request.

        Raises ApiError CONFLICT, reason IDEMPOTENCY_KEY_IN_USE, when that takes too long.
        """
        answered = await self._answered(request)
        if answered is not None:
            return answered
        turn = self._at_work[request.name] = asyncio.get_running_loop().create_future()
        kept = None
        try:
            changed = await work()
            kept = (request.hash, changed.body)
        finally:
            del self._at_work[request.name]
            turn.set_result(kept)
        return changed

    async def _answered(self, request: KeyedRequest) -> Changed | None:
        """What those before have been answered; None when it is our turn: nobody is at work, what they did was
        refused and so not kept, or it was another request, which the database judges."""
        if request.name not in self._at_work:
            return None
        self.waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                while (turn := self._at_work.get(request.name)) is not None:
                    kept = await asyncio.shield(turn)
                    if kept is not None and kept[0] == request.hash:
                        return Changed(kept[1], is_replay=True)
        except TimeoutError:
            raise in_use() from None
        finally:
            self.waiting -= 1
        return None


def in_use() -> ApiError:
    """The refusal of whoever waited too long for the first request under their key."""
    return ApiError(
        Code.CONFLICT,
        "The first request under this Idempotency-Key is still at work. Send it again in a moment, with the same key.",
        reason="IDEMPOTENCY_KEY_IN_USE",
        retry_after=RETRY_AFTER_SECONDS,
    )
