"""Addresses of people: e-mail addresses and telephone numbers, as they are typed and as they are kept."""

from typing import Final

from gql.errors import ApiError, Code

LONGEST: Final = 254


def is_storable(text: str, longest: int = LONGEST) -> bool:
    """Whether PostgreSQL can be asked about this text at all: it takes neither NUL nor half a surrogate pair."""
    return len(text) <= longest and "\0" not in text and not any("\ud800" <= each <= "\udfff" for each in text)


def normal(address: str) -> str:
    """An address as it is kept. Raises ApiError BAD_USER_INPUT, reason ADDRESS_REQUIRED."""
    stripped = address.strip().lower()
    if not stripped or not is_storable(stripped):
        raise address_required()
    return stripped


def address_required() -> ApiError:
    return ApiError(
        Code.BAD_USER_INPUT,
        "Give an e-mail address such as name@example.com, or a telephone number such as +447911123456; one of them.",
        reason="ADDRESS_REQUIRED",
        field="input.email",
    )
