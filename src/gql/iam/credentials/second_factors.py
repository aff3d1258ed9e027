"""Second factors: TOTP devices (RFC 6238) and the recovery codes for the day on which one is lost."""

import hmac
import secrets
import time
from collections.abc import Callable
from typing import Final, NamedTuple
from uuid import UUID

import pyotp

from gql.database.pool import Database, Origin
from gql.errors import ApiError, Code
from gql.iam.credentials.noting import refusals_noted
from gql.iam.credentials.throttles import Throttle
from gql.iam.keys.secrets import Secrets
from gql.iam.tokens.sessions import told_of

BEGIN: Final = "select id, account from iam.totp_begin($1, $2, $3)"
DEVICES: Final = "select id, encrypted_seed, is_confirmed from iam.totp_devices_of($1)"
ACCEPT: Final = "select iam.totp_accept($1, $2, $3, $4, $5, $6, $7)"
RESEAL: Final = "select iam.totp_reseal($1, $2, $3, $4)"
REMOVE: Final = "select iam.totp_remove($1, $2, $3, $4, $5)"
PUT: Final = "select iam.recovery_codes_put($1, $2, $3, $4, $5)"
TAKE: Final = "select iam.recovery_code_take($1, $2, $3, $4, $5)"
WANTED: Final = "select iam.has_second_factor($1) as wanted"

WAY: Final = "second factor"
SEED_PURPOSE: Final = "totp seed"
RECOVERY_PURPOSE: Final = "recovery code"
STEP_SECONDS: Final = 30
STEPS_ASIDE: Final = 1
"""How far the clocks of device and house may be apart."""
RECOVERY_CODES: Final = 10
ALPHABET: Final = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Without what looks alike on paper."""
RECOVERY_LENGTH: Final = 12


class Enrolled(NamedTuple):
    """A device that counts once its first code has come: what it is told, as text and as an address for a QR code."""

    id: UUID
    seed: str
    uri: str


class SecondFactors:
    """Gives people devices, and asks for their codes. `clock` tells seconds since 1970."""

    def __init__(
        self, database: Database, throttle: Throttle, secrets: Secrets, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._throttle = throttle
        self._secrets = secrets
        self.clock = clock

    async def demand(self, person: UUID, given: str | None, origin: Origin) -> None:
        """See that who has a second factor shows it.

        Raises ApiError UNAUTHENTICATED: SECOND_FACTOR_REQUIRED where none is given, SECOND_FACTOR_INVALID where it is
        wrong, old or used; RATE_LIMITED TOO_MANY_FAILURES.
        """
        row = await self._database.ask(WANTED, person)
        if row is None or not row[0]:
            return
        async with refusals_noted(self._database, person, origin):
            if not given:
                raise ApiError(
                    Code.UNAUTHENTICATED,
                    "This account has a second factor. Send the digits that its device shows, too.",
                    reason="SECOND_FACTOR_REQUIRED",
                    field="input.secondFactor",
                )
            async with self._throttle.trying(WAY, str(person), origin):
                shows = await self._device_shows(person, given, origin)
                if not (shows or await self._is_recovery_code(person, given, origin)):
                    raise invalid("input.secondFactor")

    async def enrol(self, person: UUID, name: str) -> Enrolled:
        """A new device of this name. One that was never confirmed goes."""
        seed = pyotp.random_base32()
        async with self._database.nobody() as connection:
            row = await connection.fetchrow(BEGIN, person, name.strip(), self._secrets.encrypt(SEED_PURPOSE, seed))
        assert row is not None
        device = pyotp.TOTP(seed, interval=STEP_SECONDS)
        return Enrolled(row["id"], seed, device.provisioning_uri(name=row["account"], issuer_name="Countinghouse"))

    async def confirm(self, person: UUID, device: UUID, digits: str, origin: Origin) -> list[str]:
        """The device shows that it works, and is asked for from now on. With it come new recovery codes.

        Raises ApiError UNAUTHENTICATED SECOND_FACTOR_INVALID; RATE_LIMITED TOO_MANY_FAILURES.
        """
        async with (
            refusals_noted(self._database, person, origin),
            self._throttle.trying(WAY, str(person), origin),
        ):
            if not await self._device_shows(person, digits, origin, unconfirmed=device):
                raise invalid("input.code")
        return await self._renew(person, origin)

    async def remove(self, person: UUID, device: UUID, given: str, origin: Origin) -> bool:
        """Take a device away, for whoever shows a code of it or another, or a recovery code. Whether it was there."""
        await self.demand(person, given, origin)
        async with self._database.nobody() as connection:
            return bool(await connection.fetchval(REMOVE, person, device, *told_of(origin)))

    async def renew(self, person: UUID, given: str, origin: Origin) -> list[str]:
        """New recovery codes in place of the old, for whoever shows a code."""
        await self.demand(person, given, origin)
        return await self._renew(person, origin)

    async def _renew(self, person: UUID, origin: Origin) -> list[str]:
        codes = ["".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]
        async with self._database.nobody() as connection:
            hashes = [self._hashes(person, code)[0] for code in codes]
            await connection.execute(PUT, person, hashes, *told_of(origin))
        return codes

    async def _device_shows(
        self, person: UUID, digits: str, origin: Origin, *, unconfirmed: UUID | None = None
    ) -> bool:
        """Whether a device of theirs shows these digits now, for the first time."""
        digits = digits.strip().replace(" ", "")
        now = int(self.clock() // STEP_SECONDS)
        async with self._database.nobody() as connection:
            for device, sealed, is_confirmed in await connection.fetch(DEVICES, person):
                if is_confirmed == (unconfirmed is not None) or unconfirmed not in (None, device):
                    continue
                seed = self._secrets.decrypt(SEED_PURPOSE, sealed)
                for step in range(now - STEPS_ASIDE, now + STEPS_ASIDE + 1):
                    expected = pyotp.TOTP(seed, interval=STEP_SECONDS).generate_otp(step)
                    if not hmac.compare_digest(expected.encode(), digits.encode("utf-8", "surrogatepass")):
                        continue
                    accepting = (person, device, step, not is_confirmed, *told_of(origin))
                    if not await connection.fetchval(ACCEPT, *accepting):
                        return False
                    if not self._secrets.is_of_the_newest(SEED_PURPOSE, sealed):
                        renewed = self._secrets.encrypt(SEED_PURPOSE, seed)
                        await connection.execute(RESEAL, person, device, sealed, renewed)
                    return True
        return False

    async def _is_recovery_code(self, person: UUID, given: str, origin: Origin) -> bool:
        async with self._database.nobody() as connection:
            return bool(await connection.fetchval(TAKE, person, self._hashes(person, given), *told_of(origin)))

    def _hashes(self, person: UUID, code: str) -> list[bytes]:
        plain = "".join(each for each in code.upper() if each in ALPHABET)
        return self._secrets.digests(RECOVERY_PURPOSE, f"{person} {plain}")


def invalid(field: str) -> ApiError:
    return ApiError(
        Code.UNAUTHENTICATED,
        "This code is wrong, late, or was used before: each is good once. Wait for the next one.",
        reason="SECOND_FACTOR_INVALID",
        field=field,
    )
