"""/metrics counts what happened, and names nobody."""

from prometheus_client.parser import text_string_to_metric_families

from gql.http.metrics import code_of
from tests.harness.tenants import Tenant
from tests.http.servers import Running


async def figures(server: Running) -> dict[tuple[str, str, str], float]:
    """The figures of /metrics by name, kind and code."""
    text = (await server.client.get("/metrics")).text
    return {
        (sample.name, sample.labels.get("kind", ""), sample.labels.get("code", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_every_request_is_counted_by_its_kind_and_the_code_of_its_error(server: Running, token: str) -> None:
    before = await figures(server)
    await server.ask("{ __typename }")
    await server.ask("{ invoices { totalCount } }", token=token)
    await server.ask("{ invoices { totalCount } }")
    await server.ask("{")
    await server.send(b"{")
    await server.ask(
        'mutation { clientArchive(input: { id: "0190b6a4-7c3e-7d52-9f38-2f6d1a0c9b11" }) { __typename } }', token=token
    )
    after = await figures(server)
    requests = {
        key[1:]: after[key] - before.get(key, 0)
        for key in after
        if key[0] == "countinghouse_requests_total" and after[key] != before.get(key, 0)
    }
    assert requests == {
        ("query", "OK"): 2,
        ("query", "UNAUTHENTICATED"): 1,
        ("none", "GRAPHQL_PARSE_FAILED"): 1,
        ("none", "BAD_REQUEST"): 1,
        ("mutation", "NOT_FOUND"): 1,
    }
    seconds = ("countinghouse_request_seconds_count", "query", "")
    assert after[seconds] - before.get(seconds, 0) == 3


async def test_the_pools_and_the_hashing_of_passwords_are_reported(server: Running, token: str) -> None:
    await server.ask("{ invoices { totalCount } }", token=token)
    found = {name: value for (name, _, _), value in (await figures(server)).items()}
    assert found["countinghouse_read_pool_limit"] == server.settings.read_connections
    assert found["countinghouse_write_pool_limit"] == server.settings.write_connections
    assert found["countinghouse_read_pool_size"] >= 1
    assert found["countinghouse_read_pool_waiting"] == 0
    assert found["countinghouse_read_pool_acquisitions_total"] >= 1
    assert found["countinghouse_passwords_waiting"] == 0


async def test_nothing_in_the_metrics_names_an_organisation_or_a_person(
    server: Running, house: Tenant, token: str
) -> None:
    await server.ask("{ organisation { name } }", token=token)
    text = (await server.client.get("/metrics")).text
    for word in (house.slug, house.name, house.tenant_id.hex, str(house.tenant_id), house.owner_email):
        assert word not in text


def test_the_code_of_an_answer_is_that_of_its_first_error_whatever_its_data_says() -> None:
    assert code_of(b'{"data":{"a":1}}') == "OK"
    assert code_of(b'{"data":{"a":"\\"errors\\":[{\\"code\\":\\"CONFLICT\\"}]"}}') == "OK"
    assert code_of(b'{"data":null,"errors":[{"message":"m","extensions":{"code":"CONFLICT"}}]}') == "CONFLICT"
    assert (
        code_of(b'{"data":null,"errors":[{"message":"m","extensions":{"code":"MADE_UP"}}]}') == "INTERNAL_SERVER_ERROR"
    )
