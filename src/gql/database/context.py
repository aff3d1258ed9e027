"""Who a statement runs for: the tenant, the person, their role and scope."""

import hashlib
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

OF_ONE: Final = " of one"
"""What follows the role of somebody whose scope is a single id."""


def role_of(tenant_id: UUID) -> str:
    """The PostgreSQL role of a tenant."""
    return f"tenant_{tenant_id.hex}"


@dataclass(frozen=True, slots=True)
class Context:
    """What the server puts on a connection before a tenant's statement runs. It comes from the database (the
    membership), never from the client.

    `permissions` are what the role may do (`billing:read`), `is_scoped` whether it sees only the rows of its scope: the
    database says both, the engine only asks.

    `user_id` is None for the worker, which is nobody; for an app it is the app's id, and `role` says its scopes.

    `fingerprint` stands for all of it: a statement carries the one it was made for and the connection the one it
    stands in, and a row is answered only where the two agree.
    """

    tenant_id: UUID
    user_id: UUID | None
    role: str
    scope_ids: tuple[UUID, ...] = ()
    time_zone: str = "UTC"
    fiscal_year_start: int = 1
    permissions: frozenset[str] = frozenset()
    is_scoped: bool = True
    # Written once here and read with every statement: a context outlives many requests.
    tenant_text: str = field(init=False, repr=False, compare=False)
    """The tenant's id as text."""
    database_role: str = field(init=False, repr=False, compare=False)
    """The PostgreSQL role of the tenant."""
    scope_literal: str = field(init=False, repr=False, compare=False)
    """The scope ids as a PostgreSQL array literal."""
    scope_id: str = field(init=False, repr=False, compare=False)
    """The scope id as text where there is one alone, else nothing."""
    scoped_as: str | None = field(init=False, repr=False, compare=False)
    """The role whose scope narrows what is seen, with OF_ONE behind it where that is a single id; None for whoever sees
    all. Statements are planned by it: one id is compared alone, which an index in its order can serve."""
    fingerprint: str = field(init=False)

    @property
    def is_app(self) -> bool:
        """Whether it is an app's, whose role says its scopes."""
        return self.role.startswith("app:")

    def __post_init__(self) -> None:
        scope_literal = "{" + ",".join(str(scope_id) for scope_id in self.scope_ids) + "}"
        facts = "\x1f".join(
            (
                self.tenant_id.hex,
                self.user_id.hex if self.user_id else "",
                self.role,
                scope_literal,
                self.time_zone,
                str(self.fiscal_year_start),
            )
        )
        derived: dict[str, str | None] = {
            "tenant_text": str(self.tenant_id),
            "database_role": role_of(self.tenant_id),
            "scope_literal": scope_literal,
            "scope_id": str(self.scope_ids[0]) if len(self.scope_ids) == 1 else "",
            "scoped_as": self.role + OF_ONE * (len(self.scope_ids) == 1) if self.is_scoped else None,
            "fingerprint": hashlib.sha256(facts.encode()).hexdigest()[:32],
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)
