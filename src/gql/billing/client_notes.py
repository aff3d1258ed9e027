"""Notes: what the organisation's own people remember about a client."""

from enum import Enum

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, noun, to_one
from gql.engine.inputs import described
from gql.engine.scalars import DateTime
from gql.engine.verbs import Verb

TABLE = "billing.client_notes"


@strawberry.enum(description="What a note is about.")
class ClientNoteType(Enum):
    GENERAL = "GENERAL"
    FOLLOW_UP = "FOLLOW_UP"
    ISSUE = "ISSUE"
    COMPLIMENT = "COMPLIMENT"


@noun(table=TABLE, plural="clientNotes", permission="billing:internal", default_order="CREATED_AT_DESC")
class ClientNote:
    content: str = column()
    type: ClientNoteType = column()
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    client = to_one("Client", "client_id")


@described(TABLE, "What a new note needs.")
class ClientNoteCreateInput:
    client_id: strawberry.ID
    content: str
    type: ClientNoteType | None = UNSET


@described(TABLE, "What changes of a note. A field that is left out stays as it is.")
class ClientNoteUpdateInput:
    id: strawberry.ID
    content: str | None = UNSET
    type: ClientNoteType | None = UNSET


@described(TABLE, "Which note.")
class ClientNoteIdInput:
    id: strawberry.ID


DECLARED = (
    ClientNote,
    Verb("billing.client_note_create", ClientNoteCreateInput, "ClientNote", "billing:write"),
    Verb("billing.client_note_update", ClientNoteUpdateInput, "ClientNote", "billing:write"),
    Verb("billing.client_note_delete", ClientNoteIdInput, None, "billing:write"),
)
