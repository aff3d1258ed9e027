"""Sockets, taken before anything is started, so that a taken port is told at once."""

import errno
import socket
from typing import Final

from gql.cli.console import CommandFailed

BACKLOG: Final = 2048


def listening_socket(host: str, port: int, setting: str = "PORT") -> socket.socket:
    """A socket that listens there. Raises CommandFailed; `setting` says where another port could be chosen."""
    place = f"{host}:{port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise CommandFailed(f"{host} in COUNTINGHOUSE_HOST is no address of this machine: {error}.", 2) from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise CommandFailed(
                f"{place} is taken by another program. Stop that, or choose another port with COUNTINGHOUSE_{setting}."
            ) from None
        raise CommandFailed(f"{place} cannot be listened on: {error.strerror}.") from None
    return listener
