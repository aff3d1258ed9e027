"""Which organisations somebody may work in, and which one they come in to."""

import json
from typing import Any
from uuid import UUID

from gql.errors import ApiError, Code
from gql.iam.tokens.sessions import Organisation, organisation_unknown


def organisations_in(memberships: str) -> tuple[Organisation, ...]:
    """The organisations of iam.organisations_of()."""
    found: list[dict[str, Any]] = json.loads(memberships)
    return tuple(Organisation(UUID(each["tenant_id"]), each["slug"], each["name"]) for each in found)


def choose(organisations: tuple[Organisation, ...], slug: str | None) -> Organisation:
    """The one of this short name, or the first. Raises ApiError ORGANISATION_UNKNOWN, NO_ORGANISATION."""
    if slug is not None:
        for each in organisations:
            if each.slug == slug:
                return each
        raise organisation_unknown()
    if not organisations:
        raise ApiError(
            Code.FORBIDDEN,
            "You belong to no organisation that is open at present. If one has invited you, name it as `organisation`; "
            "the message says how it is called.",
            reason="NO_ORGANISATION",
        )
    return organisations[0]
