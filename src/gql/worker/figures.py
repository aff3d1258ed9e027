"""What Prometheus is told of a worker: what it did, and what waits, by duty and never by organisation."""

from collections.abc import Iterable
from time import time
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
DONE: Final = "done"
NOT_SENT: Final = "not_sent"
FAILED: Final = "failed"
OUTCOMES: Final = (DONE, NOT_SENT, FAILED)


class Waiting(NamedTuple):
    """The jobs of a duty whose time has come: how many there are, and since when the oldest waits."""

    jobs: int
    since: float


class Figures:
    """The figures of one worker. What waits is the same whichever worker tells it: take the largest, not the sum."""

    def __init__(self, duties: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # CPU, memory and open files
        self.looked_at = 0.0
        self._jobs = Counter(
            "countinghouse_worker_jobs",
            "Jobs by duty and outcome: done, failed (to be tried again), or a message that was not sent.",
            ["duty", "outcome"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "countinghouse_worker_job_seconds",
            "How long a job took, whatever came of it.",
            ["duty"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._done_at = Gauge(
            "countinghouse_worker_done_timestamp_seconds",
            "When the last job of a duty was done, as a Unix time.",
            ["duty"],
            registry=self.registry,
        )
        self._due = Gauge(
            "countinghouse_worker_due",
            "How much the last look at a duty found to be due.",
            ["duty"],
            registry=self.registry,
        )
        looked = Gauge(
            "countinghouse_worker_looked_timestamp_seconds",
            "When the worker last looked for what is due, as a Unix time.",
            registry=self.registry,
        )
        looked.set_function(lambda: self.looked_at)
        self._waiting = _WaitingCollector(duties)
        self.registry.register(self._waiting)
        for duty in self._waiting.duties:  # a counter that begins at one has no increase
            for outcome in OUTCOMES:
                self._jobs.labels(duty, outcome)

    def ended(self, duty: str, outcome: str, seconds: float) -> None:
        """A job has ended so."""
        self._jobs.labels(duty, outcome).inc()
        self._seconds.labels(duty).observe(seconds)
        if outcome == DONE:
            self._done_at.labels(duty).set_to_current_time()

    def found(self, duty: str, due: int) -> None:
        """So much was found to be due."""
        self._due.labels(duty).set(due)

    def looked(self, waiting: dict[str, Waiting]) -> None:
        """A look has ended, and these jobs wait."""
        self.looked_at = time()
        self._waiting.waiting = waiting


class _WaitingCollector(Collector):
    """The age of what waits grows between two looks, too."""

    def __init__(self, duties: Iterable[str]) -> None:
        self.duties = tuple(duties)
        self.waiting: dict[str, Waiting] = {}

    def collect(self) -> Iterable[Metric]:
        jobs = GaugeMetricFamily(
            "countinghouse_worker_waiting_jobs", "Jobs whose time has come and that have not ended.", labels=["duty"]
        )
        oldest = GaugeMetricFamily(
            "countinghouse_worker_oldest_job_seconds", "For how long the oldest of them has waited.", labels=["duty"]
        )
        now = time()
        for duty in self.duties:
            waiting = self.waiting.get(duty)
            jobs.add_metric([duty], waiting.jobs if waiting else 0)
            oldest.add_metric([duty], max(now - waiting.since, 0.0) if waiting else 0.0)
        yield jobs
        yield oldest
