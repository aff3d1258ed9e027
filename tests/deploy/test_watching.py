"""What Prometheus is asked and what a dashboard shows: in Prometheus's own grammar, of figures that a real server and a
real worker tell, with labels that they have."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import promql_parser
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gql.errors import Code
from gql.http.metrics import BUCKETS, CLIENT_GONE, OK, UNKNOWN_KIND
from gql.settings import Settings
from gql.worker.duties import DUTIES
from gql.worker.figures import OUTCOMES
from tests.deploy.files import DEPLOY, judged, read_yaml
from tests.harness.postgres import TestDatabase
from tests.http.servers import running
from tests.worker.working import working

FROM_ELSEWHERE: Final = frozenset(
    {
        "up",  # Prometheus's own
        "countinghouse_replica_lag_seconds",  # a server that has a replica
        "countinghouse_replica_lag_bytes",
        "countinghouse_backup_last_success_timestamp_seconds",  # the backup, through node_exporter
    }
)
RULES: Final = [rule for group in read_yaml("prometheus/rules.yml")["groups"] for rule in group["rules"]]
ALERTS: Final = [rule for rule in RULES if "alert" in rule]
DASHBOARD: Final = json.loads((DEPLOY / "grafana/countinghouse.json").read_text())
PANELS: Final = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
LABELS: Final = {
    "code": {code.value for code in Code} | {OK, CLIENT_GONE},
    "kind": {"query", "mutation", UNKNOWN_KIND},
    "duty": {duty.name for duty in DUTIES},
    "outcome": set(OUTCOMES),
    "job": {job["job_name"] for job in read_yaml("prometheus/prometheus.yml")["scrape_configs"]},
    "le": {str(bound) for bound in BUCKETS},
}
UNITS: Final = {"reqps", "ops", "s", "percentunit", "bytes", "short"}


def questions() -> Iterator[tuple[str, str]]:
    """Where each question stands, and it, with Grafana's variables put in."""
    for rule in RULES:
        yield rule.get("alert", rule.get("record")), rule["expr"]
    for panel in PANELS:
        for target in panel["targets"]:
            asked = target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
            assert "$" not in asked
            yield panel["title"], asked


QUESTIONS: Final = list(questions())


def selectors(part: Any) -> Iterator[promql_parser.VectorSelector]:
    """Every selector of a question, however deep."""
    if isinstance(part, promql_parser.VectorSelector):
        yield part
    elif isinstance(part, promql_parser.MatrixSelector):
        yield part.vector_selector
    elif isinstance(part, promql_parser.BinaryExpr):
        yield from selectors(part.lhs)
        yield from selectors(part.rhs)
    elif isinstance(part, promql_parser.Call):
        for each in part.args:
            yield from selectors(each)
    elif isinstance(part, promql_parser.AggregateExpr | promql_parser.SubqueryExpr | promql_parser.ParenExpr):
        yield from selectors(part.expr)
    else:
        assert isinstance(part, promql_parser.NumberLiteral | promql_parser.StringLiteral), part


@pytest.fixture(scope="module")
async def told(settings: Settings, database: TestDatabase) -> set[str]:
    """The names of all that a server and a worker tell."""
    async with running(settings, database.api_url) as server, working() as worker:
        await server.ask("{ __typename }")
        text = (await server.client.get("/metrics")).text + generate_latest(worker.figures.registry).decode()
    names = set()
    for family in text_string_to_metric_families(text):
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
        names |= {family.name + suffix for suffix in suffixes}
    return names


@pytest.mark.parametrize(("place", "question"), QUESTIONS, ids=[place for place, _ in QUESTIONS])
async def test_what_is_asked_for_is_told(place: str, question: str, told: set[str]) -> None:
    known = told | FROM_ELSEWHERE | {rule["record"] for rule in RULES if "record" in rule}
    found = list(selectors(promql_parser.parse(question)))
    assert found
    for selector in found:
        assert selector.name in known
        for matcher in selector.matchers.matchers:
            wanted = set(matcher.value.split("|")) if matcher.name != "instance" else set()
            assert wanted <= LABELS.get(matcher.name, set())


async def test_a_figure_that_nobody_tells_would_be_found(told: set[str]) -> None:
    [selector] = selectors(promql_parser.parse("rate(countinghouse_no_such_total[5m])"))
    assert selector.name not in told | FROM_ELSEWHERE
    assert "countinghouse_requests_total" in told
    with pytest.raises(ValueError, match="unclosed"):
        promql_parser.parse("sum(rate(countinghouse_requests_total[5m])")


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    assert len({rule["alert"] for rule in ALERTS}) == len(ALERTS)
    for rule in ALERTS:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"].keys() == {"summary", "description"}
        assert rule["annotations"]["description"].endswith(".")


def test_every_alert_is_tested() -> None:
    text = (DEPLOY / "prometheus/rules.test.yml").read_text()
    good_day = read_yaml("prometheus/rules.test.yml")["tests"][0]
    still = {each["alertname"] for each in good_day["alert_rule_test"]}
    for rule in ALERTS:
        name = rule["alert"]
        assert name in still, "it keeps still on a good day"
        assert re.search(rf'alertname="{name}"|alertname: {name}\n\s+exp_alerts', text), "it fires on a bad one"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Prometheus is not installed")
def test_prometheus_itself_takes_the_rules_and_the_alerts_fire_when_they_should() -> None:
    directory = DEPLOY / "prometheus"
    assert judged("promtool", "check", "rules", directory / "rules.yml") == ""
    assert judged("promtool", "check", "config", directory / "prometheus.yml") == ""
    assert judged("promtool", "test", "rules", directory / "rules.test.yml") == ""


def test_every_panel_says_what_it_shows() -> None:
    ids = Counter(panel["id"] for panel in DASHBOARD["panels"])
    assert set(ids.values()) == {1}
    titles = Counter(panel["title"] for panel in DASHBOARD["panels"])
    assert set(titles.values()) == {1}
    for panel in PANELS:
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        references = [target["refId"] for target in panel["targets"]]
        assert references
        assert len(set(references)) == len(references)


def test_no_panel_lies_over_another() -> None:
    taken: Counter[tuple[int, int]] = Counter()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        taken.update(
            (place["x"] + across, place["y"] + down) for across in range(place["w"]) for down in range(place["h"])
        )
    assert max(taken.values()) == 1
