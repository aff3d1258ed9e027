"""Traces: an operation and its statements, as a collector of OpenTelemetry gets them from a real server and a real
worker. Nothing of anybody's data is in them, and where nobody asks for traces there is nothing of them."""

import asyncio
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic
from typing import Any, Final

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gql.iam.tokens.access import Tokens
from gql.settings import Settings
from gql.tracing.statements import summary
from gql.tracing.switch import NotTraceable, is_asked_for
from tests.database.pooling import process_waiting
from tests.harness.actors import as_superuser
from tests.harness.command_line import countinghouse, environment
from tests.harness.programs import Program, a_program
from tests.harness.tenants import Tenant, make_tenant
from tests.tracing.collector import Collector, collecting, values
from tests.worker.working import eventually, expired_hold

READ: Final = """query Needles($name: String!) {
  clients(filter: {or: [{name: {eq: $name}}, {name: {eq: "Bury St Edmunds"}}]}) {
    totalCount nodes { id name invoices { totalCount } } } }"""
CREATE: Final = "mutation Make($name: String!) { clientCreate(input: {name: $name}) { client { id name } } }"
UPDATE: Final = 'mutation ($id: ID!) { clientUpdate(input: {id: $id, city: "Ely"}) { client { city } } }'
ARCHIVE: Final = "mutation ($id: ID!) { clientArchive(input: {id: $id}) { __typename } }"
SOON: Final = {"OTEL_BSP_SCHEDULE_DELAY": "50"}


@dataclass
class Traced:
    """A server that is traced, and somebody who asks it."""

    program: Program
    collector: Collector
    client: httpx.AsyncClient
    token: str

    async def ask(self, query: str, *, sampled: str = "01", **variables: Any) -> tuple[Any, list[Span], str]:
        """The answer, the spans of it, and the span of the caller."""
        trace_id, parent = secrets.token_hex(16), secrets.token_hex(8)
        answer = await self.client.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"traceparent": f"00-{trace_id}-{parent}-{sampled}", "Authorization": f"Bearer {self.token}"},
        )
        if sampled == "01":
            await self.collector.until(lambda: any(span.kind == Span.SPAN_KIND_SERVER for span in self.of(trace_id)))
        return answer.json(), self.of(trace_id), parent

    def of(self, trace_id: str) -> list[Span]:
        return self.collector.of(trace_id)


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
async def house() -> Tenant:
    return await make_tenant("Traced Ropes")


@pytest.fixture(scope="module")
async def traced(settings: Settings, collector: Collector, house: Tenant) -> AsyncIterator[Traced]:
    """A server that records what its callers record, and nothing by itself."""
    env = environment(settings, PORT="0") | SOON
    env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_TRACES_SAMPLER": "parentbased_always_off"}
    token = Tokens.from_settings(settings).issue(house.owner.user_id, house.tenant_id).text
    async with (
        a_program("serve", env=env) as program,
        httpx.AsyncClient(base_url=program.place, timeout=30) as client,
    ):
        yield Traced(program, collector, client, token)


def tree(spans: list[Span], parent: str) -> list[Any]:
    """Names within names."""
    return [(span.name, tree(spans, span.span_id.hex())) for span in spans if span.parent_span_id.hex() == parent]


def flat(trees: list[Any]) -> list[str]:
    return [name for name, _ in trees]


async def test_a_query_is_an_operation_and_its_statements(traced: Traced) -> None:
    answer, spans, parent = await traced.ask(READ, name="Bodkin & Haystack")
    assert answer["data"]["clients"]["totalCount"] == 0
    [(name, children)] = tree(spans, parent)
    assert name == "query"
    assert flat(children)[-2:] == ["wait for a connection", "SELECT billing.clients billing.invoices"]
    operation = next(span for span in spans if span.name == "query")
    assert operation.kind == Span.SPAN_KIND_SERVER
    told = values(operation.attributes)
    assert told.pop("countinghouse.request_id")
    assert told == {
        "http.request.method": "POST",
        "url.path": "/graphql",
        "url.scheme": "http",
        "http.response.status_code": 200,
        "graphql.operation.type": "query",
        "graphql.operation.name": "Needles",
        "countinghouse.document.sha256": sha256(READ.encode()).hexdigest(),
    }
    statement = spans[-1]
    assert statement.kind == Span.SPAN_KIND_CLIENT
    assert values(statement.attributes) == {
        "db.system.name": "postgresql",
        "db.query.summary": "SELECT billing.clients billing.invoices",
    }
    assert operation.start_time_unix_nano <= statement.start_time_unix_nano < statement.end_time_unix_nano
    assert statement.end_time_unix_nano <= operation.end_time_unix_nano


