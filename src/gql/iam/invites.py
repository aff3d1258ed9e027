"""Invites: who is asked to work in the organisation, and what one is asked oneself."""

from enum import Enum
from typing import Annotated

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, computed, noun
from gql.engine.inputs import described
from gql.engine.nouns import Question
from gql.engine.scalars import DateTime
from gql.engine.verbs import Verb
from gql.iam.entry.invitations import invite_not_found
from gql.iam.memberships import Role
from gql.iam.resolving import Info, identifier, own_session, services_of
from gql.iam.users import SignInOrganisation

TABLE = "iam.invites"
MY_INVITES = Question("myInvites", (), numbered_by="line")


@strawberry.enum(description="How far an invite has come.")
class InviteStatus(Enum):
    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


@noun(table=TABLE, plural="invites", permission="iam:members", default_order="CREATED_AT_DESC", reported=False)
class Invite:
    address: str = column()
    role: Role = column()
    status: InviteStatus = computed(
        "coalesce({row}.outcome, case when {row}.expires_at > statement_timestamp() then 'PENDING' else 'EXPIRED' end)",
        description="What became of it: PENDING while it can be accepted.",
    )
    invited_by: str = column()
    expires_at: DateTime = column()
    outcome_at: DateTime | None = column()
    created_at: DateTime = column(filtered=True, ordered=True)


@noun(table="iam.my_invites()", permission="iam:self", question=MY_INVITES, reported=False)
class MyInvite:
    organisation_slug: str = column(description="The short name of the organisation that asks you.")
    organisation_name: str = column(description="Its name.")
    role: Role = column(description="What you are to be there.")
    invited_by: str = column(description="The name of whoever invites you.")
    address: str = column(description="The address of yours that is invited.")
    created_at: DateTime = column(description="Since when.")
    expires_at: DateTime = column(description="Until when you may accept.")


@described(TABLE, "Whom to invite, and as what.")
class InviteCreateInput:
    address: str
    role: Role
    scope_ids: list[strawberry.ID] | None = UNSET


@described(TABLE, "An invite to take back.")
class InviteRevokeInput:
    id: strawberry.ID


@strawberry.input(description="An invite to you.")
class InviteAnswerInput:
    id: strawberry.ID = strawberry.field(description="Its id, as myInvites lists it.")


@strawberry.type(description="The organisation that you belong to now.")
class InviteAcceptPayload:
    organisation: SignInOrganisation = strawberry.field(
        description="organisationSwitch, given its short name, works there."
    )


@strawberry.type(description="The organisation that you do not join.")
class InviteDeclinePayload:
    organisation: SignInOrganisation = strawberry.field(description="Which one it was.")


async def _invite_accept(
    info: Info,
    input: Annotated[InviteAnswerInput, strawberry.argument(description="Which invite.")],  # noqa: A002
) -> InviteAcceptPayload:
    person, _ = own_session(info)
    joined = await services_of(info).invitations.accept(
        person, identifier(input.id, invite_not_found()), info.context.caller.origin
    )
    return InviteAcceptPayload(organisation=SignInOrganisation(slug=joined.slug, name=joined.name))


async def _invite_decline(
    info: Info,
    input: Annotated[InviteAnswerInput, strawberry.argument(description="Which invite.")],  # noqa: A002
) -> InviteDeclinePayload:
    person, _ = own_session(info)
    left = await services_of(info).invitations.decline(
        person, identifier(input.id, invite_not_found()), info.context.caller.origin
    )
    return InviteDeclinePayload(organisation=SignInOrganisation(slug=left.slug, name=left.name))


@strawberry.type
class InviteMutation:
    invite_accept: InviteAcceptPayload = strawberry.field(
        resolver=_invite_accept,
        description="Accept an invite to an address that you have shown to be yours: you belong to the organisation "
        "from now on.",
    )
    invite_decline: InviteDeclinePayload = strawberry.field(
        resolver=_invite_decline, description="Decline an invite to an address that you have shown to be yours."
    )


DECLARED = (
    Invite,
    MyInvite,
    Verb("iam.invite_create", InviteCreateInput, "Invite", "iam:members"),
    Verb("iam.invite_revoke", InviteRevokeInput, "Invite", "iam:members"),
)
OPEN_FIELDS = frozenset({"inviteAccept", "inviteDecline"})
"""Root fields that go through Python, and see for themselves who asks."""
OWN_FIELDS = OPEN_FIELDS
"""All of them are about the caller themselves, and refuse a stranger."""
