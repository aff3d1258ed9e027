"""Analysts, as the API has them: logins that read the organisation's figures with psql or a BI tool."""

from typing import Annotated, Any

import strawberry

from gql.engine.declare import column, noun
from gql.engine.inputs import described
from gql.engine.scalars import DateTime
from gql.engine.verbs import Verb
from gql.iam.credentials.analyst_logins import Login
from gql.iam.resolving import Info, caller_context, services_of

TABLE = "iam.analysts"


@noun(table=TABLE, plural="analysts", permission="iam:write", default_order="CREATED_AT_ASC", reported=False)
class Analyst:
    label: str = column()
    login: str = column()
    connection_limit: int = column()
    statement_timeout_ms: int = column()
    valid_until: DateTime | None = column()
    rotated_at: DateTime = column()
    revoked_at: DateTime | None = column()
    created_at: DateTime = column(ordered=True)
    updated_at: DateTime = column()


@described(TABLE, "Which analyst.")
class AnalystIdInput:
    id: strawberry.ID


@strawberry.input(description="The login to make.")
class AnalystCreateInput:
    label: str = strawberry.field(description="Whose login it is, or what it is for: 1 to 100 characters.")
    connection_limit: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="How many connections it may have at a time: 1 to 20; 5 unless said otherwise. All together: 20.",
    )
    statement_timeout_ms: int | None = strawberry.field(
        default=strawberry.UNSET,
        description="How many milliseconds a statement may take, and ten times as many a transaction: 100 to 900000;"
        " 30000 unless said otherwise.",
    )
    valid_until: DateTime | None = strawberry.field(
        default=strawberry.UNSET, description="Until when it may come in; left out, that has no end."
    )


@strawberry.input(description="The login to give another secret.")
class AnalystSecretRotateInput:
    id: strawberry.ID = strawberry.field(description="The analyst's id.")
    valid_until: DateTime | None = strawberry.field(
        default=strawberry.UNSET, description="Until when it may come in; left out, that stays as it is."
    )


@strawberry.type(description="With what an analyst comes in. The secret is nowhere else, and is not shown again.")
class AnalystLoginPayload:
    analyst: strawberry.ID = strawberry.field(description="The analyst's id.")
    host: str = strawberry.field(description="The host to connect to.")
    port: int = strawberry.field(description="Its port.")
    database: str = strawberry.field(description="The name of the database.")
    user: str = strawberry.field(description="The user name.")
    secret: str = strawberry.field(description="The password: 256 random bits.")
    url: str = strawberry.field(description="All of it as one address, as psql and most tools take it.")


async def _analyst_create(
    info: Info,
    input: Annotated[AnalystCreateInput, strawberry.argument(description="The login.")],  # noqa: A002
) -> AnalystLoginPayload:
    made = await services_of(info).analyst_logins.create(caller_context(info), info.context.caller.origin, _said(input))
    return _payload(made)


async def _analyst_secret_rotate(
    info: Info,
    input: Annotated[AnalystSecretRotateInput, strawberry.argument(description="Which login.")],  # noqa: A002
) -> AnalystLoginPayload:
    made = await services_of(info).analyst_logins.rotate(caller_context(info), info.context.caller.origin, _said(input))
    return _payload(made)


def _said(input: Any) -> dict[str, Any]:  # noqa: A002
    """What the input says, by its names in SQL."""
    return {name: value for name, value in vars(input).items() if value is not strawberry.UNSET}


def _payload(made: Login) -> AnalystLoginPayload:
    return AnalystLoginPayload(
        analyst=strawberry.ID(str(made.id)),
        host=made.host,
        port=made.port,
        database=made.database,
        user=made.user,
        secret=made.secret,
        url=made.url,
    )


@strawberry.type
class AnalystMutation:
    analyst_create: AnalystLoginPayload = strawberry.field(
        resolver=_analyst_create,
        description="Make a login that reads the organisation's figures with psql or a BI tool.",
    )
    analyst_secret_rotate: AnalystLoginPayload = strawberry.field(
        resolver=_analyst_secret_rotate,
        description="Give a login another secret. The old one is good no more, and its connections end within seconds.",
    )


DECLARED = (Analyst, Verb("iam.analyst_revoke", AnalystIdInput, "Analyst", "iam:write"))
PYTHON_FIELDS = {"analystCreate": "iam:write", "analystSecretRotate": "iam:write"}
"""Root fields that go through Python because a secret is made there, each with the permission that it needs."""
