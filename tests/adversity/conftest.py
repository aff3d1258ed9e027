"""Bad days happen to the server that the tests of HTTP know."""

from tests.http.conftest import house, server

__all__ = ["house", "server"]
