"""Who was invited to the organisations of the books, and who asked to join them: in every state, with names that JSON
finds hard."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from tests.harness.tenants import Tenant

Row = dict[str, Any]

NOWHERE: Final = UUID(int=0)
LONG_AGO: Final = datetime(2025, 5, 1, 8, tzinfo=UTC)
SOON: Final = timedelta(days=14)
# Days since it was made, and what became of it. Some share a moment, so that only the id can tell them apart.
INVITES: Final[tuple[tuple[float, str, str | None], ...]] = (
    (1, "owner", None),
    (1, "member", None),
    (13.9, "viewer", None),
    (14.1, "admin", None),
    (300, "accountant", None),
    (300, "operator", "EXPIRED"),
    (2, "viewer", "ACCEPTED"),
    (300, "viewer", "DECLINED"),
    (3, "admin", "REVOKED"),
)
REQUESTS: Final[tuple[tuple[float, str | None, str | None], ...]] = (
    (1, "“Let me in” \\ \u2028 🦉", None),
    (1, None, "WITHDRAWN"),
    (29.9, 'It\'s "me"', None),
    (30.1, None, None),
    (89, "x", "APPROVED"),
    (91, "x" * 1000, "DECLINED"),
)


def rows(tenant: Tenant, other: Tenant) -> Iterable[tuple[str, Row]]:
    """What stands in the organisation: strangers', and what the owner of the other one is asked and has asked."""
    now = datetime.now(UTC)
    for number, (days, role, outcome) in enumerate(INVITES, 1):
        made = LONG_AGO if days > 100 else now - timedelta(days=days)
        yield (
            "iam.invites",
            {
                "id": UUID(f"c1000000-0000-4000-8000-{number:012}"),
                "address": other.owner_email if number in (1, 6, 7) else f"comer.{number}'&@example.org",
                "role": role,
                "scope_ids": [tenant.tenant_id] if role == "member" else [],
                "invited_by": 'Zoë "Z" \\ of Kauri',
                "outcome": outcome,
                **_moments(made, outcome),
                "expires_at": made + SOON,
            },
        )
    is_first = int(tenant.slug.startswith("kauri"))
    for number, (days, message, outcome) in enumerate(REQUESTS, 1):
        made = now - timedelta(days=days)
        yield (
            "iam.join_requests",
            {
                "tenant_id": NOWHERE if number == 3 else tenant.tenant_id,
                # Nowhere's are together, whoever's books they are of.
                "id": uuid4() if number == 3 else UUID(f"c2000000-0000-4000-8000-{number:06}{is_first:06}"),
                "user_id": other.owner_id if number % 2 else UUID(int=number),
                "user_name": f'Comer {number} "O\'N"\\',
                "user_address": f"comer.{number}@example.org",
                "organisation": "nobody-is-called-so" if number == 3 else tenant.slug,
                "message": message,
                "outcome": outcome,
                **_moments(made, outcome),
            },
        )


def _moments(made: datetime, outcome: str | None) -> Row:
    ended = made + timedelta(hours=1, microseconds=1)
    return {"created_at": made, "updated_at": made, "outcome_at": ended if outcome else None}
