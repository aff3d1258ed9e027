"""Documents: what depth, breadth and length cost in the server, and what they cost in PostgreSQL."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression
from typing import Any, Final

from graphql import GraphQLObjectType, is_leaf_type
from graphql.type import get_named_type

from bench.database import bench_database
from bench.growth.asking import Question, Say, answer, in_turns, middle, server
from bench.growth.bends import bend
from bench.growth.requests import with_body
from bench.growth.scope import Scope
from bench.growth.section import Section, Table
from bench.load import Sample
from bench.peers.ours import Ours
from bench.plot import Points, lines
from bench.works import Facts
from gql.schema import build_schema

NEWEST: Final = "orderBy: [ISSUE_DATE_DESC]"
DEPTH, FIELDS, ALIASES, PAGES = "depth", "fields", "root lists", "page size"
LIKED: Final = (
    "number", "issueDate", "total", "status", "id", "dueDate", "currency", "subtotal", "discount", "taxRate",
    "taxAmount", "balance", "isOverdue", "clientId", "series", "createdAt", "updatedAt", "issuedAt", "viewedAt",
    "paidDate",
)  # fmt: skip
"""The fields of an invoice that are asked for first."""
OBJECTS: Final = ("billFrom", "billTo", "branding", "metadata")
"""Those that hold JSON."""


@dataclass(frozen=True)
class Asked:
    """One document of a kind."""

    kind: str
    size: str
    """How deep, how broad or how long it is, in words."""
    text: str


@dataclass(frozen=True)
class Found:
    """A document and what its answer took."""

    asked: Asked
    rows: int
    answer_bytes: int
    samples: list[Sample]

    def middle(self, figure: str) -> float:
        return middle(self.samples, figure)


def nested(levels: int, page: int, client: str) -> str:
    """A client's invoices, the client of each, that client's invoices and so on: `levels` fields below the root."""
    below = ""
    for level in range(levels, 0, -1):
        below = (
            f"client {{ name {below} }}"
            if level % 2 == 0
            else f"invoices(first: {page}) {{ nodes {{ number {below} }} }}"
        )
    return f'{{ client(id: "{client}") {{ name {below} }} }}'


def invoice_fields() -> list[str]:
    """All fields of an invoice that hold a value and not rows: those of `LIKED` first."""
    kind = build_schema()._schema.type_map["Invoice"]
    assert isinstance(kind, GraphQLObjectType)
    names = [name for name, field in kind.fields.items() if is_leaf_type(get_named_type(field.type)) and not field.args]
    return [*(name for name in LIKED if name in names), *(name for name in names if name not in LIKED)]


def documents(client: str) -> Iterator[Asked]:
    """Every document that is asked. Ten levels are the limit, which five fields below a client's reach."""
    for page in (1, 5):
        for levels in range(6):
            fields = 2 + 2 * levels - levels // 2
            yield Asked(f"{DEPTH}, pages of {page}", f"{fields} levels", nested(levels, page, client))
    names = invoice_fields()
    for count in (1, 5, 20, len(names)):
        chosen = " ".join(names[:count])
        yield Asked(
            FIELDS,
            "1 field" if count == 1 else f"{count} fields",
            f"{{ invoices(first: 20, {NEWEST}) {{ nodes {{ {chosen} }} }} }}",
        )
    for count in (1, 2, 5, 10):
        roots = " ".join(f"list{n}: invoices(first: 5, {NEWEST}) {{ nodes {{ number total }} }}" for n in range(count))
        yield Asked(ALIASES, f"{count} of 5", f"{{ {roots} }}")
    for size in (1, 10, 50, 100):
        chosen = "number issueDate total status client { name }"
        yield Asked(PAGES, str(size), f"{{ invoices(first: {size}, {NEWEST}) {{ nodes {{ {chosen} }} }} }}")


def rows_of(answer: Any) -> int:
    """The rows in an answer: its objects, without those that only hold a page of them, or that one field holds."""
    if isinstance(answer, list):
        return sum(rows_of(each) for each in answer)
    if isinstance(answer, dict):
        return int("nodes" not in answer) + sum(rows_of(it) for name, it in answer.items() if name not in OBJECTS)
    return 0


async def measure(scope: Scope, say: Say) -> Section:
    """Ask each document over one connection."""
    async with bench_database(scope.sizes, scope.dataset, say) as database:
        tenant = database.facts[0]
        async with server(database.place, database.facts, scope.dataset) as ours:
            asked = list(documents(tenant.client_id))
            found = []
            for each in asked:
                data, size = await answer(ours, await _request(ours, tenant, each))
                found.append((rows_of(data) - 1, size))
            questions = [_question(ours, tenant, each) for each in asked]
            samples = await in_turns(ours, questions, scope, database.postmaster_id, say)
    all_found = [
        Found(each, *facts, samples[question.name])
        for each, facts, question in zip(asked, found, questions, strict=True)
    ]
    return _section(all_found, database.version, scope)


