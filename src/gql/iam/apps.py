"""Apps: programs of somebody else's that work in the organisation. How their secrets are made: app_secrets.py."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, computed, noun, to_many
from gql.engine.inputs import described
from gql.engine.scalars import DateTime
from gql.engine.verbs import Verb
from gql.iam.credentials.app_secrets import Handed
from gql.iam.resolving import Info, caller_context, services_of

TABLE = "iam.apps"
READ, WRITE = "iam:read", "iam:write"


@noun(table=TABLE, plural="apps", permission=READ, default_order="NAME_ASC", reported=False)
class App:
    name: str = column(key="name_key", ordered=True)
    scopes: list[str] = column()
    is_active: bool = computed("{row}.revoked_at is null", description="Whether it may work here at present.")
    last_used_at: DateTime | None = column()
    revoked_at: DateTime | None = column()
    created_at: DateTime = column(ordered=True)
    created_by: strawberry.ID | None = column()
    secrets = to_many("AppSecret", "app_id", listed=True, order="created_at")


@noun(table="iam.app_secrets", permission=WRITE, reported=False)
class AppSecret:
    hint: str = column()
    expires_at: DateTime | None = column()
    revoked_at: DateTime | None = column()
    created_at: DateTime = column()


@strawberry.input(description="An app to let in.")
class AppCreateInput:
    name: str = strawberry.field(description="What to call it: 1 to 100 characters.")
    scopes: list[str] = strawberry.field(
        description="What it may do, such as `billing:read`; nothing that you may not do yourself."
    )


@described(TABLE, "What changes of an app. A field that is left out stays as it is.")
class AppUpdateInput:
    id: strawberry.ID
    name: str | None = UNSET
    scopes: list[str] | None = UNSET


@strawberry.input(description="The app that is to have a new secret.")
class AppSecretRotateInput:
    id: strawberry.ID = strawberry.field(description="The app's id.")
    overlap_hours: int | None = strawberry.field(
        default=UNSET,
        description="For how many hours the secret before it stays good: 0 for none, 720 at most. Left out, it is 24.",
    )


@described(TABLE, "The app to put out.")
class AppRevokeInput:
    id: strawberry.ID


@strawberry.type(description="With what an app comes in.")
class AppSecretPayload:
    client_id: strawberry.ID = strawberry.field(description="The app's id, for `/oauth/token`.")
    client_secret: str = strawberry.field(description="Its secret. It is shown this once, and kept nowhere.")


def _payload(handed: Handed) -> AppSecretPayload:
    return AppSecretPayload(client_id=strawberry.ID(str(handed.app_id)), client_secret=handed.secret)


async def _app_create(
    info: Info,
    input: Annotated[AppCreateInput, strawberry.argument(description="The app.")],  # noqa: A002
) -> AppSecretPayload:
    origin = info.context.caller.origin
    return _payload(await services_of(info).app_secrets.create(caller_context(info), origin, input.name, input.scopes))


async def _app_secret_rotate(
    info: Info,
    input: Annotated[AppSecretRotateInput, strawberry.argument(description="Which app.")],  # noqa: A002
) -> AppSecretPayload:
    origin = info.context.caller.origin
    hours = None if input.overlap_hours is UNSET else input.overlap_hours
    return _payload(await services_of(info).app_secrets.rotate(caller_context(info), origin, input.id, hours))


@strawberry.type
class AppMutation:
    app_create: AppSecretPayload = strawberry.field(
        resolver=_app_create,
        description="Let a program of somebody else's work in the organisation. Its secret is shown this once.",
    )
    app_secret_rotate: AppSecretPayload = strawberry.field(
        resolver=_app_secret_rotate,
        description="Give an app a new secret, which is shown this once. The one before it stays good for a while, a "
        "still older one does not.",
    )


DECLARED = (
    App,
    AppSecret,
    Verb("iam.app_update", AppUpdateInput, "App", WRITE),
    Verb("iam.app_revoke", AppRevokeInput, "App", WRITE),
)
PYTHON_FIELDS = {"appCreate": WRITE, "appSecretRotate": WRITE}
"""Root fields that go through Python because a secret is made there, each with the permission that it needs."""
