"""Attack 47: what opens one door opens no other. Everything secret, at every place that takes something secret."""

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import pytest

from gql.engine.engine import Caller, Engine
from gql.errors import ApiError, RequestRefused
from gql.iam.services import Services
from gql.schema import OPEN_FIELDS, build_schema, declarations
from tests.engine.doors import permitted
from tests.harness.actors import as_superuser, context_of
from tests.harness.inbox import Inbox
from tests.harness.tenants import PASSWORD, Tenant, make_tenant
from tests.iam.entry.test_codes import somewhere
from tests.iam.entry.test_sign_up import begun as sign_up_begun
from tests.iam.entry.test_sign_up import new_address
from tests.iam.test_totp_devices import Clock
from tests.iam.tokens.test_sessions import begun

KINDS: Final = (
    *("access token", "refresh token", "session", "password", "sign-in code", "reset code", "sign-up code"),
    *("totp seed", "totp code", "recovery code", "sign-in request", "reset request", "sign-up"),
)
# Each place, what belongs there, and the mutation that takes it; `{}` is the secret.
PLACES: Final[dict[str, tuple[str, str]]] = {
    "refresh": ("refresh token", 'sessionRefresh(input: {{ refreshToken: "{}" }}) {{ expiresAt }}'),
    "password": (
        "password",
        'signIn(input: {{ email: "{email}", password: "{}", secondFactor: "{totp}" }}) {{ expiresAt }}',
    ),
    "second factor": (
        "totp code recovery code",
        'signIn(input: {{ email: "{email}", password: "{password}", secondFactor: "{}" }}) {{ expiresAt }}',
    ),
    "sign-in code": ("sign-in code", 'signInWithCode(input: {{ request: "{sign_in}", code: "{}" }}) {{ expiresAt }}'),
    "reset code": (
        "reset code",
        'passwordReset(input: {{ request: "{reset}", code: "{}", password: "{new}" }}) {{ done }}',
    ),
    "sign-up code": ("sign-up code", 'signUpConfirm(input: {{ signUp: "{sign_up}", code: "{}" }}) {{ expiresAt }}'),
    "current password": (
        "password",
        'passwordChange(input: {{ currentPassword: "{}", password: "{new}" }}) {{ done }}',
    ),
    "recovery codes": ("totp code recovery code", 'recoveryCodesRenew(input: {{ code: "{}" }}) {{ recoveryCodes }}'),
    "sign-in request": (
        "sign-in request",
        'signInWithCode(input: {{ request: "{}", code: "{digits}" }}) {{ expiresAt }}',
    ),
    "sign-up": ("sign-up", 'signUpConfirm(input: {{ signUp: "{}", code: "{sign_up_digits}" }}) {{ expiresAt }}'),
}


@dataclass
class Held:
    """Somebody who holds one of everything."""

    tenant: Tenant
    secrets: dict[str, str]
    session_id: UUID


@pytest.fixture
async def held(services: Services, inbox: Inbox) -> Held:
    tenant, clock = await make_tenant("Fen Orchards"), Clock()
    owner, email = tenant.owner_id, tenant.owner_email
    services.second_factors.clock = clock
    device = await services.second_factors.enrol(owner, "telephone")
    recovery = await services.second_factors.confirm(owner, device.id, clock.shown(device.seed), somewhere())
    clock.now += 300
    sign_in = await services.codes.request("SIGN_IN", email, somewhere())
    sign_in_code = await inbox.code_to(email)
    reset = await services.codes.request("PASSWORD_RESET", email, somewhere())
    reset_code = await inbox.code_to(email)
    address = new_address()
    sign_up = await sign_up_begun(services, email=address)
    signed_in = await begun(services, tenant)
    values = (
        *(
            signed_in.access.text,
            signed_in.refresh or "",
            str(signed_in.session_id),
            PASSWORD,
            sign_in_code,
            reset_code,
        ),
        *(await inbox.code_to(address), device.seed, clock.shown(device.seed), recovery[0]),
        *(str(sign_in.id), str(reset.id), str(sign_up.id)),
    )
    return Held(tenant, dict(zip(KINDS, values, strict=True)), signed_in.session_id)


def filled_in(place: str, secret: str, held: Held) -> str:
    have = held.secrets
    return (
        "mutation { "
        + PLACES[place][1].format(
            secret,
            email=held.tenant.owner_email,
            password=PASSWORD,
            new="a rather long new password",
            totp=have["totp code"],
            sign_in=have["sign-in request"],
            reset=have["reset request"],
            sign_up=have["sign-up"],
            digits=have["sign-in code"],
            sign_up_digits=have["sign-up code"],
        )
        + " }"
    )


async def reasons(services: Services, caller: Caller, document: str) -> set[Any]:
    engine = Engine(build_schema(), declarations(), services.database, OPEN_FIELDS, services)
    async with as_superuser() as connection:
        await connection.execute("delete from iam.throttles")
        await connection.execute("update iam.codes set failures = 0")
    try:
        answer = json.loads(await engine.run(await engine.prepare(document, introspection=False), caller))
    except RequestRefused as refused:
        return {error.reason for error in refused.errors}
    return {error["extensions"].get("reason") for error in answer.get("errors", ())}


REFUSED: Final = {
    *("SESSION_ENDED", "CREDENTIALS_INVALID", "SECOND_FACTOR_INVALID", "CODE_INVALID", "SECOND_FACTOR_REQUIRED"),
}


@pytest.mark.parametrize("place", PLACES)
async def test_what_belongs_elsewhere_is_refused_here(services: Services, held: Held, place: str) -> None:
    """Attack 47: the whole matrix, but for what belongs there; which is then taken: the place was the right one."""
    right = PLACES[place][0]
    caller = Caller(await permitted(context_of(held.tenant)), somewhere(), held.session_id)
    for kind in KINDS:
        if kind not in right:
            told = await reasons(services, caller, filled_in(place, held.secrets[kind], held))
            assert told, (place, kind)
            assert told <= REFUSED, (place, kind, told)
    belonging = next(kind for kind in KINDS if kind in right and kind != "code")
    told = await reasons(services, caller, filled_in(place, held.secrets[belonging], held))
    # Codes to sign in with want the second factor as well: that they are asked for it says that the code was right.
    assert told <= {"SECOND_FACTOR_REQUIRED"}


async def test_nothing_but_an_access_token_is_an_access_token(services: Services, held: Held) -> None:
    """Attack 47, for the header: and a cookie is looked at for a refresh token alone."""
    for kind, secret in held.secrets.items():
        if kind == "access token":
            assert services.tokens.verify(secret).session_id == held.session_id
            continue
        with pytest.raises(ApiError) as problem:
            services.tokens.verify(secret)
        assert problem.value.reason == "TOKEN_INVALID"
    refresh = "mutation { sessionRefresh(input: {}) { expiresAt } }"
    for kind, secret in held.secrets.items():
        told = await reasons(services, Caller(None, somewhere(), None, secret), refresh)
        assert told == (set() if kind == "refresh token" else {"SESSION_ENDED"}), kind