async def _request(ours: Ours, tenant: Facts, asked: Asked) -> bytes:
    return with_body(await ours.request("list", tenant, 0), asked.text)


def _question(ours: Ours, tenant: Facts, asked: Asked) -> Question:
    async def requests() -> list[list[bytes]]:
        return [[await _request(ours, tenant, asked)]]

    return Question(f"{asked.kind}, {asked.size}", requests)


def _section(found: list[Found], version: str, scope: Scope) -> Section:
    by_kind: dict[str, list[Found]] = {}
    for each in found:
        by_kind.setdefault(each.asked.kind, []).append(each)
    ordered = sorted(found, key=lambda each: (each.rows, each.answer_bytes))
    return Section(
        "Documents: deeper, broader and longer",
        version,
        how=[
            f"The dataset of the comparison ({scope.sizes}), one tenant, one connection.",
            "depth: a client's invoices, the client of each, that client's invoices and so on, up to the limit of ten"
            " levels. fields: 20 invoices with 1, 5, 20 and all fields that hold a value. root lists: the newest five"
            " invoices under several aliases. page size: invoices with their clients' names.",
        ],
        tables=[
            Table(
                (kind, "rows", "answer bytes", "p50 ms", "requests/s", "server CPU ms", "PostgreSQL CPU ms"),
                [
                    (
                        each.asked.size,
                        f"{each.rows:,}",
                        f"{each.answer_bytes:,}",
                        f"{each.middle('p50_ms'):.3f}",
                        f"{each.middle('per_second'):,.0f}",
                        f"{each.middle('server_cpu_ms'):.3f}",
                        f"{each.middle('postgres_cpu_ms'):.3f}",
                    )
                    for each in some
                ],
            )
            for kind, some in by_kind.items()
        ],
        found=_found(found),
        plots={
            "growth-depth.svg": lambda path: _drawn(
                path,
                "An answer that is one level deeper",
                {kind: by_kind[kind] for kind in by_kind if DEPTH in kind},
                "levels",
            ),
            "growth-fields.svg": lambda path: _drawn(
                path, "20 invoices with more and more fields", {FIELDS: by_kind[FIELDS]}, "fields"
            ),
            "growth-documents.svg": lambda path: lines(
                path,
                "CPU for each request, from the answer with the fewest rows to that with the most",
                [str(each.rows) for each in ordered],
                {
                    "server": [each.middle("server_cpu_ms") for each in ordered],
                    "PostgreSQL": [each.middle("postgres_cpu_ms") for each in ordered],
                },
                unit="ms of CPU",
                across="rows of the answer",
            ),
        },
    )


def _drawn(path: Path, title: str, kinds: dict[str, list[Found]], across: str) -> None:
    """The time of each size, a line for each kind."""
    sizes = [each.asked.size.split()[0] for each in next(iter(kinds.values()))]
    times: dict[str, Points] = {kind: [each.middle("p50_ms") for each in some] for kind, some in kinds.items()}
    lines(path, title, sizes, times, unit="p50 in ms, one connection", across=across)


def _found(found: list[Found]) -> list[str]:
    """Two straight lines through all documents: server over bytes, PostgreSQL over rows."""
    sizes = [each.answer_bytes / 1000 for each in found]
    rows = [float(each.rows) for each in found]
    server_line = linear_regression(sizes, [each.middle("server_cpu_ms") for each in found])
    postgres_line = linear_regression(rows, [each.middle("postgres_cpu_ms") for each in found])
    small, large = min(found, key=lambda each: each.answer_bytes), max(found, key=lambda each: each.answer_bytes)
    return [
        f"The server: {server_line.intercept * 1000:.0f} µs of CPU for each request and"
        f" {server_line.slope * 1000:.1f} µs for each kB of the answer (a straight line through all documents)."
        " The largest answer has"
        f" {large.answer_bytes / small.answer_bytes:.0f} times the bytes of the smallest and takes"
        f" {large.middle('server_cpu_ms') / max(1e-9, small.middle('server_cpu_ms')):.2f} times the server's CPU.",
        f"PostgreSQL: {postgres_line.intercept * 1000:.0f} µs of CPU for each request and"
        f" {postgres_line.slope * 1000:.1f} µs for each row.",
        *_bends(found),
    ]


def _bends(found: list[Found]) -> list[str]:
    """Depth is paid by the rows it brings, and fields by the bytes: neither by itself."""
    told = []
    for kind, across in ((f"{DEPTH}, pages of 1", "levels"), (f"{DEPTH}, pages of 5", "levels"), (FIELDS, "fields")):
        some = [each for each in found if each.asked.kind == kind]
        sizes = [float(each.asked.size.split()[0]) for each in some]
        first, last = some[0], some[-1]
        told.append(
            bend(f"{kind}: p50", across, sizes, [each.middle("p50_ms") for each in some], times=2)
            + f" Meanwhile the rows go from {first.rows} to {last.rows} and the bytes from {first.answer_bytes:,} to"
            f" {last.answer_bytes:,}."
        )
    return told
