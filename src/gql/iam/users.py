"""Signing in, staying signed in and signing out, as the API has it. Who works where, memberships say."""

from enum import Enum
from typing import Annotated

import strawberry

from gql.engine.scalars import DateTime
from gql.errors import ApiError, Code
from gql.iam.credentials.noting import refusals_noted
from gql.iam.resolving import Info, given, identifier, moment, own_session, services_of
from gql.iam.tokens.sessions import SignedIn


@strawberry.enum(description="Where the refresh token is kept.")
class RefreshTokenPlace(Enum):
    BODY = strawberry.enum_value("body", description="In the answer: for programs, which keep it themselves.")
    COOKIE = strawberry.enum_value(
        "cookie", description="In a cookie that no script can read: for pages, which send it without knowing it."
    )


@strawberry.input(description="Who signs in, and where.")
class SignInInput:
    email: str = strawberry.field(
        description="The e-mail address of the account, or its telephone number; capitals do not matter."
    )
    password: str = strawberry.field(description="The password of the account.")
    organisation: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The short name of the organisation to work in, which may be one that has invited you: that "
        "accepts the invite. Left out, it is the first of yours by name.",
    )
    second_factor: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Where the account has one: the six digits that the TOTP device shows, or a recovery code.",
    )
    refresh_token: RefreshTokenPlace = strawberry.field(
        default=RefreshTokenPlace.BODY, description="Where to put the refresh token."
    )


@strawberry.input(description="The session to go on with.")
class SessionRefreshInput:
    refresh_token: str | None = strawberry.field(
        default=strawberry.UNSET, description="The refresh token that was given last; left out, it is the cookie's."
    )


@strawberry.input(description="Where to work from now on.")
class OrganisationSwitchInput:
    organisation: str = strawberry.field(description="The short name of an organisation that you belong to.")


@strawberry.input(description="Which session to end: this one, unless another one or all are named.")
class SignOutInput:
    session: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The id of another session of yours."
    )
    everywhere: bool = strawberry.field(default=False, description="All of them, this one included.")


@strawberry.type(description="The organisation that a token is for.")
class SignInOrganisation:
    slug: str = strawberry.field(description="Its short name, such as `acme`.")
    name: str = strawberry.field(description="Its name.")


@strawberry.type(description="What signing in gives, and going on.")
class SignInPayload:
    access_token: str = strawberry.field(
        description="Send it with every request as `Authorization: Bearer …`. Keep it as safe as a password."
    )
    expires_at: DateTime = strawberry.field(
        description="Until when it is valid; then ask `sessionRefresh` for another."
    )
    refresh_token: str | None = strawberry.field(
        description="What `sessionRefresh` takes, once; null where it is in the cookie, or stays as it was. A session "
        "ends 30 days after its last use, and 180 days after its beginning."
    )
    session_id: strawberry.ID = strawberry.field(description="The session, as `mySessions` lists it.")
    organisation: SignInOrganisation = strawberry.field(description="The organisation that you now work in.")


@strawberry.type(description="What became of it.")
class SignOutPayload:
    ended: int = strawberry.field(
        description="How many sessions were ended. Their access tokens are refused in seconds."
    )


def payload(signed_in: SignedIn, refresh_token: str | None) -> SignInPayload:
    """What somebody is given who is signed in now."""
    organisation = signed_in.organisation
    return SignInPayload(
        access_token=signed_in.access.text,
        expires_at=moment(signed_in.access.expires_at),
        refresh_token=refresh_token,
        session_id=strawberry.ID(str(signed_in.session_id)),
        organisation=SignInOrganisation(slug=organisation.slug, name=organisation.name),
    )


async def _sign_in(
    info: Info,
    input: Annotated[SignInInput, strawberry.argument(description="Who signs in, and where.")],  # noqa: A002
) -> SignInPayload:
    signed_in = await services_of(info).sign_in.with_password(
        input.email,
        input.password,
        given(input.organisation),
        info.context.caller.origin,
        given(input.second_factor),
    )
    return handed_over(info, signed_in, input.refresh_token)


def handed_over(info: Info, signed_in: SignedIn, place: RefreshTokenPlace) -> SignInPayload:
    """The payload, with the refresh token where it is wanted."""
    if place is RefreshTokenPlace.COOKIE:
        info.context.told.cookie = signed_in.refresh
        return payload(signed_in, None)
    return payload(signed_in, signed_in.refresh)


async def _session_refresh(
    info: Info,
    input: Annotated[SessionRefreshInput, strawberry.argument(description="The session to go on with.")],  # noqa: A002
) -> SignInPayload:
    caller = info.context.caller
    sent = given(input.refresh_token)
    token = caller.cookie if sent is None else sent
    if not token:
        sentence = "There is no refresh token: neither in the input nor in the cookie. Sign in."
        raise ApiError(Code.UNAUTHENTICATED, sentence, reason="REFRESH_TOKEN_MISSING", field="input.refreshToken")
    signed_in = await services_of(info).sessions.refresh(token, caller.origin)
    return handed_over(info, signed_in, RefreshTokenPlace.COOKIE if sent is None else RefreshTokenPlace.BODY)


async def _organisation_switch(
    info: Info,
    input: Annotated[OrganisationSwitchInput, strawberry.argument(description="Where to work.")],  # noqa: A002
) -> SignInPayload:
    user_id, session_id = own_session(info)
    services, origin = services_of(info), info.context.caller.origin
    async with refusals_noted(services.database, user_id, origin):
        switched = await services.sessions.switch(user_id, session_id, input.organisation, origin)
    return payload(switched, None)


async def _sign_out(
    info: Info,
    input: Annotated[SignOutInput, strawberry.argument(description="Which session to end.")],  # noqa: A002
) -> SignOutPayload:
    user_id, own = own_session(info)
    named = given(input.session)
    if input.everywhere:
        wanted, why = None, "SIGNED_OUT_EVERYWHERE"
    else:
        wanted, why = identifier(named, _no_session()) if named is not None else own, "SIGNED_OUT"
    ended = await services_of(info).sessions.end(user_id, wanted, why, info.context.caller.origin)
    if named is not None and not ended:
        raise _no_session()
    if wanted in (None, own) and info.context.caller.cookie:
        info.context.told.cookie = ""
    return SignOutPayload(ended=ended)


def _no_session() -> ApiError:
    sentence = "You have no session with this id that is still open. `mySessions` lists them."
    return ApiError(Code.NOT_FOUND, sentence, reason="SESSION_NOT_FOUND", field="input.session")


@strawberry.type
class SignInMutation:
    sign_in: SignInPayload = strawberry.field(
        resolver=_sign_in,
        description="Sign in with an e-mail address and a password. The answer is the same for an unknown address and "
        "for a wrong password; each failure makes the next try wait longer.",
    )
    session_refresh: SignInPayload = strawberry.field(
        resolver=_session_refresh,
        description="Exchange a refresh token for a new access token and the next refresh token. A token that comes a "
        "second time, later than ten seconds after the first, ends the session: somebody else may hold it.",
    )
    organisation_switch: SignInPayload = strawberry.field(
        resolver=_organisation_switch,
        description="Work in another organisation of yours, in the same session and without signing in again.",
    )
    sign_out: SignOutPayload = strawberry.field(
        resolver=_sign_out, description="End this session, another one of yours, or all of them."
    )


OPEN_FIELDS = frozenset({"signIn", "sessionRefresh", "organisationSwitch", "signOut"})
"""Root fields that go through Python, and see for themselves who asks."""
OWN_FIELDS = frozenset({"organisationSwitch", "signOut"})
"""Those of them that are about the caller's own account, and refuse a stranger."""
