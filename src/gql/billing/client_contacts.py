"""Contacts: the people at a client."""

import strawberry
from strawberry import UNSET

from gql.engine.declare import column, noun, to_one
from gql.engine.inputs import described
from gql.engine.scalars import DateTime
from gql.engine.verbs import Verb

TABLE = "billing.client_contacts"


@noun(
    table=TABLE,
    plural="clientContacts",
    scope="client_id",
    permission="billing:read",
    default_order="NAME_ASC",
)
class ClientContact:
    name: str = column(key="name_key", filtered=True, ordered=True)
    email: str | None = column()
    phone: str | None = column()
    role: str | None = column()
    is_primary: bool = column()
    created_at: DateTime = column(filtered=True, ordered=True)
    updated_at: DateTime = column()
    client = to_one("Client", "client_id")


@described(TABLE, "What can be said of a contact.")
class ClientContactDetails:
    email: str | None = UNSET
    phone: str | None = UNSET
    role: str | None = UNSET
    is_primary: bool | None = UNSET


@described(TABLE, "What a new contact needs.")
class ClientContactCreateInput(ClientContactDetails):
    client_id: strawberry.ID
    name: str


@described(TABLE, "What changes of a contact. A field that is left out stays as it is; null empties it.")
class ClientContactUpdateInput(ClientContactDetails):
    id: strawberry.ID
    name: str | None = UNSET


@described(TABLE, "Which contact.")
class ClientContactIdInput:
    id: strawberry.ID


DECLARED = (
    ClientContact,
    Verb("billing.client_contact_create", ClientContactCreateInput, "ClientContact", "billing:write"),
    Verb("billing.client_contact_update", ClientContactUpdateInput, "ClientContact", "billing:write"),
    Verb("billing.client_contact_delete", ClientContactIdInput, None, "billing:write"),
)
