"""Where a message's body stands: in the message, or a year after it was sent at its place in a pack."""

from typing import Final

BODY: Final = """coalesce({row}.body, (
    select pack.bodies[{row}.pack_place] from trade.message_packs as pack
    where pack.tenant_id = {row}.tenant_id and pack.id = {row}.pack_id
))"""
"""What the message says, in SQL. `{row}` is the message."""
