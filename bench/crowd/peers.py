"""The servers that the crowd comes to: how each knows a person, and how it is asked each question."""

import json
from collections.abc import Mapping
from typing import Protocol

from bench.crowd.people import Person
from bench.crowd.questions import Question
from bench.peers.ours import Ours
from bench.peers.postgraphile import PostGraphile, persisted

Variables = Mapping[str, str]


class Doors(Protocol):
    """A peer, as the crowd meets it."""

    name: str

    @property
    def port(self) -> int:
        """On 127.0.0.1."""

    @property
    def process_ids(self) -> list[int]:
        """Its processes."""

    def head(self, person: Person) -> bytes:
        """The head of this person's requests, short of the length."""

    def body(self, person: Person, question: Question, variables: Variables) -> bytes:
        """The body of a request."""


class OurDoors:
    """Our server: a bearer token of the person's session, and a document."""

    def __init__(self, ours: Ours) -> None:
        self.name = ours.name
        self._ours = ours

    @property
    def port(self) -> int:
        return self._ours.port

    @property
    def process_ids(self) -> list[int]:
        return self._ours.process_ids

    def head(self, person: Person) -> bytes:
        return self._ours.head(self._ours.token_of(person.user_id, person.tenant_id, person.session_id))

    def body(self, person: Person, question: Question, variables: Variables) -> bytes:
        return json.dumps({"query": " ".join(question.document.split()), "variables": variables}).encode()


class PostGraphileDoors:
    """PostGraphile: a token that says all that the database is to be told, and the name of a persisted operation."""

    def __init__(self, peer: PostGraphile) -> None:
        self.name = peer.name
        self._peer = peer

    @property
    def port(self) -> int:
        return self._peer.port

    @property
    def process_ids(self) -> list[int]:
        return self._peer.process_ids

    def head(self, person: Person) -> bytes:
        scope = f"{{{person.scope_id}}}"
        return self._peer.head(
            self._peer.token_of(person.user_id, person.tenant_id, person.database_role, person.role, scope)
        )

    def body(self, person: Person, question: Question, variables: Variables) -> bytes:
        tenant = {"tenant": person.tenant_id} if question.operation == "crowd_order" else {}
        return persisted(question.operation, {**tenant, **variables})
