"""/healthz: does this process answer. /readyz: can it serve."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gql.database.pool import Database
from gql.errors import ApiError


class Health:
    """Liveness and readiness. `is_draining` is set when the process has been asked to stop: from then on it is not
    ready, so that whoever spreads the load sends the next request elsewhere, while it still serves what comes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_draining = False

    async def healthz(self, request: Request) -> Response:
        """200 as long as the process runs: a database that is down is no reason to start it anew."""
        return JSONResponse({"status": "ok"})

    async def readyz(self, request: Request) -> Response:
        """200, or 503 with a reason."""
        if self.is_draining:
            return self._unavailable("DRAINING")
        try:
            await self._database.ping()
        except ApiError as error:
            return self._unavailable(error.reason or error.code.value)
        return JSONResponse({"status": "ok"})

    def _unavailable(self, reason: str) -> Response:
        return JSONResponse({"status": "unavailable", "reason": reason}, 503, headers={"Retry-After": "1"})
