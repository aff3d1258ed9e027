"""The apps of the books, with secrets in every state."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

Row = dict[str, Any]

# Two share a name but for its capitals, and all but one the moment, so that only the id can tell them apart.
APPS: Final[list[Row]] = [
    {"name": 'Till "7" \\ & Söhne 🦉', "scopes": ["billing:read", "billing:write"]},
    {"name": "bank feed", "scopes": ["ledger:read"], "last_used_at": "2025-09-01T08:00:00Z"},
    {"name": "Bank Feed", "scopes": ["billing:internal", "billing:read", "iam:read", "ledger:read", "ledger:write"]},
    {"name": "\tGone", "scopes": ["billing:read"], "revoked_at": "2025-09-02T00:00:00.000001Z"},
    {"name": "zed", "scopes": ["iam:read"], "created_at": "1999-12-31T23:59:59.999999Z"},
]
REVOKED: Final = {"revoked_at": "2025-09-02T00:00:00.000001Z"}
# Of which app, and what became of it.
SECRETS: Final[list[tuple[int, Row]]] = [
    (1, {"expires_at": "2199-01-01T00:00:00Z"}),
    (1, {}),
    (2, REVOKED),
    (2, {"expires_at": "2025-09-02T00:00:00.5Z", **REVOKED}),
    (2, {}),
    (4, REVOKED),
]


def rows() -> Iterable[tuple[str, Row]]:
    """The apps and their secrets, with their tables."""
    moment = "2025-09-01T08:00:00Z"
    for number, more in enumerate(APPS, 1):
        yield "iam.apps", {"id": _app(number), "created_at": moment, "updated_at": moment, **more}
    for number, (app, more) in enumerate(SECRETS, 1):
        kept = {"secret_hash": "\\x" + f"{number:02x}" * 32, "hint": ["a_-9", '"\\&é'][number % 2]}
        row = {"id": UUID(f"c2000000-0000-4000-8000-{number:012}"), "app_id": _app(app), **kept}
        yield "iam.app_secrets", {**row, "created_at": moment, "updated_at": moment, **more}


def _app(number: int) -> UUID:
    return UUID(f"c1000000-0000-4000-8000-{number:012}")
