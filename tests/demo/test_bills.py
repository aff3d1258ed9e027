"""The invoices that are drawn for a demo organisation."""

from collections import Counter
from datetime import date, timedelta

import pytest

from gql.demo import INVOICERS
from gql.demo.bills import DAYS, draw_bills
from gql.demo.fates import SPECIAL
from gql.demo.model import Organisation

TODAY = date(2026, 11, 21)


@pytest.fixture(params=INVOICERS, ids=lambda organisation: organisation.slug)
def organisation(request: pytest.FixtureRequest) -> Organisation:
    made: Organisation = request.param
    return made


def test_the_same_day_draws_the_same_invoices(organisation: Organisation) -> None:
    assert draw_bills(organisation, TODAY) == draw_bills(organisation, TODAY)


def test_another_day_draws_the_same_invoices_for_other_dates(organisation: Organisation) -> None:
    later = draw_bills(organisation, TODAY + timedelta(weeks=5))
    assert [bill.external_ref for bill in later] == [bill.external_ref for bill in draw_bills(organisation, TODAY)]


def test_invoices_come_in_the_order_of_their_dates_which_are_working_days_of_eighteen_months(
    organisation: Organisation,
) -> None:
    days = [date.fromisoformat(bill.row["issueDate"]) for bill in draw_bills(organisation, TODAY)]
    assert days == sorted(days)
    assert days[0] >= TODAY - timedelta(days=DAYS + 2)
    assert days[-1] < TODAY
    assert all(day.weekday() < 5 for day in days)
    assert len({(day.year, day.month) for day in days}) >= 18


@pytest.mark.parametrize("weeks", [0, 1, 7, 30])
def test_every_fate_is_met_on_whatever_day_it_is_made(organisation: Organisation, weeks: int) -> None:
    fates = Counter(bill.fate.name for bill in draw_bills(organisation, TODAY + timedelta(weeks=weeks)))
    assert all(fates[name] == often for name, often, _, _ in SPECIAL)
    assert set(fates) == {"DRAFT", "SENT", "VIEWED", "PAID", *(name for name, *_ in SPECIAL)}
    assert fates["PAID"] > organisation.invoices / 3


def test_clients_pay_after_the_issue_and_before_today_by_several_methods(organisation: Organisation) -> None:
    receipts = [(bill, receipt) for bill in draw_bills(organisation, TODAY) for receipt in bill.fate.receipts]
    assert all(bill.row["issueDate"] < str(receipt.day) < str(TODAY) for bill, receipt in receipts)
    assert len({receipt.request_id for _, receipt in receipts}) == len(receipts)
    assert len({receipt.method for _, receipt in receipts}) >= 4


def test_each_client_is_invoiced_in_its_own_currency(organisation: Organisation) -> None:
    currencies = {each.external_ref: each.currency for each in organisation.customers}
    bills = draw_bills(organisation, TODAY)
    assert all(bill.row["currency"] == currencies[bill.row["clientExternalRef"]] for bill in bills)
    assert len({bill.row["currency"] for bill in bills}) >= 3


def test_the_two_that_send_invoices_share_a_person_and_nothing_else() -> None:
    people = [{person.email for person in each.people} for each in INVOICERS]
    assert people[0] & people[1] == {"priya@ledgerline.example"}
    assert not {each.name for each in INVOICERS[0].customers} & {each.name for each in INVOICERS[1].customers}
