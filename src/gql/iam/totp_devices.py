"""TOTP devices, as the API has them: a second thing to show when signing in."""

from typing import Annotated

import strawberry

from gql.engine.declare import column, noun
from gql.engine.nouns import Question
from gql.engine.scalars import DateTime
from gql.errors import ApiError, Code
from gql.iam.credentials.second_factors import invalid
from gql.iam.resolving import Info, identifier, own_session, services_of

MY_TOTP_DEVICES = Question("myTotpDevices", (), numbered_by="line")


@noun(table="iam.my_totp_devices()", permission="iam:self", question=MY_TOTP_DEVICES, reported=False)
class TotpDevice:
    name: str = column(description="What you call it.")
    confirmed_at: DateTime | None = column(
        description="Since when it is asked for; empty until its first code has come."
    )
    created_at: DateTime = column(description="When it was entered.")


@strawberry.input(description="A device to add.")
class TotpEnrolInput:
    name: str = strawberry.field(description="What to call it, such as `my telephone`.")


@strawberry.input(description="The first code of a device.")
class TotpConfirmInput:
    device: strawberry.ID = strawberry.field(description="What totpEnrol gave.")
    code: str = strawberry.field(description="The six digits that it shows.")


@strawberry.input(description="A device to take away.")
class TotpRemoveInput:
    device: strawberry.ID = strawberry.field(description="The id of a device of yours.")
    code: str = strawberry.field(description="The six digits that a device of yours shows, or a recovery code.")


@strawberry.input(description="Who wants new recovery codes.")
class RecoveryCodesRenewInput:
    code: str = strawberry.field(description="The six digits that a device of yours shows, or a recovery code.")


@strawberry.type(description="What a device is told, once.")
class TotpEnrolPayload:
    device: strawberry.ID = strawberry.field(description="With what totpConfirm goes on.")
    secret: str = strawberry.field(description="To type into the device, in base32. It is not shown again.")
    uri: str = strawberry.field(description="The same as an address, for a QR code.")


@strawberry.type(description="Codes for the day on which the device is lost.")
class RecoveryCodesPayload:
    recovery_codes: list[str] = strawberry.field(
        description="Ten codes, each good once in place of a device's. They are not shown again."
    )


@strawberry.type(description="What became of it.")
class TotpRemovePayload:
    removed: bool = strawberry.field(description="Always true: what could not be done is an error.")


def _no_device() -> ApiError:
    sentence = "You have no device with this id. `myTotpDevices` lists them."
    return ApiError(Code.NOT_FOUND, sentence, reason="DEVICE_NOT_FOUND", field="input.device")


async def _totp_enrol(
    info: Info,
    input: Annotated[TotpEnrolInput, strawberry.argument(description="The device.")],  # noqa: A002
) -> TotpEnrolPayload:
    person, _ = own_session(info)
    made = await services_of(info).second_factors.enrol(person, input.name)
    return TotpEnrolPayload(device=strawberry.ID(str(made.id)), secret=made.seed, uri=made.uri)


async def _totp_confirm(
    info: Info,
    input: Annotated[TotpConfirmInput, strawberry.argument(description="Its first code.")],  # noqa: A002
) -> RecoveryCodesPayload:
    person, _ = own_session(info)
    codes = await services_of(info).second_factors.confirm(
        person, identifier(input.device, _no_device()), input.code, info.context.caller.origin
    )
    return RecoveryCodesPayload(recovery_codes=codes)


async def _totp_remove(
    info: Info,
    input: Annotated[TotpRemoveInput, strawberry.argument(description="Which device.")],  # noqa: A002
) -> TotpRemovePayload:
    person, _ = own_session(info)
    if not await services_of(info).second_factors.remove(
        person, identifier(input.device, _no_device()), input.code, info.context.caller.origin
    ):
        raise _no_device()
    return TotpRemovePayload(removed=True)


async def _recovery_codes_renew(
    info: Info,
    input: Annotated[RecoveryCodesRenewInput, strawberry.argument(description="A code.")],  # noqa: A002
) -> RecoveryCodesPayload:
    person, _ = own_session(info)
    if not input.code:
        raise invalid("input.code")
    codes = await services_of(info).second_factors.renew(person, input.code, info.context.caller.origin)
    return RecoveryCodesPayload(recovery_codes=codes)


@strawberry.type
class TotpMutation:
    totp_enrol: TotpEnrolPayload = strawberry.field(
        resolver=_totp_enrol, description="Add a device that shows codes. It counts once totpConfirm has seen one."
    )
    totp_confirm: RecoveryCodesPayload = strawberry.field(
        resolver=_totp_confirm,
        description="Show that the device works. From now on signing in asks for its codes as well.",
    )
    totp_remove: TotpRemovePayload = strawberry.field(
        resolver=_totp_remove, description="Take a device away. Without any, signing in asks for no second factor."
    )
    recovery_codes_renew: RecoveryCodesPayload = strawberry.field(
        resolver=_recovery_codes_renew, description="Ten new recovery codes. Those from before are good no more."
    )


DECLARED = (TotpDevice,)
OPEN_FIELDS = frozenset({"totpEnrol", "totpConfirm", "totpRemove", "recoveryCodesRenew"})
"""Root fields that go through Python, and see for themselves who asks."""
OWN_FIELDS = OPEN_FIELDS
"""All of them are about the caller's own account, and refuse a stranger."""
