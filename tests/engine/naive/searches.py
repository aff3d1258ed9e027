"""What a search finds."""

from collections.abc import Callable
from typing import Any, Final
from unicodedata import category

from tests.engine.naive.filters import lower
from tests.engine.naive.world import Refused, Thing

# What the functions of countinghouse_search say in SQL, said again in Python.
SEARCHES: Final[dict[str, Callable[[Thing, str], bool]]] = {
    "Product": lambda product, term: product.row["is_active"] and lower(term) in product.row["name_key"],
}


def judge_term(arguments: dict[str, Any]) -> None:
    """Refuses what has fewer than three letters, marks and digits."""
    term = arguments.get("search")
    if term is not None and len([each for each in term if category(each)[0] in ("L", "M", "N")]) < 3:
        raise Refused("BAD_USER_INPUT", "too short")


def is_found(thing: Thing, arguments: dict[str, Any]) -> bool:
    """Whether a list of these arguments would hold it, as far as its search goes."""
    term = arguments.get("search")
    return term is None or SEARCHES[thing.noun.name](thing, term.strip(" "))
