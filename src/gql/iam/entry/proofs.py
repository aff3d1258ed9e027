"""Showing again who one is, before something that would let somebody else take the account over."""

from typing import Final, NamedTuple
from uuid import UUID

from gql.database.pool import Database, Origin
from gql.errors import ApiError, Code
from gql.iam.credentials.noting import refusals_noted
from gql.iam.credentials.passwords import Passwords
from gql.iam.credentials.second_factors import SecondFactors
from gql.iam.credentials.throttles import Attempt, Throttle
from gql.iam.entry.codes import OLD_HASH, Codes, Requested, code_invalid, code_message
from gql.messages.post import Post

SEND: Final = "select * from iam.account_code_send($1, $2, $3)"
SHOWS: Final = "select iam.account_code($1, $2, $3, $4)"
WAY: Final = "proof"


class Proof(NamedTuple):
    """What somebody shows: the password, or a code that was sent to the account's address with the id of its request;
    and the second factor, where the account has one."""

    password: str | None = None
    request: UUID | None = None
    code: str | None = None
    second_factor: str | None = None


class Proofs:
    """Asks people who are signed in to show again who they are: an open screen is not enough."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        throttle: Throttle,
        codes: Codes,
        second_factors: SecondFactors,
        post: Post,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._throttle = throttle
        self._codes = codes
        self._second_factors = second_factors
        self._post = post

    async def send(self, person: UUID, origin: Origin, *, to_phone: bool = False) -> Requested:
        """Send a code to the account's own e-mail address or telephone; where it has one of them only, to that.

        Raises ApiError: RATE_LIMITED TOO_MANY_FAILURES; UNAVAILABLE MESSAGES_OFF and MESSAGES_BUSY.
        """
        self._post.demand()
        await self._throttle.demand(Attempt("send", str(person), origin))
        digits, kept = self._codes.new()
        async with self._database.nobody() as connection:
            row = await connection.fetchrow(SEND, person, to_phone, kept)
        if row is None:
            raise ApiError(Code.UNAUTHENTICATED, "This account is closed.", reason="MEMBERSHIP_GONE")
        self._post.send(code_message(row["address"], digits, "ACCOUNT"))
        return Requested(row["id"], row["expires_at"])

    async def demand(self, person: UUID, proof: Proof, origin: Origin) -> None:
        """See that it is them. A code is used up by it.

        Raises ApiError: BAD_USER_INPUT PROOF_REQUIRED; UNAUTHENTICATED CREDENTIALS_INVALID, CODE_INVALID and as
        `SecondFactors.demand`; RATE_LIMITED TOO_MANY_FAILURES.
        """
        if proof.password is None and (proof.request is None or proof.code is None):
            raise ApiError(
                Code.BAD_USER_INPUT,
                "Show that it is you: give the password, or the code that `accountCodeRequest` sends to your address.",
                reason="PROOF_REQUIRED",
                field="input.password",
            )
        async with (
            refusals_noted(self._database, person, origin),
            self._throttle.trying(WAY, str(person), origin),
        ):
            if proof.password is not None:
                await self._demand_password(person, proof.password)
            else:
                await self._demand_code(person, proof, uses_up=False)
        await self._second_factors.demand(person, proof.second_factor, origin)
        if proof.password is None:
            await self._demand_code(person, proof, uses_up=True)

    async def _demand_password(self, person: UUID, password: str) -> None:
        async with self._database.nobody() as connection:
            kept = await connection.fetchval(OLD_HASH, person)
        if not await self._passwords.verify(kept, password):
            sentence = "This is not your password. Check it, or ask for a code with `accountCodeRequest`."
            raise ApiError(Code.UNAUTHENTICATED, sentence, reason="CREDENTIALS_INVALID", field="input.password")

    async def _demand_code(self, person: UUID, proof: Proof, *, uses_up: bool) -> None:
        hashes = self._codes.hashes(proof.code or "")
        async with self._database.nobody() as connection:
            if not await connection.fetchval(SHOWS, person, proof.request, hashes, uses_up):
                raise code_invalid()