async def test_a_mutation_is_a_transaction_step_by_step(traced: Traced) -> None:
    answer, spans, parent = await traced.ask(CREATE, name="Bodkin & Haystack")
    assert answer["data"]["clientCreate"]["client"]["name"] == "Bodkin & Haystack"
    [(name, children)] = tree(spans, parent)
    assert name == "mutation"
    steps = flat(children)
    assert steps[steps.index("BEGIN") :] == [
        "BEGIN",
        "SELECT billing.client_create",
        "SET CONSTRAINTS",
        "SELECT billing.clients",
        "COMMIT",
    ]


async def test_what_is_refused_is_told_by_its_code_and_never_in_words(traced: Traced) -> None:
    gone = "0190b6a4-7c3e-7d52-9f38-2f6d1a0c9b11"
    answer, spans, _ = await traced.ask(ARCHIVE, id=gone)
    [problem] = answer["errors"]
    operation = next(span for span in spans if span.kind == Span.SPAN_KIND_SERVER)
    assert operation.status.code == Status.STATUS_CODE_ERROR
    assert operation.status.message == ""
    assert values(operation.attributes)["error.type"] == problem["extensions"]["code"] == "NOT_FOUND"
    failing = [
        values(span.attributes)["error.type"]
        for span in spans
        if span.kind == Span.SPAN_KIND_CLIENT and span.status.code
    ]
    assert failing == [f"NOT_FOUND/{problem['extensions']['reason']}"]
    assert not any(span.events for span in spans)
    assert problem["message"].encode() not in traced.collector.received


async def test_a_transaction_that_is_repeated_says_so(traced: Traced) -> None:
    made, _, _ = await traced.ask(CREATE, name="Held")
    client = made["data"]["clientCreate"]["client"]["id"]
    async with as_superuser() as superuser:
        async with superuser.transaction():
            await superuser.execute("select from billing.clients where id = $1::uuid for update", client)
            asked = asyncio.create_task(traced.ask(UPDATE, id=client))

            async def waits() -> bool:
                return await process_waiting() is not None

            await eventually(waits)
            await superuser.execute("select pg_terminate_backend($1)", await process_waiting())
        answer, spans, parent = await asked
    assert answer["data"]["clientUpdate"]["client"]["city"] == "Ely"
    [(_, children)] = tree(spans, parent)
    assert flat(children).count("BEGIN") == 2
    assert flat(children).count("COMMIT") == 1
    operation = next(span for span in spans if span.kind == Span.SPAN_KIND_SERVER)
    [event] = operation.events
    assert (event.name, values(event.attributes)) == ("countinghouse.repeated", {"countinghouse.attempt": 2})


async def test_nothing_is_recorded_that_the_sampler_leaves_out(traced: Traced) -> None:
    _, left_out, _ = await traced.ask(READ, sampled="00", name="not sampled")
    await traced.client.post("/graphql", json={"query": "{ __typename }"}, headers={"traceparent": "00-nonsense"})
    await traced.client.post("/graphql", json={"query": "query NobodyAsked { __typename }"})
    _, recorded, _ = await traced.ask(READ, name="sampled")
    assert recorded
    assert not left_out
    assert b"NobodyAsked" not in traced.collector.received


async def test_nothing_of_anybodys_data_is_in_the_traces(traced: Traced, house: Tenant) -> None:
    """After all that was asked above: values of variables and of documents, names, ids, roles and tokens."""
    await traced.ask(READ, name="Bodkin & Haystack")
    await traced.ask(CREATE, name="Bodkin & Haystack")
    told = bytes(traced.collector.received)
    assert b"SELECT billing.client_create" in told
    for word in ("Bodkin", "Haystack", "Bury St Edmunds", house.name, house.owner_email, traced.token):
        assert word.encode() not in told
    for uuid in (house.tenant_id, house.owner_id):
        for form in (str(uuid).encode(), uuid.hex.encode(), uuid.bytes):
            assert form not in told
    assert traced.collector.services == {"countinghouse-server"}


