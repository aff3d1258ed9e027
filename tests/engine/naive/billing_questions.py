"""Billing's questions, answered a second time."""

from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from hashlib import md5
from typing import Any, Final
from uuid import UUID

from tests.engine.naive.world import Thing, World

Arguments = Mapping[str, Any]
Rows = list[dict[str, Any]]
ZERO: Final = Decimal(0)
BUCKETS: Final = ("not_due", "days_1_to_30", "days_31_to_60", "days_61_to_90", "over_90")
SPANS: Final = ("DAYS_0_TO_30", "DAYS_31_TO_60", "DAYS_61_TO_90", "OVER_90", "NEVER")


def _day(arguments: Arguments, name: str, default: date) -> date:
    return date.fromisoformat(arguments[name]) if arguments.get(name) else default


def _made(*parts: Any) -> UUID:
    """The id of a line that is no row of its own."""
    return UUID(md5(":".join(str(part) for part in parts).encode(), usedforsecurity=False).hexdigest())


def _rounded(value: Decimal, places: str) -> Decimal:
    return value.quantize(Decimal(places), ROUND_HALF_UP)


def _bucket(days: int) -> int:
    return 0 if days <= 0 else min((days - 1) // 30 + 1, 4)


def _open(world: World, day: date) -> Iterable[tuple[UUID, str, date, bool, Decimal]]:
    """What is open now, and what counts only after the day taken off again."""
    for name, figure, ages_from in (
        ("Invoice", "balance", "due_date"),
        ("Payment", "unapplied_amount", "received_on"),
        ("CreditNote", "unapplied_amount", "issue_date"),
    ):
        for row in (thing.row for thing in world.things[name]):
            if name == "Payment" or row["issued_at"]:
                sign = 1 if name == "Invoice" else -1
                yield row["client_id"], row["currency"], row[ages_from], name != "Invoice", sign * row[figure]
    for row in world.client_entries:
        if row["effective_date"] > day:
            yield row["client_id"], row["currency"], row["ages_from"], row["invoice_id"] is None, -row["amount"]


def _last_payment(world: World, client_id: UUID, currency: str, day: date) -> date | None:
    found = [
        row["received_on"]
        for row in (thing.row for thing in world.things["Payment"])
        if (row["client_id"], row["currency"], row["status"]) == (client_id, currency, "CONFIRMED")
    ]
    return max((each for each in found if each <= day), default=None)


def _ageing(world: World, arguments: Arguments, _about: Thing | None = None) -> Rows:
    day = _day(arguments, "asOf", world.today)
    lines: dict[tuple[UUID, str], dict[str, Any]] = {}
    for client_id, currency, ages_from, is_credit, amount in _open(world, day):
        line = lines.setdefault((client_id, currency), dict.fromkeys((*BUCKETS, "total", "unapplied"), ZERO))
        for name in (BUCKETS[_bucket((day - ages_from).days)], "total", *(["unapplied"] if is_credit else [])):
            line[name] += amount
    clients = {client.id: client.row for client in world.things["Client"]}
    found = [
        {
            **line,
            "id": _made(clients[client_id]["tenant_id"], client_id, currency, day),
            "client_id": client_id,
            "currency": currency,
            "last_payment_date": _last_payment(world, client_id, currency, day),
        }
        for (client_id, currency), line in lines.items()
        if any(line.values())
    ]
    return sorted(found, key=lambda line: (line["currency"], clients[line["client_id"]]["name_key"], line["client_id"]))


def _ageing_totals(world: World, arguments: Arguments, _about: Thing | None) -> Rows:
    day, lines = _day(arguments, "asOf", world.today), _ageing(world, arguments)
    return [
        {
            "id": _made(world.person.tenant_id, currency, day),
            "currency": currency,
            "client_count": len([line for line in lines if line["currency"] == currency]),
            **{
                name: sum((line[name] for line in lines if line["currency"] == currency), start=ZERO)
                for name in (*BUCKETS, "total", "unapplied")
            },
        }
        for currency in sorted({line["currency"] for line in lines})
    ]


def _ageing_by_last_payment(world: World, arguments: Arguments, _about: Thing | None) -> Rows:
    day = _day(arguments, "asOf", world.today)
    spans: dict[tuple[str, int], list[Decimal]] = {}
    for line in _ageing(world, arguments):
        paid = line["last_payment_date"]
        span = 4 if paid is None else min(max((day - paid).days - 1, 0) // 30, 3)
        spans.setdefault((line["currency"], span), []).append(line["total"])
    return [
        {
            "id": _made(world.person.tenant_id, currency, SPANS[span], day),
            "currency": currency,
            "last_payment": SPANS[span],
            "client_count": len(totals),
            "total": sum(totals, start=ZERO),
        }
        for (currency, span), totals in sorted(spans.items())
    ]


def _statement(world: World, arguments: Arguments, client: Thing | None) -> Rows:
    assert client is not None
    first, last = _day(arguments, "from", date(1900, 1, 1)), _day(arguments, "to", world.today)
    if first > last:
        return []
    entries = [
        row
        for row in world.client_entries
        if row["client_id"] == client.id and row["effective_date"] <= last and "ALLOCATION" not in row["kind"]
    ]
    documents = {"invoice_id": "number", "credit_note_id": "number", "payment_id": "reference"}
    nouns = {"invoice_id": "Invoice", "credit_note_id": "CreditNote", "payment_id": "Payment"}
    lines: Rows = []
    for currency in sorted({client.row["currency"], *(row["currency"] for row in entries)}):
        balance = ZERO
        empty = dict.fromkeys((*documents, "number", "description", "amount"))

        def end(kind: str, day: date, balance: Decimal, *, of: str = currency, empty: Any = empty) -> dict[str, Any]:
            made = _made(world.person.tenant_id, client.id, of, kind, day)
            return {**empty, "id": made, "kind": kind, "effective_date": day, "currency": of, "balance": balance}

        mine = [row for row in entries if row["currency"] == currency]
        balance = sum((row["amount"] for row in mine if row["effective_date"] < first), start=ZERO)
        lines.append(end("OPENING_BALANCE", first, balance))
        for row in sorted(mine, key=lambda row: (row["effective_date"], row["created_at"], row["id"])):
            if row["effective_date"] >= first:
                balance += row["amount"]
                [via] = [name for name in documents if row[name]]
                document = world.find(nouns[via], row[via])
                number = document.row[documents[via]] if document else None
                lines.append({**row, "number": number, "balance": balance})
        lines.append(end("CLOSING_BALANCE", last, balance))
    return lines


def _months(world: World, arguments: Arguments) -> tuple[date, date]:
    """The first day of the first month, and the last day of the range."""
    last = _day(arguments, "to", world.today)
    months = world.today.year * 12 + world.today.month - 12
    first = _day(arguments, "from", date(months // 12, months % 12 + 1, 1)).replace(day=1)
    return first, last


def _revenue(world: World, arguments: Arguments, _about: Thing | None = None) -> Rows:
    first, last = _months(world, arguments)
    found: dict[tuple[date, str], dict[str, Decimal]] = {}

    def count(figure: str, day: date | None, currency: str, amount: Decimal) -> None:
        if day is not None and first <= day.replace(day=1) <= last:
            figures = ("billed", "paid", "cash", "refunded", "credited")
            found.setdefault((day.replace(day=1), currency), dict.fromkeys(figures, ZERO))[figure] += amount

    for row in (thing.row for thing in world.things["Invoice"]):
        if row["status"] not in ("DRAFT", "CANCELLED"):
            count("billed", row["issue_date"], row["currency"], row["total"])
        count("paid", row["paid_date"], row["currency"], row["total"])
    for row in (thing.row for thing in world.things["Payment"]):
        if row["status"] in ("CONFIRMED", "REFUNDED"):
            count("cash", row["received_on"], row["currency"], row["amount"])
    for row in (thing.row for thing in world.things["PaymentRefund"]):
        payment = world.find("Payment", row["payment_id"])
        assert payment is not None
        count("refunded", row["refunded_on"], payment.row["currency"], row["amount"])
    for row in (thing.row for thing in world.things["CreditNote"]):
        count("credited", row["issue_date"], row["currency"], row["total"])
    return [
        {"id": _made(world.person.tenant_id, month, currency), "month": month, "currency": currency, **figures}
        for (month, currency), figures in sorted(found.items())
    ]


def _collections(world: World, arguments: Arguments, _about: Thing | None) -> Rows:
    lines = []
    for line in _revenue(world, arguments):
        month, currency, billed, cash = line["month"], line["currency"], line["billed"], line["cash"]
        closes_on = month.replace(day=monthrange(month.year, month.month)[1])
        if month <= world.today:
            closes_on = min(closes_on, world.today)
        receivable = sum(
            (amount for _, of, _, is_credit, amount in _open(world, closes_on) if of == currency and not is_credit),
            start=ZERO,
        )
        days = (closes_on - month).days + 1
        lines.append(
            {
                **{name: line[name] for name in ("id", "month", "currency", "billed")},
                "collected": cash,
                "collection_rate": _rounded(cash / billed, "0.0001") if billed else None,
                "receivable": receivable,
                "days": days,
                "days_sales_outstanding": _rounded(receivable * days / billed, "0.01") if billed else None,
            }
        )
    return lines


def _percentile(spans: list[int], percent: int) -> Decimal:
    """Between the two that are nearest, in proportion."""
    place = Decimal(percent) / 100 * (len(spans) - 1)
    below = int(place)
    above = min(below + 1, len(spans) - 1)
    return _rounded(spans[below] + (place - below) * (spans[above] - spans[below]), "0.01")


def _processing_times(world: World, arguments: Arguments, _about: Thing | None) -> Rows:
    first, last = _day(arguments, "from", world.today - timedelta(30)), _day(arguments, "to", world.today)
    methods: dict[UUID, list[Any]] = {}
    for row in (thing.row for thing in world.things["Payment"]):
        is_over = row["status"] not in ("PENDING", "PROCESSING")
        if is_over and row["processing_time_ms"] is not None and first <= row["received_on"] <= last:
            methods.setdefault(row["method_id"], []).append(row)
    return [
        {
            "id": _made(world.person.tenant_id, method_id, first, last),
            "method_id": method_id,
            "payment_count": len(rows),
            "failed_count": len([row for row in rows if row["status"] == "FAILED"]),
            **{
                f"p{percent}": _percentile(sorted(row["processing_time_ms"] for row in rows), percent)
                for percent in (50, 95, 99)
            },
        }
        for method_id, rows in sorted(methods.items(), key=lambda each: (-len(each[1]), each[0]))
    ]


BILLING_QUESTIONS: Final[dict[str, Callable[[World, Arguments, Thing | None], Rows]]] = {
    "AgeingLine": _ageing,
    "AgeingTotal": _ageing_totals,
    "LastPaymentAgeing": _ageing_by_last_payment,
    "ClientStatementLine": _statement,
    "RevenueMonth": _revenue,
    "ReckonedMonth": _revenue,
    "CollectionMonth": _collections,
    "ProcessingTime": _processing_times,
}
