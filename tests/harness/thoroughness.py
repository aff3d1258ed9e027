"""How far a run looks: a usual one tries a fifth of the examples, `make test-thorough` all of them."""

import os
from typing import Final

IS_THOROUGH: Final = os.environ.get("HYPOTHESIS_PROFILE", "same") != "same"
USUAL_SHARE: Final = 5


def examples(most: int) -> int:
    """So many in a thorough run, a fifth of them otherwise."""
    return most if IS_THOROUGH else -(-most // USUAL_SHARE)