async def test_a_job_of_the_worker_is_a_trace_of_its_own(settings: Settings, tenant: Tenant) -> None:
    await expired_hold(tenant)
    with collecting() as collector:
        env = environment(settings, METRICS_PORT="0") | SOON | {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": ""}
        env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SERVICE_NAME": "the-worker"}
        async with a_program("work", env=env, lines=2) as program:
            await collector.until(lambda: any(span.name == "expire-holds" for span in list(collector.spans)))
            await program.stop()
    [job] = [span for span in collector.spans if span.name == "expire-holds"]
    assert job.kind == Span.SPAN_KIND_CONSUMER
    assert values(job.attributes) == {"countinghouse.duty": "expire-holds", "countinghouse.attempt": 1}
    children = flat(tree(collector.of(job.trace_id.hex()), job.span_id.hex()))
    assert children == ["SELECT iam.tenants", "BEGIN", "SELECT ledger.expire_holds", "COMMIT"]
    # What it looks for by itself, every few seconds, is nobody's trace.
    assert {span.name for span in collector.spans if not span.parent_span_id} <= {job.name} | {
        span.name for span in collector.spans if span.kind == Span.SPAN_KIND_CONSUMER
    }
    assert collector.services == {"the-worker"}
    for form in (str(tenant.tenant_id).encode(), tenant.tenant_id.hex.encode(), tenant.tenant_id.bytes):
        assert form not in bytes(collector.received)


async def test_a_collector_that_is_away_or_hangs_slows_nobody(settings: Settings, house: Tenant) -> None:
    """One that listens and never answers is the worse of the two."""
    token = Tokens.from_settings(settings).issue(house.owner.user_id, house.tenant_id).text
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        env = environment(settings, PORT="0") | {"OTEL_BSP_SCHEDULE_DELAY": "1", "OTEL_BSP_MAX_QUEUE_SIZE": "64"}
        env |= {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "16"}
        env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{hanging.getsockname()[1]}"}
        async with a_program("serve", env=env) as program:
            async with httpx.AsyncClient(base_url=program.place, timeout=30) as client:
                for _ in range(40):
                    body = {"query": READ, "variables": {"name": "x"}}
                    answer = await client.post("/graphql", json=body, headers={"Authorization": f"Bearer {token}"})
                    assert answer.json()["data"]["clients"]["totalCount"] == 0
            begun = monotonic()
            await program.stop()
            assert monotonic() - begun < 20, "it would have waited for the collector"


async def test_where_nobody_asks_for_traces_nothing_of_them_is_there() -> None:
    script = (
        "import sys, gql.app, gql.cli, gql.cli.traces as traces, gql.worker.worker;"
        "kinds = traces.kinds_of(False); ways = traces.ways_of(False);"
        "print([kind.__name__ for kind in kinds], ways.database.__name__,"
        " [name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert out.decode() == "['Database', 'Engine', 'GraphQLEndpoint'] Database []\n"


@pytest.mark.parametrize(
    ("environment", "is_asked"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "countinghouse"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, False),
    ],
)
def test_the_variables_of_opentelemetry_say_whether(environment: dict[str, str], is_asked: bool) -> None:
    assert is_asked_for(environment) is is_asked


def test_what_is_not_to_be_had_is_refused() -> None:
    with pytest.raises(NotTraceable, match="only otlp and none"):
        is_asked_for({"OTEL_TRACES_EXPORTER": "zipkin"})
    with pytest.raises(NotTraceable, match="only http/protobuf"):
        is_asked_for({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


async def test_the_program_says_what_is_not_to_be_had_in_a_sentence(settings: Settings) -> None:
    outcome = await countinghouse("serve", env=environment(settings, PORT="0") | {"OTEL_TRACES_EXPORTER": "zipkin"})
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == ("countinghouse: OTEL_TRACES_EXPORTER is 'zipkin'; only otlp and none are to be had here.\n")


def test_a_statement_is_summed_up_by_names_of_ours_alone() -> None:
    assert summary("select 'Needle' from billing.clients c join billing.clients d where core.tenant_id() = $1") == (
        "SELECT billing.clients"
    )
    assert summary("select core.idempotency_sweep(), core.tenant_id()") == (
        "SELECT core.idempotency_sweep core.tenant_id"
    )
    assert summary("select 1") == "SELECT"
    many = " ".join(f"trade.{name}" for name in ("a", "b", "c", "d", "e"))
    assert summary(many) == "SELECT trade.a trade.b trade.c trade.d …"
