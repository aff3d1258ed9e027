"""What strangers' tools are pointed at: the servers of the tests of HTTP."""

from tests.http.conftest import house, production, server, token

__all__ = ["house", "production", "server", "token"]
