"""The one cookie that the API keeps at a browser: a secret that no script reads and no other site makes it send."""

from typing import Final

from gql.http.headers import Headers

NAME: Final = "countinghouse"
LONGEST: Final = 4096
SECONDS: Final = 180 * 24 * 60 * 60
"""As long as a session may last. Whether what it holds is still good, its owner knows."""


class Cookie:
    """Reads it from a request and writes it into an answer. `secure`: over TLS only, bound to this very host by its
    name; without it, for development, where there is no TLS."""

    def __init__(self, *, secure: bool) -> None:
        self._name = f"__Host-{NAME}" if secure else NAME
        self._start = f"{self._name}=".encode()
        self._attributes = f"; Path=/; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"

    def read(self, header: bytes | None) -> str | None:
        """What the browser sends, or None."""
        if header is None or len(header) > LONGEST:
            return None
        for pair in header.split(b";"):
            pair = pair.strip()
            if pair.startswith(self._start):
                return pair[len(self._start) :].decode("latin-1") or None
        return None

    def write(self, value: str | None) -> Headers:
        """The header that keeps this value there, takes it away where it is empty, and leaves it alone for None."""
        if value is None:
            return []
        age = SECONDS if value else 0
        return [(b"set-cookie", f"{self._name}={value}; Max-Age={age}{self._attributes}".encode())]
