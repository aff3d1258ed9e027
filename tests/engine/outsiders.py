"""Issuers that the books' organisations trust, and who came by them: texts that JSON finds hard, and shared moments."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

Row = dict[str, Any]

ISSUERS: Final[list[Row]] = [
    {"name": "Login", "issuer": "https://login.kauri.example"},
    {
        "name": 'The "other" \\ one',
        "issuer": "https://a.example/b/",
        "jwks_url": "https://keys.example/jwks?v='1'&x",
        "role_claim": "https://kauri.example/roles",
        "roles": {"é 🦉": "viewer", 'a"b': "admin"},
        "scope_claim": "clients\t",
        "is_active": False,
    },
    {"name": "Third", "issuer": "http://localhost:8080/", "is_active": False},
]
ROLES: Final = ("admin", "viewer", "member", "operator", "accountant")


def _id(kind: str, number: int) -> UUID:
    return UUID(f"{kind}000000-0000-4000-8000-{number:012}")


def rows() -> Iterable[tuple[str, Row]]:
    """Three issuers, two of them entered at once; of the first came many, of the last nobody."""
    for number, issuer in enumerate(ISSUERS, 1):
        moment = f"2025-05-01T0{number // 2}:00:00Z"
        row = {"id": _id("1a", number), "created_at": moment, "updated_at": moment, "role_claim": "role"}
        yield "iam.trusted_issuers", {"roles": {}, "is_active": True, **row, **issuer}
    for number in range(1, 10):
        yield (
            "iam.external_people",
            {
                "id": _id("1b", number),
                "issuer_id": _id("1a", 1 + number // 7),
                "subject": f"auth0|{number}\\é\u2028",
                "name": None if number == 3 else f'Person "{number}" 🧵',
                "email": None if number % 4 == 0 else f"{number}'&@kauri.example",
                "role": ROLES[number % 5],
                "last_seen_at": f"2025-09-0{1 + number // 4}T08:00:00.000001Z",
                "created_at": "2025-05-02T00:00:00Z",
                "updated_at": "2025-09-09T00:00:00Z",
            },
        )
