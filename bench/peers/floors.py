"""What HTTP alone costs: a bare ASGI application that answers as many bytes as we do, on the same server."""

import asyncio
import sys
from typing import Any, Final

from bench.peers.peer import Peer, Place
from bench.peers.processes import free_port, start_server, stop_server
from bench.works import Facts

LOG: Final = "floor.log"


class BareAsgi(Peer):
    """Uvicorn as we run it, with nothing behind it. Its path says how many bytes to answer."""

    name = "bare ASGI"

    def __init__(self, place: Place, facts: list[Facts], sizes: dict[str, int], like: Peer) -> None:
        super().__init__(place, facts)
        self._sizes = sizes
        self._like = like
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        from bench.database import DIRECTORY

        self.port = free_port()
        command = [sys.executable, "-m", "bench.peers.floors", str(self.port)]
        self._process = await start_server(command, self.port, {}, DIRECTORY / LOG)

    async def stop(self) -> None:
        if self._process is not None:
            await stop_server(self._process)

    @property
    def process_ids(self) -> list[int]:
        return [self._process.pid] if self._process is not None else []

    async def request(self, work: str, tenant: Facts, number: int) -> bytes:
        """Our own request, at another path."""
        request = await self._like.request(work, tenant, number)
        return request.replace(b"POST /graphql ", f"POST /{self._sizes[work]} ".encode(), 1)

    def normal(self, work: str, answer: Any) -> Any:
        return answer


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """As many bytes as the path says."""
    while (await receive()).get("more_body"):
        pass
    size = int(scope["path"][1:])
    headers = [(b"content-type", b"application/json"), (b"content-length", str(size).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b" " * size})


def main() -> None:
    import uvicorn

    uvicorn.run(
        application,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
