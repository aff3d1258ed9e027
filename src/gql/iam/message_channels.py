"""Message channels: the organisation's numbers at a messenger. How their secrets are kept: channel_secrets.py."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, noun
from gql.engine.scalars import DateTime
from gql.iam.resolving import Info, caller_context, given, services_of

TABLE = "iam.message_channels"
WRITE = "iam:write"


@noun(table=TABLE, plural="messageChannels", permission=WRITE, default_order="CREATED_AT_ASC", reported=False)
class MessageChannel:
    phone_number: str = column()
    is_active: bool = column()
    created_at: DateTime = column(ordered=True)
    updated_at: DateTime = column()


@strawberry.input(description="A number at a messenger.")
class MessageChannelCreateInput:
    phone_number: str = strawberry.field(description="The organisation's number there, such as +254712345678.")
    app_secret: str = strawberry.field(description="The secret with which the messenger signs, from its settings.")


@strawberry.input(description="What changes of a channel. A field that is left out stays as it is.")
class MessageChannelUpdateInput:
    id: strawberry.ID = strawberry.field(description="The channel's id.")
    app_secret: str | None = strawberry.field(
        default=UNSET, description="The secret with which the messenger signs now."
    )
    is_active: bool | None = strawberry.field(default=UNSET, description="Whether what comes is taken.")


@strawberry.type(description="What the messenger's settings ask for.")
class MessageChannelCreatePayload:
    id: strawberry.ID = strawberry.field(description="The channel's id.")
    path: str = strawberry.field(description="Where messages are sent: this path on the server's address.")
    verify_token: str = strawberry.field(
        description="The token to verify with. It is shown this once, and kept nowhere."
    )


@strawberry.type(description="The channel that was changed.")
class MessageChannelUpdatePayload:
    id: strawberry.ID = strawberry.field(description="The channel's id.")


async def _create(
    info: Info,
    input: Annotated[MessageChannelCreateInput, strawberry.argument(description="The channel.")],  # noqa: A002
) -> MessageChannelCreatePayload:
    secrets, origin = services_of(info).channel_secrets, info.context.caller.origin
    made, token = await secrets.create(caller_context(info), origin, input.phone_number, input.app_secret)
    return MessageChannelCreatePayload(id=strawberry.ID(str(made)), path=f"/hooks/whatsapp/{made}", verify_token=token)


async def _update(
    info: Info,
    input: Annotated[MessageChannelUpdateInput, strawberry.argument(description="Which channel.")],  # noqa: A002
) -> MessageChannelUpdatePayload:
    secrets, origin = services_of(info).channel_secrets, info.context.caller.origin
    is_active = None if input.is_active is UNSET else input.is_active
    found = await secrets.update(caller_context(info), origin, input.id, given(input.app_secret), is_active)
    return MessageChannelUpdatePayload(id=strawberry.ID(str(found)))


@strawberry.type
class MessageChannelMutation:
    message_channel_create: MessageChannelCreatePayload = strawberry.field(
        resolver=_create, description="Let a messenger bring what people write to one of the organisation's numbers."
    )
    message_channel_update: MessageChannelUpdatePayload = strawberry.field(
        resolver=_update, description="Give a channel another secret, or have it take nothing, or messages again."
    )


DECLARED = (MessageChannel,)
PYTHON_FIELDS = {"messageChannelCreate": WRITE, "messageChannelUpdate": WRITE}
"""Root fields that go through Python because a secret is kept there, each with the permission that it needs."""
