"""How a function says no: sql/core/refusals.sql."""

import json

import asyncpg
import pytest

from tests.harness.actors import as_owner, as_superuser, as_tenant
from tests.harness.tenants import Tenant
from tests.harness.verbs import refused


@pytest.mark.parametrize(
    ("code", "state"),
    [("BAD_USER_INPUT", "CH400"), ("FORBIDDEN", "CH403"), ("NOT_FOUND", "CH404"), ("CONFLICT", "CH409")],
)
async def test_a_refusal_carries_code_reason_sentence_and_field(code: str, state: str) -> None:
    async with as_superuser() as connection:
        with pytest.raises(asyncpg.PostgresError) as caught:
            await connection.execute("select core.refuse($1, 'SOME_RULE', '100% wrong: %', 'input.dueDate')", code)
    error = caught.value
    assert error.sqlstate == state
    assert (error.args[0], error.constraint_name, error.column_name) == ("100% wrong: %", "SOME_RULE", "input.dueDate")


async def test_whoever_lacks_a_permission_is_told_which(tenant: Tenant) -> None:
    async with as_owner(tenant, "viewer") as connection:
        await connection.execute("select core.demand('billing:read')")
        with refused("FORBIDDEN", "PERMISSION_MISSING") as told:
            await connection.execute("select core.demand('billing:write')")
    assert told.message == "Your role, viewer, does not include billing:write."


async def test_a_person_without_a_role_is_refused_everything(tenant: Tenant) -> None:
    async with as_owner(tenant, "") as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await connection.execute("select core.demand('billing:read')")


async def test_a_tenant_cannot_put_words_into_the_mouth_of_the_house(tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("select core.refuse('CONFLICT', 'X', 'Y')")


@pytest.mark.parametrize(
    ("arguments", "meaning"),
    [
        (("CH409", "INVOICE_VOID", "input.id", "It is void."), ("INVOICE_VOID", "input.id", "It is void.")),
        (("CH400", "SOME_RULE", "", "No."), ("SOME_RULE", None, "No.")),
        (("23502", "", "unit_price", "null value"), ("REQUIRED", "input.unitPrice", "A value is required here.")),
        (
            ("23514", "invoices_template_check", "", "new row …"),
            (
                "TEMPLATE_INVALID",
                "input.template",
                "A template is named by small letters, digits and hyphens.",
            ),
        ),
        (
            ("23514", "money_two_decimals", "", "value …"),
            ("MONEY_DECIMALS", None, "An amount of money has at most two decimals. Round it before you send it."),
        ),
        (("22P02", "", "", "invalid input"), ("INVALID_VALUE", None, "A value is not of the right form.")),
    ],
)
async def test_an_error_is_explained_to_the_caller_of_an_import(
    arguments: tuple[str, ...], meaning: tuple[str | None, ...]
) -> None:
    async with as_superuser() as connection:
        explained = json.loads(await connection.fetchval("select core.explain($1, $2, $3, $4)", *arguments))
    assert (explained["reason"], explained["field"], explained["message"]) == meaning
