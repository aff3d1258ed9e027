"""Join requests: who asks to be let into the organisation, and what one has asked oneself."""

from enum import Enum
from typing import Annotated, Final
from uuid import UUID

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, computed, noun
from gql.engine.inputs import described
from gql.engine.nouns import Question
from gql.engine.scalars import DateTime
from gql.engine.verbs import Verb
from gql.errors import ApiError, Code
from gql.iam.entry.standing import personally
from gql.iam.memberships import Role
from gql.iam.resolving import Info, given, identifier, own_session, services_of

TABLE = "iam.join_requests"
MY_JOIN_REQUESTS = Question("myJoinRequests", (), numbered_by="line")
CREATE: Final = "select iam.join_request_create($1, $2, $3)"
WITHDRAW: Final = "select iam.join_request_withdraw($1, $2)"


@strawberry.enum(description="How far a join request has come.")
class JoinRequestStatus(Enum):
    PENDING = "PENDING"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


@noun(table=TABLE, plural="joinRequests", permission="iam:members", default_order="CREATED_AT_DESC", reported=False)
class JoinRequest:
    user_id: strawberry.ID = column()
    user_name: str = column()
    user_address: str = column()
    message: str | None = column()
    status: JoinRequestStatus = computed(
        "coalesce({row}.outcome, case when {row}.created_at > statement_timestamp() - interval '30 days' then 'PENDING'"
        " else 'EXPIRED' end)",
        description="What became of it: PENDING while it can be answered.",
    )
    outcome_at: DateTime | None = column()
    created_at: DateTime = column(filtered=True, ordered=True)


@noun(table="iam.my_join_requests()", permission="iam:self", question=MY_JOIN_REQUESTS, reported=False)
class MyJoinRequest:
    organisation_slug: str = column(description="The short name that you asked for, whether there is one or not.")
    message: str | None = column(description="What you said.")
    status: JoinRequestStatus = column(description="What became of it: PENDING while nobody has answered.")
    created_at: DateTime = column(description="When you asked. After 30 days without an answer it has expired.")
    answered_at: DateTime | None = column(description="When it was answered, or taken back.")


@described(TABLE, "Whom to let in, and as what.")
class JoinRequestApproveInput:
    id: strawberry.ID
    role: Role = strawberry.field(description="What they are to be.")
    scope_ids: list[strawberry.ID] | None = strawberry.field(
        default=UNSET,
        description="For a MEMBER: the clients that they are to speak for; for a VENDOR, RETAILER, BUSINESS or "
        "INVESTOR: whom they are to be there.",
    )


@described(TABLE, "Whom not to let in.")
class JoinRequestDeclineInput:
    id: strawberry.ID


@strawberry.input(description="Whom to ask.")
class JoinRequestCreateInput:
    organisation: str = strawberry.field(description="The short name of the organisation, such as `acme`.")
    message: str | None = strawberry.field(
        default=UNSET, description="Who you are and why you ask, in 1 to 1000 characters."
    )


@strawberry.input(description="A request of yours.")
class JoinRequestWithdrawInput:
    id: strawberry.ID = strawberry.field(description="Its id, as myJoinRequests lists it.")


@strawberry.type(description="A request that waits for an answer, if there is such an organisation. It does not tell.")
class JoinRequestCreatePayload:
    id: strawberry.ID = strawberry.field(description="The request, as myJoinRequests lists it.")


@strawberry.type(description="What became of it.")
class JoinRequestWithdrawPayload:
    withdrawn: bool = strawberry.field(description="Always true: what could not be done is an error.")


def _not_found() -> ApiError:
    sentence = "You have no open request with this id. `myJoinRequests` lists them."
    return ApiError(Code.NOT_FOUND, sentence, reason="JOIN_REQUEST_NOT_FOUND", field="input.id")


async def _join_request_create(
    info: Info,
    input: Annotated[JoinRequestCreateInput, strawberry.argument(description="Whom to ask.")],  # noqa: A002
) -> JoinRequestCreatePayload:
    person, _ = own_session(info)
    async with personally(services_of(info).database, person, info.context.caller.origin) as connection:
        made: UUID = await connection.fetchval(CREATE, person, input.organisation, given(input.message))
    return JoinRequestCreatePayload(id=strawberry.ID(str(made)))


async def _join_request_withdraw(
    info: Info,
    input: Annotated[JoinRequestWithdrawInput, strawberry.argument(description="Which one.")],  # noqa: A002
) -> JoinRequestWithdrawPayload:
    person, _ = own_session(info)
    wanted = identifier(input.id, _not_found())
    async with personally(services_of(info).database, person, info.context.caller.origin) as connection:
        if not await connection.fetchval(WITHDRAW, person, wanted):
            raise _not_found()
    return JoinRequestWithdrawPayload(withdrawn=True)


@strawberry.type
class JoinRequestMutation:
    join_request_create: JoinRequestCreatePayload = strawberry.field(
        resolver=_join_request_create,
        description="Ask an organisation to let you in. The answer is the same whether there is one of this name or "
        "not. Your address has to be shown to be yours; ten times a day at most.",
    )
    join_request_withdraw: JoinRequestWithdrawPayload = strawberry.field(
        resolver=_join_request_withdraw, description="Take a request of yours back that nobody has answered."
    )


DECLARED = (
    JoinRequest,
    MyJoinRequest,
    Verb("iam.join_request_approve", JoinRequestApproveInput, "JoinRequest", "iam:members"),
    Verb("iam.join_request_decline", JoinRequestDeclineInput, "JoinRequest", "iam:members"),
)
OPEN_FIELDS = frozenset({"joinRequestCreate", "joinRequestWithdraw"})
"""Root fields that go through Python, and see for themselves who asks."""
OWN_FIELDS = OPEN_FIELDS
"""All of them are about the caller themselves, and refuse a stranger."""
