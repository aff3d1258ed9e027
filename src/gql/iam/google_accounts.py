"""Google accounts, as the API has them: signing in and signing up with an ID token."""

from typing import Annotated

import strawberry

from gql.iam.accounts import SignUpOrganisationInput
from gql.iam.resolving import Info, given, services_of
from gql.iam.users import RefreshTokenPlace, SignInPayload, handed_over


@strawberry.input(description="Who signs in with Google, and where.")
class SignInWithGoogleInput:
    id_token: str = strawberry.field(description="The ID token that Google gave, not older than ten minutes.")
    nonce: str | None = strawberry.field(
        default=strawberry.UNSET, description="The nonce that Google was given, where it was given one."
    )
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


@strawberry.input(description="Who signs up with Google.")
class SignUpWithGoogleInput:
    id_token: str = strawberry.field(description="The ID token that Google gave, not older than ten minutes.")
    nonce: str | None = strawberry.field(
        default=strawberry.UNSET, description="The nonce that Google was given, where it was given one."
    )
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="The person's name; left out, it is the one that Google tells."
    )
    organisation: SignUpOrganisationInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="The organisation to open. Left out, you join the one that has invited this address, the last one "
        "where there are several.",
    )
    refresh_token: RefreshTokenPlace = strawberry.field(
        default=RefreshTokenPlace.BODY, description="Where to put the refresh token."
    )


async def _sign_in_with_google(
    info: Info,
    input: Annotated[SignInWithGoogleInput, strawberry.argument(description="Who signs in, and where.")],  # noqa: A002
) -> SignInPayload:
    signed_in = await services_of(info).google.sign_in(
        input.id_token,
        given(input.nonce),
        given(input.organisation),
        info.context.caller.origin,
        given(input.second_factor),
    )
    return handed_over(info, signed_in, input.refresh_token)


async def _sign_up_with_google(
    info: Info,
    input: Annotated[SignUpWithGoogleInput, strawberry.argument(description="Who signs up.")],  # noqa: A002
) -> SignInPayload:
    signed_in = await services_of(info).google.sign_up(
        input.id_token,
        given(input.nonce),
        given(input.name),
        input.organisation.facts() if input.organisation else None,
        info.context.caller.origin,
    )
    return handed_over(info, signed_in, input.refresh_token)


@strawberry.type
class GoogleMutation:
    sign_in_with_google: SignInPayload = strawberry.field(
        resolver=_sign_in_with_google,
        description="Sign in with an ID token of Google's. The first time links the Google account to the account with "
        "its e-mail address, where that was verified here too and Google is the one to say whose it is.",
    )
    sign_up_with_google: SignInPayload = strawberry.field(
        resolver=_sign_up_with_google,
        description="Make an account and an organisation with an ID token of Google's, and you are signed in as its "
        "owner; or accept the invite that waits for its address, and you are signed in there.",
    )


OPEN_FIELDS = frozenset({"signInWithGoogle", "signUpWithGoogle"})
"""Root fields that go through Python, and see for themselves who asks."""
