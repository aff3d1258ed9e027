"""Where the caller is signed in."""

from gql.engine.declare import column, noun
from gql.engine.nouns import Question
from gql.engine.scalars import DateTime

MY_SESSIONS = Question("mySessions", (), numbered_by="line")


@noun(table="iam.my_sessions()", permission="iam:self", question=MY_SESSIONS, reported=False)
class Session:
    ip_address: str | None = column(description="The address that it was last used from.")
    user_agent: str | None = column(description="The program that it was last used with, as it calls itself.")
    signed_in_at: DateTime = column(description="When it began.")
    last_used_at: DateTime = column(description="When it last got an access token.")
    expires_at: DateTime = column(description="When it ends, unless it is used before.")


DECLARED = (Session,)
