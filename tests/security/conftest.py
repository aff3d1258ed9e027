"""Attackers find what the tests of signing in and of the server find."""

from tests.http.conftest import house, production, server, token
from tests.iam.conftest import inbox, nobody_has_failed_yet, services

__all__ = ["house", "inbox", "nobody_has_failed_yet", "production", "server", "services", "token"]
