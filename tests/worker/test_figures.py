"""What a worker tells Prometheus: what it did, what waits, and nothing of whose it is."""

import asyncio
import socket
from dataclasses import replace
from datetime import timedelta
from secrets import token_hex
from time import time
from typing import Any, Final

import httpx
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gql.messages.carriers import NotCarried
from gql.messages.message import Message
from gql.settings import Settings
from gql.worker.duties import DUTIES, Delivery, Duty
from gql.worker.figures import Figures, Waiting
from gql.worker.telling import LATE_SECONDS, Teller
from tests.harness.actors import as_owner
from tests.harness.command_line import countinghouse, environment
from tests.harness.programs import a_program
from tests.harness.tenants import Tenant
from tests.worker.test_deliveries import a_message
from tests.worker.working import eventually, expired_hold, is_expired, the_duty, working

OFTEN: Final = timedelta(milliseconds=50)
HOLDS: Final = the_duty("expire-holds")
JOBS: Final = "countinghouse_worker_jobs_total"


def said(text: str) -> dict[tuple[str, str, str], float]:
    """Figures by name, duty and outcome."""
    return {
        (sample.name, sample.labels.get("duty", ""), sample.labels.get("outcome", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def told(figures: Figures) -> dict[tuple[str, str, str], float]:
    return said(generate_latest(figures.registry).decode())


def of_these(*tenants: Tenant, **more: Any) -> Duty:
    """The duty under a name of its own, and for nobody else: others have left things that are due."""
    theirs = ", ".join(f"'{each.tenant_id}'" for each in tenants)
    due = f"select tenant_id, null from ledger.holds_due() where tenant_id in ({theirs})"
    return replace(HOLDS, name=f"holds-{token_hex(4)}", due=due, **more)


async def test_what_is_done_and_what_fails_is_counted_by_its_duty(tenant: Tenant, other_tenant: Tenant) -> None:
    holds = [await expired_hold(each) for each in (tenant, other_tenant)]
    fails = f"core.tenant_id() = '{tenant.tenant_id}'"
    run = f"case when {fails} then 1 / (length(core.role()) - 6) else ledger.expire_holds() end"
    duty = of_these(tenant, other_tenant, run=run)
    begun = time()
    async with working([duty]) as worker:
        await eventually(lambda: is_expired(holds[1]))

        async def both_have_ended() -> bool:
            return told(worker.figures)["countinghouse_worker_job_seconds_count", duty.name, ""] >= 2

        await eventually(both_have_ended)
        found = told(worker.figures)
    assert found[JOBS, duty.name, "done"] == 1
    assert found[JOBS, duty.name, "failed"] == 1
    assert found[JOBS, duty.name, "not_sent"] == 0
    assert found["countinghouse_worker_due", duty.name, ""] == 2
    assert begun <= found["countinghouse_worker_done_timestamp_seconds", duty.name, ""] <= time()
    assert begun <= found["countinghouse_worker_looked_timestamp_seconds", "", ""] <= time()


async def test_a_job_that_waits_is_told_with_its_age(tenant: Tenant) -> None:
    await expired_hold(tenant)
    duty = of_these(tenant, every=OFTEN)
    async with as_owner(tenant) as in_the_way, working([duty]) as worker:
        async with in_the_way.transaction():
            await in_the_way.execute("select from ledger.accounts for update")

            async def it_waits() -> bool:
                return told(worker.figures)["countinghouse_worker_waiting_jobs", duty.name, ""] == 1

            await eventually(it_waits)
            first = told(worker.figures)["countinghouse_worker_oldest_job_seconds", duty.name, ""]
            await asyncio.sleep(0.2)
            assert told(worker.figures)["countinghouse_worker_oldest_job_seconds", duty.name, ""] >= first + 0.2

        async def nothing_waits() -> bool:
            return told(worker.figures)["countinghouse_worker_waiting_jobs", duty.name, ""] == 0

        await eventually(nothing_waits)
        assert told(worker.figures)["countinghouse_worker_oldest_job_seconds", duty.name, ""] == 0


class Refusing:
    """A carrier that carries nothing."""

    async def carry(self, message: Message) -> None:
        raise NotCarried("no such house", is_final=True)


async def test_a_message_that_was_not_sent_is_no_failure_and_is_told(tenant: Tenant) -> None:
    await a_message(tenant)
    due = f"select tenant_id, id from billing.invoice_messages_due() where tenant_id = '{tenant.tenant_id}'"
    invoices = next(duty for duty in DUTIES if isinstance(duty, Delivery) and duty.name == "send-invoices")
    duty = replace(invoices, name=f"send-{token_hex(4)}", due=due)
    async with working([duty], carrier=Refusing()) as worker:

        async def it_was_tried() -> bool:
            return told(worker.figures)[JOBS, duty.name, "not_sent"] == 1

        await eventually(it_was_tried)
        found = told(worker.figures)
    assert found[JOBS, duty.name, "failed"] == found[JOBS, duty.name, "done"] == 0
    assert ("countinghouse_worker_done_timestamp_seconds", duty.name, "") not in found


async def test_a_worker_tells_of_every_duty_and_of_nobody(settings: Settings, tenant: Tenant) -> None:
    await expired_hold(tenant)
    env = environment(settings, METRICS_PORT="0")
    async with a_program("work", env=env, lines=2) as worker, httpx.AsyncClient(base_url=worker.place) as client:

        async def it_is_done() -> bool:
            return said((await client.get("/metrics")).text)[JOBS, "expire-holds", "done"] >= 1

        await eventually(it_is_done)
        text = (await client.get("/metrics")).text
        for path, status in (("/healthz", 200), ("/readyz", 200), ("/", 404), ("/graphql", 404)):
            assert (await client.get(path)).status_code == status
        await worker.stop()
    assert {duty for name, duty, _ in said(text) if name == JOBS} == {duty.name for duty in DUTIES}
    for word in (tenant.slug, tenant.name, tenant.tenant_id.hex, str(tenant.tenant_id)):
        assert word not in text


async def test_a_worker_that_has_not_looked_for_long_is_not_ready() -> None:
    figures = Figures(["expire-holds"])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(Teller(figures)), base_url="http://worker") as client:
        assert (await client.get("/readyz")).status_code == 503
        figures.looked({"expire-holds": Waiting(1, time())})
        assert (await client.get("/readyz")).status_code == 200
        figures.looked_at -= LATE_SECONDS
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200


async def test_without_the_setting_nothing_listens_and_a_taken_port_is_told(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        outcome = await countinghouse("work", env=environment(settings, METRICS_PORT=str(port)))
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err == (
        f"countinghouse: 127.0.0.1:{port} is taken by another program."
        " Stop that, or choose another port with COUNTINGHOUSE_METRICS_PORT.\n"
    )
