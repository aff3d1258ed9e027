"""What the resolvers written in Python need: they find it as `info.context.services`."""

from dataclasses import dataclass

from gql.database.pool import Database
from gql.iam.credentials.analyst_logins import AnalystLogins
from gql.iam.credentials.app_secrets import AppSecrets
from gql.iam.credentials.channel_secrets import ChannelSecrets
from gql.iam.credentials.passwords import Passwords
from gql.iam.credentials.second_factors import SecondFactors
from gql.iam.credentials.throttles import Throttle
from gql.iam.entry.codes import Codes
from gql.iam.entry.google import NOBODY, Google, Trust
from gql.iam.entry.invitations import Invitations
from gql.iam.entry.own_account import OwnAccount
from gql.iam.entry.proofs import Proofs
from gql.iam.entry.sign_in import SignIn
from gql.iam.entry.sign_up import SignUp
from gql.iam.keys.secrets import Secrets
from gql.iam.tokens.access import Tokens
from gql.iam.tokens.sessions import Sessions
from gql.messages.post import Post


@dataclass(frozen=True, slots=True)
class Services:
    """The ways to come in, and to go."""

    database: Database
    tokens: Tokens
    passwords: Passwords
    sessions: Sessions
    sign_in: SignIn
    codes: Codes
    sign_up: SignUp
    second_factors: SecondFactors
    invitations: Invitations
    proofs: Proofs
    own_account: OwnAccount
    app_secrets: AppSecrets
    google: Google
    analyst_logins: AnalystLogins
    channel_secrets: ChannelSecrets

    @classmethod
    def of(
        cls,
        database: Database,
        tokens: Tokens,
        passwords: Passwords,
        secrets: Secrets,
        post: Post,
        analyst_address: str,
        google: Trust = NOBODY,
    ) -> "Services":
        """All of them, on this database. `analyst_address` is where analysts connect to it."""
        sessions, throttle = Sessions(database, tokens, secrets), Throttle(database)
        second_factors = SecondFactors(database, throttle, secrets)
        invitations = Invitations(database)
        codes = Codes(database, sessions, passwords, throttle, secrets, post, second_factors, invitations)
        proofs = Proofs(database, passwords, throttle, codes, second_factors, post)
        sign_up = SignUp(database, sessions, passwords, throttle, codes, post, invitations)
        return cls(
            database,
            tokens,
            passwords,
            sessions,
            SignIn(database, passwords, sessions, throttle, second_factors, invitations),
            codes,
            sign_up,
            second_factors,
            invitations,
            proofs,
            OwnAccount(database, throttle, codes, proofs, post),
            AppSecrets(database, throttle, secrets, tokens),
            Google(database, sessions, throttle, second_factors, sign_up, invitations, google),
            AnalystLogins(database, analyst_address),
            ChannelSecrets(database, secrets),
        )
