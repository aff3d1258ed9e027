"""An owner may ask that the organisation be removed, and take it back. The operator of the house does it."""

from typing import Final

import pytest

from tests.harness.actors import as_superuser, as_tenant
from tests.harness.tenants import Tenant, make_person
from tests.harness.verbs import call, refused

FUNCTION: Final = "iam.organisation_offboard_request"
ASKED: Final = "select offboard_requested_at from iam.tenants where id = $1"


async def test_an_owner_asks_for_it_and_takes_it_back(tenant: Tenant, other_tenant: Tenant) -> None:
    async with as_tenant(tenant) as connection, as_superuser() as superuser:
        assert await call(connection, FUNCTION, wanted=True) == tenant.tenant_id
        asked = await superuser.fetchval(ASKED, tenant.tenant_id)
        assert asked is not None
        assert await connection.fetchval("select offboard_requested_at from iam.organisation()") == asked
        await call(connection, FUNCTION, wanted=True)
        assert await superuser.fetchval(ASKED, tenant.tenant_id) == asked, "it counts from the first time"
        assert await superuser.fetchval(ASKED, other_tenant.tenant_id) is None
        await call(connection, FUNCTION, wanted=False)
        assert await superuser.fetchval(ASKED, tenant.tenant_id) is None
        log = await superuser.fetchval(
            "select count(*) from core.audit_log where tenant_id = $1 and new_values ? 'offboard_requested_at'",
            tenant.tenant_id,
        )
    assert log == 3, "made, asked, taken back"


@pytest.mark.parametrize("role", ["admin", "accountant", "operator", "viewer", "member", "worker", ""])
async def test_nobody_else_asks_for_it(role: str, tenant: Tenant) -> None:
    person = await make_person(tenant, "viewer")
    scope = [tenant.tenant_id] if role == "member" else []
    async with as_tenant(tenant, role, scope, user_id=person.user_id) as connection:
        with refused("FORBIDDEN", "PERMISSION_MISSING"):
            await call(connection, FUNCTION, wanted=True)
