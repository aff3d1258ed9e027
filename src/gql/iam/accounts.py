"""Accounts, as the API has them: signing up, coming in with a code, and passwords."""

from typing import Annotated

import strawberry

from gql.engine.scalars import DateTime
from gql.errors import ApiError, Code
from gql.iam.entry.codes import code_invalid
from gql.iam.resolving import Info, given, identifier, moment, services_of
from gql.iam.users import RefreshTokenPlace, SignInPayload, handed_over


@strawberry.input(description="The organisation to open.")
class SignUpOrganisationInput:
    name: str = strawberry.field(description="Its name, as it stands on invoices.")
    country: str | None = strawberry.field(
        default=strawberry.UNSET, description="Its country, by its two-letter ISO 3166 code."
    )
    currency: str | None = strawberry.field(
        default=strawberry.UNSET, description="Its currency, by its ISO 4217 code; EUR unless said otherwise."
    )
    time_zone: str | None = strawberry.field(
        default=strawberry.UNSET, description="Its time zone, by its IANA name; UTC unless said otherwise."
    )

    def facts(self) -> dict[str, str]:
        """What was said of it."""
        said = {"country": given(self.country), "currency": given(self.currency), "time_zone": given(self.time_zone)}
        return {"name": self.name} | {name: value for name, value in said.items() if value is not None}


@strawberry.input(description="Who signs up: with an e-mail address or with a telephone number.")
class SignUpInput:
    name: str = strawberry.field(description="The person's name.")
    email: str | None = strawberry.field(default=strawberry.UNSET, description="The e-mail address to sign in with.")
    phone: str | None = strawberry.field(
        default=strawberry.UNSET, description="Or the telephone number, as +447911123456."
    )
    password: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="12 to 128 characters that no guesser begins with; left out, one signs in with codes alone.",
    )
    organisation: SignUpOrganisationInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="The organisation to open. Left out, you join the one that has invited this address, the last one "
        "where there are several.",
    )


@strawberry.input(description="The code of a sign-up.")
class SignUpConfirmInput:
    sign_up: strawberry.ID = strawberry.field(description="What signUp gave.")
    code: str = strawberry.field(description="The six digits that were sent.")
    refresh_token: RefreshTokenPlace = strawberry.field(
        default=RefreshTokenPlace.BODY, description="Where to put the refresh token."
    )


@strawberry.input(description="A sign-up that is going on.")
class SignUpCodeResendInput:
    sign_up: strawberry.ID = strawberry.field(description="What signUp gave.")


@strawberry.input(description="Where to send a code.")
class CodeRequestInput:
    address: str = strawberry.field(description="The e-mail address or telephone number of the account.")


@strawberry.input(description="A code to sign in with.")
class SignInWithCodeInput:
    request: strawberry.ID = strawberry.field(description="What signInCodeRequest gave.")
    code: str = strawberry.field(description="The six digits that were sent.")
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


@strawberry.input(description="A code, and a new password.")
class PasswordResetInput:
    request: strawberry.ID = strawberry.field(description="What passwordResetRequest gave.")
    code: str = strawberry.field(description="The six digits that were sent.")
    password: str = strawberry.field(description="12 to 128 characters that no guesser begins with.")


@strawberry.input(description="The password that is, and the one that is to be.")
class PasswordChangeInput:
    current_password: str = strawberry.field(description="The password as it is.")
    password: str = strawberry.field(description="12 to 128 characters that no guesser begins with.")


@strawberry.type(description="A sign-up that waits for its code.")
class SignUpPayload:
    sign_up: strawberry.ID = strawberry.field(description="With what signUpConfirm goes on with it.")
    expires_at: DateTime = strawberry.field(description="Until when: for fifteen minutes.")


@strawberry.type(description="A code that is on its way, if the address has an account. The answer does not tell.")
class CodeRequestPayload:
    request: strawberry.ID = strawberry.field(description="With what the code is given back.")
    expires_at: DateTime = strawberry.field(description="Until when the code is good: for ten minutes.")


@strawberry.type(description="It is done.")
class DonePayload:
    done: bool = strawberry.field(description="Always true: what could not be done is an error.")


async def _sign_up(
    info: Info,
    input: Annotated[SignUpInput, strawberry.argument(description="Who signs up.")],  # noqa: A002
) -> SignUpPayload:
    begun = await services_of(info).sign_up.begin(
        email=given(input.email),
        phone=given(input.phone),
        name=input.name,
        password=given(input.password),
        organisation=input.organisation.facts() if input.organisation else None,
        origin=info.context.caller.origin,
    )
    return SignUpPayload(sign_up=strawberry.ID(str(begun.id)), expires_at=moment(begun.expires_at))


