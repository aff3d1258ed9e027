"""Asking the engine in this process, as the command line does: the same public operations, without HTTP."""

from dataclasses import dataclass
from typing import Any

import msgspec

from gql.engine.engine import Caller, Engine
from gql.errors import RequestRefused


class OperationRefused(Exception):
    """An operation was answered with errors. The text is made of their sentences; `errors` is as GraphQL has them."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(" ".join(str(error["message"]) for error in errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody who asks the engine."""

    engine: Engine
    caller: Caller

    async def ask(self, document: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The `data` of the answer. Raises OperationRefused when there are errors."""
        try:
            known = self.caller.context is not None
            operation = await self.engine.prepare(document, None, variables, introspection=known)
            answer = msgspec.json.decode(await self.engine.run(operation, self.caller))
        except RequestRefused as refused:
            raise OperationRefused(
                [error.as_dict(self.caller.origin.request_id) for error in refused.errors]
            ) from refused
        if answer.get("errors"):
            raise OperationRefused(answer["errors"])
        data: dict[str, Any] = answer["data"]
        return data
