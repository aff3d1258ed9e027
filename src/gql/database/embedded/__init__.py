"""The embedded PostgreSQL: nothing to install before the first start, and everything it keeps in one directory."""

from gql.database.embedded.cluster import EmbeddedServerError
from gql.database.embedded.guard import guarded
from gql.database.embedded.server import EmbeddedServer

__all__ = ["EmbeddedServer", "EmbeddedServerError", "guarded"]