async def _sign_up_code_resend(
    info: Info,
    input: Annotated[SignUpCodeResendInput, strawberry.argument(description="Which sign-up.")],  # noqa: A002
) -> DonePayload:
    await services_of(info).sign_up.again(identifier(input.sign_up, code_invalid()), info.context.caller.origin)
    return DonePayload(done=True)


async def _sign_up_confirm(
    info: Info,
    input: Annotated[SignUpConfirmInput, strawberry.argument(description="The code.")],  # noqa: A002
) -> SignInPayload:
    signed_in = await services_of(info).sign_up.complete(
        identifier(input.sign_up, code_invalid()), input.code, info.context.caller.origin
    )
    return handed_over(info, signed_in, input.refresh_token)


async def _request(info: Info, purpose: str, address: str) -> CodeRequestPayload:
    requested = await services_of(info).codes.request(purpose, address, info.context.caller.origin)
    return CodeRequestPayload(request=strawberry.ID(str(requested.id)), expires_at=moment(requested.expires_at))


async def _sign_in_code_request(
    info: Info,
    input: Annotated[CodeRequestInput, strawberry.argument(description="Where to send it.")],  # noqa: A002
) -> CodeRequestPayload:
    return await _request(info, "SIGN_IN", input.address)


async def _sign_in_with_code(
    info: Info,
    input: Annotated[SignInWithCodeInput, strawberry.argument(description="The code.")],  # noqa: A002
) -> SignInPayload:
    signed_in = await services_of(info).codes.sign_in(
        identifier(input.request, code_invalid()),
        input.code,
        given(input.organisation),
        info.context.caller.origin,
        given(input.second_factor),
    )
    return handed_over(info, signed_in, input.refresh_token)


async def _password_reset_request(
    info: Info,
    input: Annotated[CodeRequestInput, strawberry.argument(description="Where to send it.")],  # noqa: A002
) -> CodeRequestPayload:
    return await _request(info, "PASSWORD_RESET", input.address)


async def _password_reset(
    info: Info,
    input: Annotated[PasswordResetInput, strawberry.argument(description="The code and the password.")],  # noqa: A002
) -> DonePayload:
    codes, origin = services_of(info).codes, info.context.caller.origin
    await codes.reset_password(identifier(input.request, code_invalid()), input.code, input.password, origin)
    return DonePayload(done=True)


async def _password_change(
    info: Info,
    input: Annotated[PasswordChangeInput, strawberry.argument(description="Both passwords.")],  # noqa: A002
) -> DonePayload:
    caller = info.context.caller
    if caller.context is None or caller.context.user_id is None:
        raise ApiError(Code.UNAUTHENTICATED, "Sign in first.", reason="TOKEN_MISSING")
    await services_of(info).codes.change_password(
        caller.context.user_id, input.current_password, input.password, caller.origin
    )
    return DonePayload(done=True)


@strawberry.type
class AccountMutation:
    sign_up: SignUpPayload = strawberry.field(
        resolver=_sign_up,
        description="Ask for an account, and an organisation unless you are invited to one. A code is sent to the "
        "address; the answer does not tell whether the address has an account already, but a message to it does.",
    )
    sign_up_code_resend: DonePayload = strawberry.field(
        resolver=_sign_up_code_resend,
        description="Send another code for a sign-up. The one before it is good for nothing any more.",
    )
    sign_up_confirm: SignInPayload = strawberry.field(
        resolver=_sign_up_confirm,
        description="Give the code back: account and organisation are made, and you are signed in as its owner; or the "
        "invite is accepted, and you are signed in there.",
    )
    sign_in_code_request: CodeRequestPayload = strawberry.field(
        resolver=_sign_in_code_request, description="Send a code to sign in with, in place of a password."
    )
    sign_in_with_code: SignInPayload = strawberry.field(
        resolver=_sign_in_with_code, description="Sign in with a code that was sent to you."
    )
    password_reset_request: CodeRequestPayload = strawberry.field(
        resolver=_password_reset_request, description="Send a code to set a new password with."
    )
    password_reset: DonePayload = strawberry.field(
        resolver=_password_reset,
        description="Set a new password with a code that was sent to you. You are signed out everywhere.",
    )
    password_change: DonePayload = strawberry.field(
        resolver=_password_change,
        description="Change your password. You are signed out everywhere, here as well: sign in with the new one.",
    )


OPEN_FIELDS = frozenset(
    {
        "signUp",
        "signUpCodeResend",
        "signUpConfirm",
        "signInCodeRequest",
        "signInWithCode",
        "passwordResetRequest",
        "passwordReset",
        "passwordChange",
    }
)
"""Root fields that go through Python, and see for themselves who asks."""
OWN_FIELDS = frozenset({"passwordChange"})
"""Those of them that are about the caller's own account, and refuse a stranger."""
