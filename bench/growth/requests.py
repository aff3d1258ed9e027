"""Requests for other documents than those of the works."""

import json


def with_body(request: bytes, document: str, **variables: object) -> bytes:
    """A request of the same caller for another document."""
    head, _, _ = request.partition(b"\r\n\r\n")
    body = json.dumps({"query": document, "variables": variables}).encode()
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length:")]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])
