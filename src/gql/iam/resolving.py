"""What the resolvers of iam that are written in Python have in common."""

from datetime import datetime
from uuid import UUID

import strawberry

from gql.database.context import Context
from gql.engine.engine import Execution
from gql.engine.scalars import DateTime
from gql.errors import ApiError, Code
from gql.iam.services import Services

Info = strawberry.Info[Execution, None]


def services_of(info: Info) -> Services:
    """The ways to come in, and to go."""
    services: Services = info.context.services
    return services


def caller_context(info: Info) -> Context:
    """What the caller stands in, where the field needs a permission: the engine lets nobody come to it without."""
    context: Context | None = info.context.caller.context
    assert context is not None
    return context


def own_session(info: Info) -> tuple[UUID, UUID]:
    """The person who asks and the session of their token. Raises ApiError UNAUTHENTICATED."""
    caller = info.context.caller
    if caller.context is None or caller.context.user_id is None or caller.session_id is None:
        sentence = "Sign in first: this is about the session of your access token."
        raise ApiError(Code.UNAUTHENTICATED, sentence, reason="TOKEN_MISSING")
    return caller.context.user_id, caller.session_id


def given(value: str | None) -> str | None:
    """A value that may be left out."""
    return None if value is strawberry.UNSET else value


def identifier(text: str, otherwise: ApiError) -> UUID:
    """The id that the text is. Raises `otherwise` where it is none: nothing has such an id."""
    try:
        return UUID(text)
    except ValueError:
        raise otherwise from None


def moment(when: datetime) -> DateTime:
    """A moment in UTC, as an answer holds it."""
    return DateTime(when.isoformat().replace("+00:00", "Z"))
