"""Whoever stops a server or a worker waits for as long as it may take to end well."""

import re
from typing import Final

import pytest

from gql import app
from gql.cli import serve
from gql.database.pool import database
from gql.http.serving import NOTICE_SECONDS
from gql.worker import worker
from tests.deploy.files import DEPLOY, read_all, read_yaml

# As `serve` ends: it says that it does, requests end, writes, mail, the pools, and the last spans of a trace.
SPANS: Final = 3
OF_SERVER: Final = NOTICE_SECONDS + serve.DRAIN_SECONDS + 2 * app.DRAIN_SECONDS + database.DRAIN_SECONDS + SPANS
OF_WORKER: Final = worker.DRAIN_SECONDS + database.DRAIN_SECONDS + SPANS


@pytest.mark.parametrize(("name", "needed"), [("server", OF_SERVER), ("worker", OF_WORKER)])
def test_they_are_given_time_to_end(name: str, needed: float) -> None:
    [deployment] = [each for each in read_all(f"kubernetes/{name}.yaml") if each["kind"] == "Deployment"]
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > needed
    compose = read_yaml("compose/compose.yaml")["services"][name]
    assert compose["stop_signal"] == "SIGTERM"
    assert int(compose["stop_grace_period"].removesuffix("s")) > needed
    unit = (DEPLOY / f"systemd/countinghouse-{name}.service").read_text()
    found = re.search(r"^TimeoutStopSec=(\d+)s$", unit, re.MULTILINE)
    assert found is not None
    assert int(found[1]) > needed


def test_readiness_is_asked_often_enough_to_be_seen_in_time() -> None:
    """A server serves for NOTICE_SECONDS after it has said that it leaves: by then nobody sends it anything more."""
    [deployment] = [each for each in read_all("kubernetes/server.yaml") if each["kind"] == "Deployment"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    probe = container["readinessProbe"]
    assert probe["httpGet"]["path"] == "/readyz"
    assert probe["periodSeconds"] * probe["failureThreshold"] < NOTICE_SECONDS
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
