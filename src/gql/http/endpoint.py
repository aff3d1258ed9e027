"""/graphql, as a plain ASGI callable: on the way of every request there are no objects that it does not need."""

import asyncio
import logging
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any

from starlette.types import Receive, Scope, Send

from gql.database.refusals import NOT_PERMITTED
from gql.engine.engine import Caller, Engine, Operation
from gql.errors import ApiError, Code, RequestRefused
from gql.http import metrics, requests
from gql.http.authentication import Authentication, origin_of
from gql.http.compression import LEAST_BYTES, compressed
from gql.http.cookies import Cookie
from gql.http.headers import Headers, request_id_of
from gql.http.metrics import Metrics
from gql.http.negotiation import JSON, OFFERED, encoding, media_type
from gql.http.positions import position_of, position_told
from gql.http.refusals import HttpRefused, bad_request, body_of, headers_of, internal, status_of
from gql.http.requests import ClientGone, Given
from gql.http.running import Writes, while_client_stays
from gql.http.terms import terms_of, told_by
from gql.iam.issuers.external_tokens import Visitor
from gql.reminders import Deadline, Reminders

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Answer:
    """What goes back: its status, its body, headers of its own, and the code and reason that it is counted under."""

    status: int
    body: bytes
    code: str
    headers: Headers = field(default_factory=list)
    reason: str | None = None


@dataclass(slots=True)
class Exchange:
    """One request on its way: what is known of it so far."""

    scope: Scope
    headers: Given
    receive: Receive
    task: "asyncio.Task[Any]"
    request_id: str
    media_type: str = JSON
    kind: str = metrics.UNKNOWN_KIND

    def refused(self, errors: list[ApiError], status: int | None = None, headers: Headers | None = None) -> Answer:
        """The answer that consists of these errors."""
        return Answer(
            status or status_of(errors, self.media_type),
            body_of(errors, self.request_id),
            errors[0].code.value,
            headers_of(errors) + (headers or []),
            errors[0].reason,
        )


class GraphQLEndpoint:
    """Answers GraphQL over HTTP.

    `shows_schema` lets strangers ask for the schema, as in development; `headers` are on every answer.
    """

    def __init__(
        self,
        engine: Engine,
        authentication: Authentication,
        metrics: Metrics,
        writes: Writes,
        *,
        shows_schema: bool,
        headers: Headers,
        cookie: Cookie,
    ) -> None:
        self._engine = engine
        self._authentication = authentication
        self._metrics = metrics
        self._writes = writes
        self._shows_schema = shows_schema
        self._cookie = cookie
        self._headers = {
            accepted: [(b"content-type", f"{accepted}; charset=utf-8".encode()), *headers] for accepted in OFFERED
        }
        self._reminders = Reminders()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = perf_counter()
        headers: Given = dict(scope["headers"])
        task = asyncio.current_task(self._reminders.loop)
        assert task is not None
        exchange = Exchange(scope, headers, receive, task, request_id_of(headers.get(b"x-request-id")))
        try:
            answer = await self._answer(exchange)
        except ClientGone:
            self._metrics.observe(exchange.kind, metrics.CLIENT_GONE, perf_counter() - begun)
            return
        await self._send(answer, exchange, send)
        self._metrics.observe(exchange.kind, answer.code, perf_counter() - begun, answer.reason)

    async def _answer(self, exchange: Exchange) -> Answer:
        """The answer, whatever happens. Raises ClientGone when nobody waits for it any more."""
        try:
            return await self._run(exchange)
        except RequestRefused as refusal:
            return exchange.refused(refusal.errors)
        except HttpRefused as refusal:
            return exchange.refused([refusal.error], refusal.status, refusal.headers)
        except ApiError as error:
            return exchange.refused([error])
        except ClientGone:
            raise
        except Exception:
            log.exception("request %s failed in a way that nobody foresaw", exchange.request_id)
            return exchange.refused([internal()])

    async def _run(self, exchange: Exchange) -> Answer:
        headers = exchange.headers
        method = exchange.scope["method"]
        if method not in ("GET", "POST"):
            raise _wrong_method("Send a POST; queries may come by GET, too.", "METHOD_UNKNOWN", b"GET, POST")
        accepted = media_type(headers.get(b"accept"))
        if accepted is None:
            sentence = "Accept application/graphql-response+json or application/json; there is nothing else."
            raise HttpRefused(ApiError(Code.NOT_ACCEPTABLE, sentence, reason="MEDIA_TYPE"))
        exchange.media_type = accepted
        # Whoever is not known is refused before their body is read, and everything else before a connection is taken.
        identity = self._authentication.identity(headers.get(b"authorization"))
        if isinstance(identity, Visitor):
            identity = await self._authentication.admitted(identity)
        async with self._engine.workbench.turn(identity.tenant_id if identity else None) as turn:
            if method == "GET":
                given = exchange.scope["query_string"]
                await turn.weigh(len(given))
                read = partial(requests.from_query_string, given)
            else:
                given = await requests.read_body(headers, exchange.receive, self._deadline(exchange), turn.weigh)
                read = partial(requests.from_body, given)
            parameters = await turn.do(read)
            context = await self._authentication.context(identity) if identity else None
            caller = Caller(
                context,
                origin_of(exchange.scope, headers, exchange.request_id),
                identity.session_id if identity else None,
                self._cookie.read(headers.get(b"cookie")),
                position_of(headers),
            )
            operation = await self._engine.prepare(
                parameters.query,
                parameters.operation_name,
                parameters.variables,
                introspection=self._shows_schema or context is not None,
                turn=turn,
            )
        try:
            return await self._execute(exchange, operation, caller)
        except RequestRefused as refusal:
            if identity is not None and refusal.errors[0].reason == NOT_PERMITTED:
                # They had rights when they were asked about, seconds ago. Who has none now is told why.
                await self._authentication.again(identity)
            raise

    def _deadline(self, exchange: Exchange) -> Deadline:
        return Deadline(self._reminders, requests.MOST_SECONDS, exchange.task)

    async def _execute(self, exchange: Exchange, operation: Operation, caller: Caller) -> Answer:
        exchange.kind = operation.kind
        if operation.kind == "query":
            body = await while_client_stays(
                self._engine.run(operation, caller), exchange.receive, self._reminders, exchange.task
            )
            return Answer(200, body, metrics.code_of(body))
        if operation.kind != "mutation":
            raise bad_request("Subscriptions do not come over plain HTTP.", "SUBSCRIPTION")
        if exchange.scope["method"] == "GET":
            raise _wrong_method("A mutation changes things, so it must come by POST.", "MUTATION_BY_GET", b"POST")
        changed = await self._writes.run(self._engine.change(operation, caller, terms_of(exchange.scope["headers"])))
        told = told_by(changed) + position_told(changed.position) + self._cookie.write(changed.cookie)
        return Answer(200, changed.body, metrics.code_of(changed.body), told)

    async def _send(self, answer: Answer, exchange: Exchange, send: Send) -> None:
        body = answer.body
        headers = [
            *self._headers[exchange.media_type],
            (b"x-request-id", exchange.request_id.encode()),
            *answer.headers,
        ]
        if len(body) >= LEAST_BYTES and (wanted := encoding(exchange.headers.get(b"accept-encoding"))):
            body = await compressed(body, wanted)
            headers.append((b"content-encoding", wanted.encode()))
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _wrong_method(sentence: str, reason: str, allowed: bytes) -> HttpRefused:
    return HttpRefused(ApiError(Code.METHOD_NOT_ALLOWED, sentence, reason=reason), headers=[(b"allow", allowed)])
