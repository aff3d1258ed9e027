"""What a peer is to the benchmark."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from bench.works import Facts


@dataclass(frozen=True)
class Place:
    """The benchmark's database: its addresses, and how many ask at once."""

    admin_url: str
    api_url: str
    """As countinghouse_api, which may become every tenant."""
    connections: int


class Peer(ABC):
    """A server that can be asked over HTTP, on 127.0.0.1."""

    name: str

    def __init__(self, place: Place, facts: list[Facts]) -> None:
        self.place = place
        self.facts = facts
        self.port = 0

    @abstractmethod
    async def start(self) -> None:
        """Start the server and wait until it answers."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop it; nothing of it is left running."""

    @property
    @abstractmethod
    def process_ids(self) -> list[int]:
        """Its processes, whose CPU and memory count as the server's."""

    @abstractmethod
    async def request(self, work: str, tenant: Facts, number: int) -> bytes:
        """The bytes of the HTTP/1.1 request, headers and body, kept alive. `number` chooses among the tenant's rows
        where the work is about one of them."""

    @abstractmethod
    def normal(self, work: str, answer: Any) -> Any:
        """The answer's data in the form in which the answers of all peers are compared: plain lists and dicts in our
        own field names, amounts as strings with two decimals."""
