"""Who a statement runs for: the tenant, the person, their role and scope."""

import hashlib
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Context:
    """What the server puts on a connection before a tenant's statement runs. It comes from the database (the
    membership), never from the client.

    `permissions` are what the role may do (`billing:read`), `is_scoped` whether it sees only the rows of its scope: the
    database says both, the engine only asks.

    `fingerprint` stands for all of it: a statement carries the one it was made for and the connection the one it
    stands in, and a row is answered only where the two agree.
    """

    tenant_id: UUID
    user_id: UUID
    role: str
    scope_ids: tuple[UUID, ...] = ()
    time_zone: str = "UTC"
    fiscal_year_start: int = 1
    permissions: frozenset[str] = frozenset()
    is_scoped: bool = True
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        facts = "\x1f".join(
            (
                self.tenant_id.hex,
                self.user_id.hex,
                self.role,
                self.scope_literal,
                self.time_zone,
                str(self.fiscal_year_start),
            )
        )
        object.__setattr__(self, "fingerprint", hashlib.sha256(facts.encode()).hexdigest()[:32])

    @property
    def database_role(self) -> str:
        """The PostgreSQL role of the tenant."""
        return f"tenant_{self.tenant_id.hex}"

    @property
    def scope_literal(self) -> str:
        """The scope ids as a PostgreSQL array literal."""
        return "{" + ",".join(str(scope_id) for scope_id in self.scope_ids) + "}"
