"""The application: everything put together, as ASGI."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import RedirectResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gql.database.pool import Database
from gql.database.pool.options import DatabaseOptions
from gql.engine.engine import Engine
from gql.http import graphiql, well_known, whatsapp
from gql.http.authentication import Authentication
from gql.http.compression import LEAST_BYTES
from gql.http.cookies import Cookie
from gql.http.endpoint import GraphQLEndpoint
from gql.http.forwarding import TrustedProxies
from gql.http.headers import as_bytes, security_headers, with_headers
from gql.http.health import Health
from gql.http.metrics import Metrics
from gql.http.oauth import TokenEndpoint
from gql.http.running import Writes
from gql.iam.credentials.passwords import Passwords
from gql.iam.entry.google import Trust
from gql.iam.issuers.external_tokens import ExternalTokens
from gql.iam.issuers.fetching import Fetcher
from gql.iam.issuers.key_sets import KeySets
from gql.iam.keys.secrets import Secrets
from gql.iam.keys.signing import Keys
from gql.iam.keys.watch import KeyWatch
from gql.iam.services import Services
from gql.iam.tokens.access import Tokens
from gql.iam.tokens.principals import Principals
from gql.messages.carriers import carrier_of
from gql.messages.post import Post
from gql.schema import OPEN_FIELDS, PYTHON_FIELDS, build_schema, declarations
from gql.settings import Settings

DRAIN_SECONDS = 10.0


class Application(Starlette):
    """Starlette for everything but /graphql, which takes no detour through routing and middleware."""

    graphql: GraphQLEndpoint
    health: Health
    database: Database
    headers: dict[str, str]
    proxies: TrustedProxies | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.health.is_draining:
            # Whoever goes on asking does so over another connection, before this one is closed in front of a request.
            send = with_headers(scope, send, {"Connection": "close"})
        if self.proxies is not None and scope["type"] == "http":
            self.proxies.apply(scope)
        if scope["type"] == "http" and scope["path"] == "/graphql":
            await self.graphql(scope, receive, send)
        else:
            # Outside of Starlette's own middleware, so that an answer of its last resort has the headers, too.
            await super().__call__(scope, receive, with_headers(scope, send, self.headers))


class Kinds(NamedTuple):
    """What the application is made of. One that is traced has others (gql.tracing)."""

    database: type[Database] = Database
    engine: type[Engine] = Engine
    endpoint: type[GraphQLEndpoint] = GraphQLEndpoint


USUAL: Final = Kinds()


def create_app(settings: Settings, database_url: str, kinds: Kinds = USUAL) -> Application:
    """The application on the database of this address. Nothing is connected before it is needed."""
    database = kinds.database(DatabaseOptions.from_settings(settings, database_url))
    keys, secrets = Keys.from_settings(settings), Secrets.from_settings(settings)
    tokens = Tokens(keys, issuer=settings.issuer, audience=settings.audience)
    passwords, post = Passwords(), Post(carrier_of(settings))
    key_sets = KeySets(Fetcher(private=settings.private_issuers))
    services = Services.of(
        database,
        tokens,
        passwords,
        secrets,
        post,
        settings.analyst_url or database_url,
        Trust.from_settings(settings, key_sets),
    )
    engine = kinds.engine(build_schema(), declarations(), database, OPEN_FIELDS, services, PYTHON_FIELDS)
    headers = security_headers(production=settings.environment == "production")
    health, metrics, writes = Health(database), Metrics(), Writes()
    metrics.watch_pool("read", lambda: database.reads.statistics)
    metrics.watch_pool("write", lambda: database.writes.statistics)
    metrics.watch_pool("caller", lambda: database.callers.statistics)
    metrics.watch_counts(
        "countinghouse_transactions_repeated",
        "Transactions that were run once more, by why: CROSSED with others, CUT before COMMIT, UNANSWERED after it.",
        "why",
        lambda: database.repetitions,
    )
    metrics.watch(
        "countinghouse_clock_ahead_seconds",
        "By how much this machine's clock was ahead of the database's when /readyz was asked last.",
        lambda: database.clock_ahead,
    )
    if database.replica is not None:
        metrics.watch_replica(database.replica)
    metrics.watch("countinghouse_passwords_waiting", "Sign-ins in the queue.", lambda: passwords.statistics.waiting)
    metrics.watch(
        "countinghouse_large_requests_waiting",
        "Requests of many bytes that wait until a thread reads them.",
        lambda: engine.workbench.waiting,
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        watching = asyncio.create_task(KeyWatch(database, keys, secrets).run())
        if database.replica is not None:
            database.replica.watch()
        yield
        health.is_draining = True
        watching.cancel()
        await writes.finish(DRAIN_SECONDS)
        await post.close(DRAIN_SECONDS)
        await database.close()
        passwords.close()
        engine.workbench.close()
        key_sets.close()

    hook = whatsapp.WhatsApp(database, services.channel_secrets)
    app = Application(
        routes=[
            Route("/", lambda request: RedirectResponse("/graphiql")),
            Route("/healthz", health.healthz),
            Route("/readyz", health.readyz),
            Route("/metrics", metrics.endpoint),
            Route(well_known.TOKEN, TokenEndpoint(services.app_secrets).token, methods=["POST"]),
            Route(whatsapp.PATH, hook.verify, methods=["GET"]),
            Route(whatsapp.PATH, hook.receive, methods=["POST"]),
            *well_known.routes(keys, settings.issuer),
            *graphiql.routes(needs_sign_in=settings.environment == "production"),
        ],
        middleware=[Middleware(GZipMiddleware, minimum_size=LEAST_BYTES)],
        lifespan=lifespan,
    )
    app.database = database
    app.health = health
    app.headers = headers
    app.proxies = TrustedProxies(settings.trusted_proxies) if settings.trusted_proxies else None
    app.graphql = kinds.endpoint(
        engine,
        Authentication(tokens, Principals(database), ExternalTokens(database, key_sets, settings.audience)),
        metrics,
        writes,
        shows_schema=settings.environment == "development",
        headers=as_bytes(headers),
        cookie=Cookie(secure=settings.environment == "production"),
    )
    return app
