"""What is asked of the engine, by whom, and on which terms."""

from typing import Any, NamedTuple
from uuid import UUID

from gql.database.context import Context
from gql.database.pool import Origin
from gql.engine.arguments import Shaped, Values
from gql.engine.documents import OperationText
from gql.errors import ApiError, RequestRefused


class Caller(NamedTuple):
    """Who asks, and from where. A stranger has no context. `session_id` is the session of their access token, `cookie`
    what we keep at their browser, if anything, `position` up to where in the database's log they are to find what was
    written."""

    context: Context | None
    origin: Origin
    session_id: UUID | None = None
    cookie: str | None = None
    position: int = 0


class Operation(NamedTuple):
    """A validated operation with its variables: ready to run. `inputs` are what its verbs are called with, by their
    response keys, or why they cannot be. `is_large`: it came in a request that took a turn to be read."""

    text: OperationText
    values: Values
    shaped: Shaped
    inputs: dict[str, str] | ApiError | RequestRefused
    given: dict[str, Any] | None
    name: str | None
    is_large: bool = False

    @property
    def kind(self) -> str:
        """query, mutation or subscription."""
        return self.text.kind

    def readable_inputs(self) -> dict[str, str]:
        """The inputs. Raises ApiError or RequestRefused where one of them cannot be read."""
        if not isinstance(self.inputs, dict):
            raise self.inputs.afresh()
        return self.inputs


class Terms(NamedTuple):
    """What a caller asks for besides the mutation itself: that it be done once under this idempotency key, or only
    rehearsed, which leaves nothing and needs no key."""

    key: str | None = None
    is_rehearsal: bool = False


class Changed(NamedTuple):
    """The answer to a mutation as JSON, and how it came about: anew, again from the first time, or in a rehearsal.
    `cookie` is what to keep at the browser from now on: empty for nothing, None for what is there. `position` is behind
    it in the database's log, where there is a replica that may not have got there."""

    body: bytes
    is_replay: bool = False
    is_rehearsal: bool = False
    cookie: str | None = None
    position: int | None = None
