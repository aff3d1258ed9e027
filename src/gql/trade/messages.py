"""Messages: what people write to the organisation at a messenger, and what came of it."""

from enum import Enum

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, computed, noun, to_one
from gql.engine.inputs import described
from gql.engine.scalars import JSON, DateTime
from gql.engine.verbs import Verb
from gql.trade.packs import BODY
from gql.trade.scopes import OF_NOBODY

TABLE = "trade.messages"


@strawberry.enum(description="Which way a message went.")
class MessageDirection(Enum):
    INBOUND = "INBOUND"
    OUTBOUND = "OUTBOUND"


@strawberry.enum(description="What came of a message.")
class MessageOutcome(Enum):
    ORDER = "ORDER"
    NOT_UNDERSTOOD = "NOT_UNDERSTOOD"
    NO_REQUEST = "NO_REQUEST"
    BY_HAND = "BY_HAND"


@noun(
    table=TABLE,
    plural="messages",
    scope=OF_NOBODY,
    permission="trade:read",
    default_order="CREATED_AT_DESC",
)
class Message:
    message_id: str = column(filtered=True)
    conversation_id: str = column(filtered=True)
    from_number: str = column(filtered=True)
    to_number: str = column()
    direction: MessageDirection = column(filtered=True, grouped=True)
    body: str | None = computed(BODY, description="What it says: at most 4096 characters.")
    media: JSON = column()
    sent_at: DateTime = column()
    is_processed: bool = column(filtered=True)
    processed_at: DateTime | None = column()
    outcome: MessageOutcome | None = column(filtered=True, grouped=True)
    outcome_text: str | None = column()
    retailer_id: strawberry.ID | None = column(filtered=True)
    order_id: strawberry.ID | None = column()
    created_at: DateTime = column(filtered=True, ordered=True)
    retailer = to_one("Retailer", "retailer_id", nullable=True)
    order = to_one("Order", "order_id", nullable=True)


@described(TABLE, "A message, as a messenger or another program has it.")
class MessageIngestInput:
    message_id: str
    from_number: str
    to_number: str
    direction: MessageDirection
    conversation_id: str | None = UNSET
    body: str | None = UNSET
    media: JSON | None = UNSET
    sent_at: DateTime | None = UNSET


@described(TABLE, "The message that a person has seen to.")
class MessageProcessInput:
    id: strawberry.ID
    note: str | None = strawberry.field(default=UNSET, description="What came of it, in at most 2000 characters.")


DECLARED = (
    Message,
    Verb("trade.message_ingest", MessageIngestInput, "Message", "trade:write"),
    Verb("trade.message_process", MessageProcessInput, "Message", "trade:write"),
)
