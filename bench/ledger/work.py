"""What is done over and over: through our server, and by the function alone that the server calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bench.works import Facts


@dataclass(frozen=True)
class Ready:
    """Things that wait for it to be done to them, once, by their places. They belong to the first so many owners in
    turn."""

    first: int
    count: int
    spread: int

    @property
    def places(self) -> range:
        return range(self.first, self.first + self.count)


class Work(Protocol):
    """A mutation that moves money or holds it, and the books of the one tenant that it is done in."""

    title: str
    document: str
    """Takes the input as `$input`."""
    function: str
    """The same in pgbench, which takes the places from the sequence bench.places; `:spread` is over how many."""
    function_name: str
    crowds: Mapping[str, int]
    """Over how many owners it is spread, by what that is called: many first, then one."""
    meaning: tuple[str, ...]
    """What one is, and what stands in the way of others, in sentences."""
    checked: str
    """What holds of the books when all is done."""
    facts: Facts

    async def ready(self, count: int, spread: int) -> Ready:
        """So many more things to do it to."""

    def input(self, ready: Ready, place: int) -> dict[str, object]:
        """The input for the thing of this place."""

    async def done(self) -> int:
        """How often it was done, as the books say."""

    async def check(self) -> None:
        """Raises WrongBooksError where anything does not add up."""
