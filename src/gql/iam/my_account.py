"""One's own account, as the API has it: its name, its addresses, its end."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, noun
from gql.engine.inputs import described
from gql.engine.nouns import Single
from gql.engine.scalars import JSON, DateTime
from gql.engine.verbs import Verb
from gql.iam.accounts import CodeRequestPayload, DonePayload
from gql.iam.entry.codes import code_invalid
from gql.iam.entry.proofs import Proof
from gql.iam.resolving import Info, given, identifier, moment, own_session, services_of

TABLE = "iam.users"


@noun(
    table="iam.my_account()",
    described_by=TABLE,
    single=Single("account", "true"),
    permission="iam:self",
    reported=False,
)
class Account:
    name: str = column()
    email: str | None = column()
    email_verified_at: DateTime | None = column()
    phone: str | None = column()
    phone_verified_at: DateTime | None = column()
    image: str | None = column()
    settings: JSON = column()
    has_password: bool = column(description="Whether it has a password; without one, codes open it.")
    created_at: DateTime = column()


@described(TABLE, "What changes of your account. A field that is left out stays as it is.")
class AccountUpdateInput:
    name: str | None = UNSET
    image: str | None = UNSET
    settings: JSON | None = UNSET


@strawberry.input(description="Where to send a code.")
class AccountCodeRequestInput:
    to_phone: bool = strawberry.field(
        default=False, description="To your telephone, where the account has an e-mail address as well."
    )


@strawberry.input(description="Who shows again who they are.")
class ProofInput:
    password: str | None = strawberry.field(default=UNSET, description="The password of the account; or else a code.")
    request: strawberry.ID | None = strawberry.field(default=UNSET, description="What accountCodeRequest gave.")
    code: str | None = strawberry.field(default=UNSET, description="The six digits that were sent to your address.")
    second_factor: str | None = strawberry.field(
        default=UNSET,
        description="Where the account has one: the six digits that the TOTP device shows, or a recovery code.",
    )

    def proof(self) -> Proof:
        """What is shown. Raises ApiError CODE_INVALID for a request that is no id."""
        request = given(self.request)
        return Proof(
            given(self.password),
            None if request is None else identifier(request, code_invalid()),
            given(self.code),
            given(self.second_factor),
        )


@strawberry.input(description="A new address, and who you are.")
class AccountAddressChangeInput(ProofInput):
    address: str = strawberry.field(
        description="The e-mail address or telephone number that is to take the place of the one of its kind."
    )


@strawberry.input(description="The code that was sent to the new address.")
class AccountAddressConfirmInput:
    request: strawberry.ID = strawberry.field(description="What accountAddressChange gave.")
    code: str = strawberry.field(description="The six digits that were sent.")


@strawberry.input(description="Who closes their account.")
class AccountCloseInput(ProofInput):
    pass


async def _account_code_request(
    info: Info,
    input: Annotated[AccountCodeRequestInput, strawberry.argument(description="Where to send it.")],  # noqa: A002
) -> CodeRequestPayload:
    person, _ = own_session(info)
    sent = await services_of(info).proofs.send(person, info.context.caller.origin, to_phone=input.to_phone)
    return CodeRequestPayload(request=strawberry.ID(str(sent.id)), expires_at=moment(sent.expires_at))


async def _account_address_change(
    info: Info,
    input: Annotated[AccountAddressChangeInput, strawberry.argument(description="The new address.")],  # noqa: A002
) -> CodeRequestPayload:
    person, _ = own_session(info)
    sent = await services_of(info).own_account.change_address(
        person, input.address, input.proof(), info.context.caller.origin
    )
    return CodeRequestPayload(request=strawberry.ID(str(sent.id)), expires_at=moment(sent.expires_at))


async def _account_address_confirm(
    info: Info,
    input: Annotated[AccountAddressConfirmInput, strawberry.argument(description="The code.")],  # noqa: A002
) -> DonePayload:
    person, session = own_session(info)
    await services_of(info).own_account.confirm_address(
        person, session, identifier(input.request, code_invalid()), input.code, info.context.caller.origin
    )
    return DonePayload(done=True)


async def _account_close(
    info: Info,
    input: Annotated[AccountCloseInput, strawberry.argument(description="Who you are.")],  # noqa: A002
) -> DonePayload:
    person, _ = own_session(info)
    await services_of(info).own_account.close(person, input.proof(), info.context.caller.origin)
    if info.context.caller.cookie:
        info.context.told.cookie = ""
    return DonePayload(done=True)


@strawberry.type
class MyAccountMutation:
    account_code_request: CodeRequestPayload = strawberry.field(
        resolver=_account_code_request,
        description="Send a code to your own address, to show in place of a password that it is you.",
    )
    account_address_change: CodeRequestPayload = strawberry.field(
        resolver=_account_address_change,
        description="Ask for another e-mail address or telephone number. A code is sent to it; the answer does not "
        "tell whether it has an account already, but a message to it does.",
    )
    account_address_confirm: DonePayload = strawberry.field(
        resolver=_account_address_confirm,
        description="Give the code back: the account has the new address, the old one is told, and you are signed out "
        "everywhere else.",
    )
    account_close: DonePayload = strawberry.field(
        resolver=_account_close,
        description="Close your account. You leave all organisations and are signed out everywhere; your addresses are "
        "free from then on, and in a month your name is forgotten. It cannot be opened again. The last owner of an "
        "organisation finds another first.",
    )


DECLARED = (Account, Verb("iam.account_update", AccountUpdateInput, "Account", "iam:self"))
OPEN_FIELDS = frozenset({"accountCodeRequest", "accountAddressChange", "accountAddressConfirm", "accountClose"})
"""Root fields that go through Python, and see for themselves who asks."""
OWN_FIELDS = OPEN_FIELDS
"""All of them are about the caller themselves, and refuse a stranger."""
