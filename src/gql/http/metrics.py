"""/metrics: what Prometheus reads."""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from gql.database.pool import PoolStatistics, Replica
from gql.errors import Code

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
OK: Final = "OK"
CLIENT_GONE: Final = "CLIENT_GONE"
UNKNOWN_KIND: Final = "none"
"""The kind of a request that was refused before anyone knew what it asks."""
UNKNOWN_REASON: Final = "none"

_CODE: Final = re.compile(rb'"code":"([A-Z_]+)"')
_CODES: Final = frozenset(code.value for code in Code)
_GAUGES: Final = {
    "size": "Connections that are open.",
    "idle": "Open connections that nobody uses.",
    "waiting": "Requests that wait for a connection.",
    "limit": "The most connections that the pool opens.",
}
_COUNTERS: Final = {
    "acquisitions": "Connections lent.",
    "switches": "Connections moved from one context to another.",
    "direct": "Statements run through the tenant's role.",
    "read": "Statements run through the read door.",
    "opened": "Connections opened.",
    "lost": "Connections that died.",
    "mended": "Connections brought back from an unknown state.",
    "exhausted": "Requests that waited for a connection in vain.",
    "silent": "Connections closed because no answer came in time.",
}


class Metrics:
    """Counts requests, and reports what the pools and the hashing of passwords say of themselves."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = _RequestCollector()
        self.registry.register(self._requests)
        self._unavailable: Counter[str] = Counter()
        self.watch_counts(
            "countinghouse_unavailable",
            "Requests that were answered UNAVAILABLE, by the reason: what an operator has to see to.",
            "reason",
            lambda: self._unavailable,
        )
        ProcessCollector(registry=self.registry)  # CPU, memory and open files

    def observe(self, kind: str, code: str, seconds: float, reason: str | None = None) -> None:
        """Count one request."""
        self._requests.observe(kind, code, seconds)
        if code == Code.UNAVAILABLE.value:
            self._unavailable[reason or UNKNOWN_REASON] += 1

    def watch_pool(self, name: str, statistics: Callable[[], PoolStatistics]) -> None:
        """Report a pool under this name."""
        self.registry.register(_PoolCollector(name, statistics))

    def watch(self, name: str, meaning: str, value: Callable[[], float]) -> None:
        """Report one figure as it stands."""
        self.registry.register(_FigureCollector(GaugeMetricFamily, name, meaning, value))

    def watch_replica(self, replica: Replica) -> None:
        """Report a replica, and its pool. How many queries each answers, the acquisitions of the pools tell."""
        self.watch_pool("replica", lambda: replica.pool.statistics)
        self.watch(
            "countinghouse_replica_lag_bytes", "What the replica has yet to replay.", lambda: float(replica.lag_bytes)
        )
        self.watch(
            "countinghouse_replica_lag_seconds", "So long ago the replica had everything.", lambda: replica.lag_seconds
        )
        self.watch("countinghouse_replica_is_used", "Whether it answers queries.", lambda: float(replica.is_used))
        self.registry.register(
            _FigureCollector(
                CounterMetricFamily,
                "countinghouse_replica_sent_on",
                "Queries that the replica could not answer, and the primary did.",
                lambda: float(replica.sent_on),
            )
        )

    def watch_counts(self, name: str, meaning: str, label: str, counts: Callable[[], Mapping[str, int]]) -> None:
        """Report counts as they stand, by their names."""
        self.registry.register(_CountsCollector(name, meaning, label, counts))

    async def endpoint(self, request: Request) -> Response:
        """/metrics."""
        return Response(generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def code_of(body: bytes) -> str:
    """The code of the first error in a GraphQL answer; OK where there is none.

    An answer without errors ends with the braces of its data, one with errors with their bracket.
    """
    if not body.endswith(b"]}"):
        return OK
    found = _CODE.search(body, body.rfind(b'"errors":['))
    code = found[1].decode() if found else Code.INTERNAL_SERVER_ERROR.value
    return code if code in _CODES else Code.INTERNAL_SERVER_ERROR.value


class _RequestCollector(Collector):
    """Counted in plain dictionaries and told when asked for: on the way of every request, the library's own counters,
    which threads may share, would cost as much as verifying its token."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str]] = Counter()
        self._times: dict[str, list[int]] = {}
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def observe(self, kind: str, code: str, seconds: float) -> None:
        self._requests[kind, code] += 1
        times = self._times.get(kind)
        if times is None:
            times = self._times[kind] = [0] * (len(BUCKETS) + 1)
        times[bisect_left(BUCKETS, seconds)] += 1
        self._seconds[kind] += seconds

    def collect(self) -> Iterable[Metric]:
        requests = CounterMetricFamily(
            "countinghouse_requests",
            "GraphQL requests by the kind of operation and the code of their first error.",
            labels=["kind", "code"],
        )
        for (kind, code), count in self._requests.items():
            requests.add_metric([kind, code], count)
        yield requests
        seconds = HistogramMetricFamily(
            "countinghouse_request_seconds",
            "Time from the request's headers to the end of its answer.",
            labels=["kind"],
        )
        for kind, times in self._times.items():
            bounds = [*(str(bound) for bound in BUCKETS), "+Inf"]
            seconds.add_metric([kind], list(zip(bounds, accumulate(times), strict=True)), self._seconds[kind])
        yield seconds


class _PoolCollector(Collector):
    def __init__(self, name: str, statistics: Callable[[], PoolStatistics]) -> None:
        self._name = name
        self._statistics = statistics

    def collect(self) -> Iterable[Metric]:
        statistics = self._statistics()
        for figure, meaning in _GAUGES.items():
            yield GaugeMetricFamily(
                f"countinghouse_{self._name}_pool_{figure}", meaning, value=getattr(statistics, figure)
            )
        for figure, meaning in _COUNTERS.items():
            yield CounterMetricFamily(
                f"countinghouse_{self._name}_pool_{figure}", meaning, value=getattr(statistics, figure)
            )


class _CountsCollector(Collector):
    def __init__(self, name: str, meaning: str, label: str, counts: Callable[[], Mapping[str, int]]) -> None:
        self._name = name
        self._meaning = meaning
        self._label = label
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(self._name, self._meaning, labels=[self._label])
        for name, count in self._counts().items():
            family.add_metric([name], count)
        yield family


class _FigureCollector(Collector):
    def __init__(
        self,
        family: type[GaugeMetricFamily] | type[CounterMetricFamily],
        name: str,
        meaning: str,
        value: Callable[[], float],
    ) -> None:
        self._family = family
        self._name = name
        self._meaning = meaning
        self._value = value

    def collect(self) -> Iterable[Metric]:
        yield self._family(self._name, self._meaning, value=self._value())
