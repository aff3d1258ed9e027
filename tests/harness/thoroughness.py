"""How far a run looks: a usual one tries a twelfth of the examples, `make test-thorough` all of them."""

import os
from typing import Final

IS_THOROUGH: Final = os.environ.get("HYPOTHESIS_PROFILE", "same") != "same"
USUAL_SHARE: Final = 12


def examples(most: int) -> int:
    """So many in a thorough run, a twelfth of them otherwise."""
    return most if IS_THOROUGH else -(-most // USUAL_SHARE)


def walks(most: int) -> int:
    """So many walks through what several do at once in a thorough run, half of them otherwise."""
    return most if IS_THOROUGH else -(-most // 2)
