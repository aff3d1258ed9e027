"""What the files say a role may do is what the database answers: database/permissions.py."""

import pytest

from gql.database.permissions import parse_permissions, read_permissions
from gql.iam.memberships import Role
from tests.harness.actors import SCOPED, as_superuser

ROLES = list(read_permissions())


def test_they_are_the_roles_that_a_membership_can_have() -> None:
    assert [role.value for role in Role] == ROLES


@pytest.mark.parametrize("role", ROLES)
async def test_the_files_say_what_the_database_answers(role: str) -> None:
    async with as_superuser() as connection:
        assert set(await connection.fetchval("select core.permissions($1)", role)) == read_permissions()[role]
        assert await connection.fetchval("select core.role_sees_all($1)", role) == (role not in SCOPED)


async def test_a_role_that_is_no_persons_permits_nothing_that_a_person_asks_for() -> None:
    of_persons = set().union(*read_permissions().values())
    async with as_superuser() as connection:
        for role in ("worker", "doorway", "", "OWNER", "superuser", "owner "):
            held = set(await connection.fetchval("select core.permissions($1)", role))
            assert not held & of_persons
        assert await connection.fetchval("select core.permissions(null)") == []


def test_what_is_no_branch_of_a_role_is_passed_over() -> None:
    sql = """create function core.permissions(role text) returns text[] return case
        when role like 'app:%' then string_to_array(substr(role, 5), ',') else case role
        when 'one' then array['a:read', -- not 'b:read'
            'c''s'] when 'none' then array[]::text[] end end;"""
    assert parse_permissions(sql) == {"one": {"a:read", "c's"}, "none": set()}
    with pytest.raises(ValueError, match="No branches"):
        parse_permissions("create function core.permits(permission text) returns boolean return true;")
