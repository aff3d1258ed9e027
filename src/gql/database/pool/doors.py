"""The two ways to run a read on a connection, and the choice between them.

DIRECT executes the prepared statement as the tenant's role. READ hands its name to core.read(), which belongs to
countinghouse_reader. A plan with row security belongs to the role it was planned for, so DIRECT plans again after
each change of tenant; behind READ that role is always the reader, and the plan survives. The answer is the same: the
policies read the role setting, which neither changes.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

# How many runs of a statement in a row for one tenant before it moves to the direct door. Planning again costs about
# as much as this many trips through core.read() (60 to 160 µs against 17 to 30, measured on 18); having spent that
# much, a direct plan can cost at most twice what the best choice in hindsight would have. (The rent-or-buy argument.)
DIRECT_AFTER: Final = 5


class Door(Enum):
    """CHOOSE lets each statement's history on the connection decide; the others force one, for tests and measuring."""

    CHOOSE = "choose"
    DIRECT = "direct"
    READ = "read"


@dataclass(slots=True)
class History:
    """What one statement did on one connection: which role its direct plan was made for, and how many runs in a row
    the present role has had."""

    planned_for: str = ""
    role: str = ""
    runs: int = 0

    def switch(self, role: str) -> None:
        """Note a run as this role that came with the change to it: always through READ, which takes one trip."""
        self.role = role
        self.runs = 1

    def choose(self, role: str) -> Door:
        """The door for a run as this role, which is noted."""
        if role == self.role:
            self.runs += 1
        else:
            self.role = role
            self.runs = 1
        if self.planned_for == role or self.runs > DIRECT_AFTER:
            self.planned_for = role
            return Door.DIRECT
        return Door.READ
