"""Bad settings of the server."""

from typing import Final

from tests.database.bad.example import bad

SERVER: Final = (bad("row-security-on", "the server", "set local row_security = off"),)
