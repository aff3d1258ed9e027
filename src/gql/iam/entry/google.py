"""Google: an ID token (OpenID Connect) shows whose a Google account is, and so opens the account that is linked to it.

A token is taken within ten minutes of its issue, and may come again in that time: whoever holds it is believed. Pages
that want it to be good once give Google a `nonce` of their own, and send it along.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from gql.database.pool import Database, Origin
from gql.errors import ApiError, Code
from gql.iam.addresses import is_storable
from gql.iam.credentials.noting import refusals_noted
from gql.iam.credentials.second_factors import SecondFactors
from gql.iam.credentials.throttles import Throttle
from gql.iam.entry.invitations import Invitations
from gql.iam.entry.sign_in import NOTE_REFUSAL
from gql.iam.entry.sign_up import SignUp
from gql.iam.entry.workplaces import organisations_in
from gql.iam.issuers.foreign_tokens import Claims, ForeignTokens, NotBelieved, look_at
from gql.iam.issuers.key_sets import KeySets, Source
from gql.iam.tokens.sessions import Sessions, SignedIn, told_of
from gql.settings import Settings

ACCOUNT: Final = "select user_id from iam.google_account($1, $2)"
SIGN_IN: Final = "select * from iam.sign_in_with_google($1, $2, $3, $4, $5)"
WAY: Final = "google"
METHOD: Final = "GOOGLE"
LONGEST_LIFE_SECONDS: Final = 3600
OLDEST_SECONDS: Final = 600
LONGEST_NAME: Final = 200
HOSTED_BY_GOOGLE: Final = ("@gmail.com", "@googlemail.com")


class Trust(NamedTuple):
    """Which ID tokens are taken: those that Google issues to one of these clients."""

    client_ids: tuple[str, ...]
    source: Source
    key_sets: KeySets | None

    @classmethod
    def from_settings(cls, settings: Settings, key_sets: KeySets) -> "Trust":
        """As the settings say; without client ids none is taken."""
        return cls(settings.google_client_ids, Source(settings.google_issuer, settings.google_jwks_url), key_sets)

    @property
    def issuers(self) -> tuple[str, str]:
        """Google leaves `https://` out in some tokens, and has said that it always may."""
        return self.source.issuer, self.source.issuer.removeprefix("https://")


NOBODY: Final = Trust((), Source(""), None)


class GoogleAccount(NamedTuple):
    """Whoever has shown a token. `email` only where Google vouches for it."""

    subject: str
    email: str | None
    name: str


class Google:
    """The ways in for whoever has a Google account."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        throttle: Throttle,
        second_factors: SecondFactors,
        sign_up: SignUp,
        invitations: Invitations,
        trust: Trust,
    ) -> None:
        self._invitations = invitations
        self._database = database
        self._sessions = sessions
        self._throttle = throttle
        self._second_factors = second_factors
        self._sign_up = sign_up
        self._trust = trust
        self._tokens = ForeignTokens(trust.key_sets) if trust.key_sets and trust.client_ids else None

    async def sign_in(
        self, id_token: str, nonce: str | None, slug: str | None, origin: Origin, second_factor: str | None = None
    ) -> SignedIn:
        """Sign in whoever has the Google account. The first time links it to the account with its e-mail address.

        Raises ApiError: UNAUTHENTICATED ID_TOKEN_INVALID; UNAUTHENTICATED GOOGLE_ACCOUNT_UNKNOWN, the same where there
        is no account, a closed one, and one whose address was never verified; UNAVAILABLE GOOGLE_OFF and ISSUER_AWAY;
        RATE_LIMITED; and as signing in with a password does.
        """
        self._demand_on()
        async with self._throttle.trying(WAY, id_token, origin):
            async with refusals_noted(self._database, None, origin):
                account = await self._account(id_token, nonce)
            row = await self._database.ask(ACCOUNT, account.subject, account.email)
            if row is None:
                await self._note_refusal(account, origin)
                raise _unknown()
            await self._second_factors.demand(row[0], second_factor, origin)
            async with self._database.nobody() as connection:
                found = await connection.fetchrow(SIGN_IN, account.subject, account.email, *told_of(origin))
            if found is None:
                raise _unknown()
        person: UUID = found["user_id"]
        async with refusals_noted(self._database, person, origin):
            mine = organisations_in(found["memberships"])
            organisation = await self._invitations.choose(person, mine, slug, origin)
        return await self._sessions.begin(person, organisation, origin, METHOD)

    async def sign_up(
        self, id_token: str, nonce: str | None, name: str | None, organisation: Mapping[str, Any] | None, origin: Origin
    ) -> SignedIn:
        """Make an account for whoever has the Google account, and an organisation unless one invited them; and sign in.

        Raises ApiError: UNAUTHENTICATED ID_TOKEN_INVALID; FORBIDDEN GOOGLE_EMAIL_NOT_VOUCHED; CONFLICT ACCOUNT_EXISTS,
        told to nobody but whoever has the address; BAD_USER_INPUT for what no organisation can have.
        """
        self._demand_on()
        async with refusals_noted(self._database, None, origin), self._throttle.trying(WAY, id_token, origin):
            account = await self._account(id_token, nonce)
            if account.email is None:
                raise ApiError(
                    Code.FORBIDDEN,
                    "Google does not say that this e-mail address is still yours: it is neither Gmail's nor of a "
                    "Google Workspace. Use `signUp`, which sends a code to it.",
                    reason="GOOGLE_EMAIL_NOT_VOUCHED",
                    field="input.idToken",
                )
            facts = {
                "email": account.email,
                "google_sub": account.subject,
                "name": (name or account.name or account.email).strip(),
            }
            signed_in = await self._sign_up.with_google(facts, organisation, origin, METHOD)
            if signed_in is None:
                raise ApiError(
                    Code.CONFLICT,
                    "You have an account with this address already. Sign in: with Google, or as you did before.",
                    reason="ACCOUNT_EXISTS",
                    field="input.idToken",
                )
        return signed_in

    async def _account(self, id_token: str, nonce: str | None) -> GoogleAccount:
        """Whose the token is. Raises ApiError UNAUTHENTICATED ID_TOKEN_INVALID, UNAVAILABLE ISSUER_AWAY."""
        try:
            seen = look_at(id_token)
            audience, issuer = seen.claims.get("aud"), seen.claims.get("iss")
            if audience not in self._trust.client_ids or issuer not in self._trust.issuers:
                raise NotBelieved
            claims = await self._demand_on().verify(
                seen,
                self._trust.source,
                str(audience),
                issuer=str(issuer),
                longest_life=LONGEST_LIFE_SECONDS,
                oldest=OLDEST_SECONDS,
            )
            # A nonce that one side alone knows of is somebody else's token.
            if claims.get("nonce") != nonce:
                raise NotBelieved
        except NotBelieved:
            raise ApiError(
                Code.UNAUTHENTICATED,
                "This is no ID token of Google's for this house, or it is too old: one is good for ten minutes. Sign "
                "in to Google again.",
                reason="ID_TOKEN_INVALID",
                field="input.idToken",
            ) from None
        name = claims.get("name")
        if not isinstance(name, str) or not is_storable(name[:LONGEST_NAME]):
            name = ""
        return GoogleAccount(claims["sub"], _vouched(claims), name[:LONGEST_NAME])

    async def _note_refusal(self, account: GoogleAccount, origin: Origin) -> None:
        """In the log of each organisation of the account with this address; without one in that of the house."""
        async with self._database.nobody() as connection:
            await connection.execute(NOTE_REFUSAL, account.email or "", "GOOGLE_ACCOUNT_UNKNOWN", *told_of(origin))

    def _demand_on(self) -> ForeignTokens:
        if self._tokens is None:
            raise ApiError(
                Code.UNAVAILABLE,
                "Google is not set up here. Sign in with a password or a code.",
                reason="GOOGLE_OFF",
            )
        return self._tokens


def _vouched(claims: Claims) -> str | None:
    """The e-mail address, if Google can tell whose it is now: one of its own, or of an organisation's that has its mail
    there (`hd`). Of any other it only knows whose it once was."""
    email = claims.get("email")
    verified = claims.get("email_verified")
    if not isinstance(email, str) or not (verified is True or verified == "true"):
        return None
    address = email.strip().lower()
    is_theirs_now = address.endswith(HOSTED_BY_GOOGLE) or isinstance(claims.get("hd"), str)
    return address if is_theirs_now and is_storable(address) else None


def _unknown() -> ApiError:
    return ApiError(
        Code.UNAUTHENTICATED,
        "This Google account opens no account here. Sign up with it, or sign in with a password or a code.",
        reason="GOOGLE_ACCOUNT_UNKNOWN",
    )
