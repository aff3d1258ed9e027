"""Money, currencies, quantities, rates and time zones: sql/core/types.sql."""

from decimal import Decimal

import asyncpg
import pytest

from tests.harness.actors import as_superuser
from tests.harness.verbs import refused


async def cast(kind: str, text: str) -> object:
    async with as_superuser() as connection:
        return await connection.fetchval(f"select $1::text::core.{kind}", text)


@pytest.mark.parametrize("text", ["0", "0.01", "-0.01", "1.10", "2.000", "10000000000000", "-10000000000000.00"])
async def test_money_of_two_decimals_is_taken_as_it_is(text: str) -> None:
    assert await cast("money", text) == Decimal(text)


@pytest.mark.parametrize("text", ["0.001", "-1.999", "0.0000001"])
async def test_money_is_never_rounded_silently(text: str) -> None:
    with refused("BAD_USER_INPUT", "MONEY_DECIMALS"):
        await cast("money", text)


@pytest.mark.parametrize("text", ["10000000000000.01", "-10000000000000.01", "Infinity", "-Infinity"])
async def test_money_out_of_range_is_refused(text: str) -> None:
    with refused("BAD_USER_INPUT", "MONEY_RANGE"):
        await cast("money", text)


@pytest.mark.parametrize("kind", ["money", "quantity", "tax_rate"])
async def test_what_is_not_a_number_is_no_amount(kind: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await cast(kind, "NaN")
    with refused("BAD_USER_INPUT", "INVALID_VALUE"):
        await cast(kind, "twelve")


@pytest.mark.parametrize("text", ["EUR", "JPY", "USD", "XAF"])
async def test_a_currency_has_three_capital_letters(text: str) -> None:
    assert await cast("currency", text) == text


@pytest.mark.parametrize("text", ["eur", "EURO", "E1R", "", " EUR", "EUR\n"])
async def test_anything_else_is_no_currency(text: str) -> None:
    with refused("BAD_USER_INPUT", "CURRENCY_CODE"):
        await cast("currency", text)


@pytest.mark.parametrize("text", ["KWD", "BHD", "TND", "CLF"])
async def test_currencies_of_more_than_two_decimals_are_refused_clearly(text: str) -> None:
    with refused("BAD_USER_INPUT", "CURRENCY_DECIMALS") as told:
        await cast("currency", text)
    assert "two decimals" in told.message


@pytest.mark.parametrize("text", ["0", "0.001", "999999999.999", "3.5000"])
async def test_a_quantity_has_three_decimals_at_most(text: str) -> None:
    assert await cast("quantity", text) == Decimal(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("0.0001", "QUANTITY_DECIMALS"), ("-1", "QUANTITY_RANGE"), ("1000000000", "QUANTITY_RANGE")],
)
async def test_other_quantities_are_refused(text: str, reason: str) -> None:
    with refused("BAD_USER_INPUT", reason):
        await cast("quantity", text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("19.005", "TAX_RATE_DECIMALS"), ("-0.01", "TAX_RATE_RANGE"), ("100.01", "TAX_RATE_RANGE")],
)
async def test_a_tax_rate_is_a_percentage_of_two_decimals(text: str, reason: str) -> None:
    assert await cast("tax_rate", "7.25") == Decimal("7.25")
    with refused("BAD_USER_INPUT", reason):
        await cast("tax_rate", text)


@pytest.mark.parametrize("text", ["[]", '"text"', "12", "true", "null"])
async def test_facts_of_the_callers_own_are_a_json_object(text: str) -> None:
    assert await cast("json_object", '{"colour": "blue"}') == '{"colour": "blue"}'
    with refused("BAD_USER_INPUT", "JSON_OBJECT_REQUIRED"):
        await cast("json_object", text)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("UTC", True),
        ("Europe/London", True),
        ("America/Argentina/Buenos_Aires", True),
        ("America/Port-au-Prince", True),
        ("Etc/GMT+12", True),
        ("Europe/Nowhere", False),
        ("XYZ-3", False),
        ("Europe/London-3", False),
        ("europe/london", False),
        ("", False),
        ("'; drop table iam.tenants; --", False),
    ],
)
async def test_a_time_zone_is_an_iana_name_that_the_server_knows(name: str, known: bool) -> None:
    async with as_superuser() as connection:
        assert await connection.fetchval("select core.is_time_zone($1)", name) is known
