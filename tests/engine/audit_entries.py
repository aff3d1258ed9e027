"""What the audit log of the books says besides how they were made: every action, shared moments, values that JSON finds
hard, entries by nobody, by a stranger and under a seal."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from tests.engine.ids import client_id

Row = dict[str, Any]

ENTRIES: Final[list[Row]] = [
    {
        "action": "CREATE",
        "entity_type": "CLIENT",
        "new_values": {"name": 'O\'Hara & "Sons" \\ \u2028', "deep": [{}, []]},
    },
    {"action": "UPDATE", "entity_type": "CLIENT", "old_values": {"city": None}, "new_values": {"city": "\x07é🦉"}},
    {"action": "UPDATE", "entity_type": "CLIENT", "old_values": {}, "new_values": {}, "seal": 7},
    {"action": "TRANSITION", "entity_type": "CLIENT", "user_agent": 'a "program" \\', "ip_address": "2001:db8::1"},
    {"action": "DELETE", "entity_type": "CLIENT", "request_id": "req-1", "created_at": "1999-12-31T23:59:59.999999Z"},
    {"action": "SIGN_IN", "entity_type": "USER", "entity_id": None, "user_id": None},
    {"action": "EXPORT", "entity_type": "É “x”", "created_at": "2099-01-01T00:00:00.500000Z"},
    {"action": "READ_SENSITIVE", "entity_type": "", "user_id": UUID(int=7), "entity_id": UUID(int=7)},
]


def rows(person: UUID) -> Iterable[tuple[str, Row]]:
    """The entries, most of them this person's."""
    for number, entry in enumerate(ENTRIES, 1):
        row = {
            "id": UUID(f"a7000000-0000-4000-8000-{number:012}"),
            "entity_id": client_id(number),
            "user_id": person,
            "created_at": f"2025-09-01T08:00:0{number // 3}Z",
        }
        yield "core.audit_log", row | entry
