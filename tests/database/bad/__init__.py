"""Bad objects, at least one for every rule of the catalog: what a forgetful author might write.

Each is made beside `SAMPLE`, in which everything is as it should be, and is then the only thing that is wrong.
"""

from typing import Final

from tests.database.bad.columns import COLUMNS
from tests.database.bad.comments import COMMENTS
from tests.database.bad.example import Bad
from tests.database.bad.functions import FUNCTIONS
from tests.database.bad.grants import GRANTS
from tests.database.bad.keys import KEYS
from tests.database.bad.policies import POLICIES
from tests.database.bad.roles import ROLES
from tests.database.bad.sample import REPORT, SAMPLE
from tests.database.bad.server import SERVER
from tests.database.bad.tables import TABLES

__all__ = ["EXAMPLES", "REPORT", "SAMPLE", "Bad"]

EXAMPLES: Final = (*TABLES, *COLUMNS, *KEYS, *POLICIES, *GRANTS, *FUNCTIONS, *ROLES, *COMMENTS, *SERVER)
