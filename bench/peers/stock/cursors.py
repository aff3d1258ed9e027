"""Opaque cursors of invoices: their place in the order by issue date and id."""

import base64
import json
from datetime import date
from typing import NamedTuple
from uuid import UUID


class Place(NamedTuple):
    """Where an invoice stands."""

    issue_date: date
    id: UUID


def encode(place: Place) -> str:
    """The cursor of a place."""
    return base64.urlsafe_b64encode(json.dumps([place.issue_date.isoformat(), str(place.id)]).encode()).decode()


def decode(cursor: str) -> Place:
    """The place of a cursor. Raises ValueError where it is none of ours."""
    try:
        issue_date, invoice_id = json.loads(base64.urlsafe_b64decode(cursor))
        return Place(date.fromisoformat(issue_date), UUID(invoice_id))
    except (TypeError, AttributeError, ValueError):
        raise ValueError("This cursor is not one of ours.") from None
