"""What the resolvers written in Python need: they find it as `info.context.services`."""

from dataclasses import dataclass

from gql.database.pool import Database
from gql.iam.analyst_logins import AnalystLogins
from gql.iam.app_secrets import AppSecrets
from gql.iam.codes import Codes
from gql.iam.google import NOBODY, Google, Trust
from gql.iam.invitations import Invitations
from gql.iam.own_account import OwnAccount
from gql.iam.passwords import Passwords
from gql.iam.proofs import Proofs
from gql.iam.second_factors import SecondFactors
from gql.iam.secrets import Secrets
from gql.iam.sessions import Sessions
from gql.iam.sign_in import SignIn
from gql.iam.sign_up import SignUp
from gql.iam.throttles import Throttle
from gql.iam.tokens import Tokens
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
        )
