"""Coming in by an invite, asking to join and one's own account, as a program does it over HTTP."""

from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from tests.harness.actors import as_superuser
from tests.harness.tenants import PASSWORD, Person, Tenant, make_tenant
from tests.http.servers import Running
from tests.http.test_sessions import SIGN_IN, refused
from tests.iam.comers import make_comer, new_address, told

CREATE: Final = """
mutation ($input: InviteCreateInput!) {
  inviteCreate(input: $input) { invite { id address role status invitedBy expiresAt outcomeAt } }
}
"""
REVOKE: Final = "mutation ($input: InviteRevokeInput!) { inviteRevoke(input: $input) { invite { status } } }"
ACCEPT: Final = "mutation ($input: InviteAnswerInput!) { inviteAccept(input: $input) { organisation { slug name } } }"
DECLINE: Final = "mutation ($input: InviteAnswerInput!) { inviteDecline(input: $input) { organisation { slug } } }"
SWITCH: Final = "mutation ($input: OrganisationSwitchInput!) { organisationSwitch(input: $input) { accessToken } }"
ASK: Final = "mutation ($input: JoinRequestCreateInput!) { joinRequestCreate(input: $input) { id } }"
WITHDRAW: Final = "mutation ($input: JoinRequestWithdrawInput!) { joinRequestWithdraw(input: $input) { withdrawn } }"
APPROVE: Final = """
mutation ($input: JoinRequestApproveInput!) { joinRequestApprove(input: $input) { joinRequest { status userName } } }
"""
UPDATE: Final = """
mutation ($input: AccountUpdateInput!) { accountUpdate(input: $input) { account { name image settings hasPassword } } }
"""
CHANGE: Final = """
mutation ($input: AccountAddressChangeInput!) { accountAddressChange(input: $input) { request expiresAt } }
"""
CONFIRM: Final = "mutation ($input: AccountAddressConfirmInput!) { accountAddressConfirm(input: $input) { done } }"
CLOSE: Final = "mutation ($input: AccountCloseInput!) { accountClose(input: $input) { done } }"
CODE: Final = "mutation ($input: AccountCodeRequestInput!) { accountCodeRequest(input: $input) { request } }"
MINE: Final = "{ myInvites { id organisationSlug role } myJoinRequests { id status } }"


async def signed_in(server: Running, person: Person, **more: str) -> str:
    given = {"input": {"email": person.email, "password": PASSWORD, **more}}
    return str((await server.ask(SIGN_IN, variables=given)).json()["data"]["signIn"]["accessToken"])


async def done(server: Running, document: str, token: str | None, **given: Any) -> dict[str, Any]:
    """The payload of a mutation that works."""
    answer = await server.ask(document, token=token, variables={"input": given})
    [payload] = answer.json()["data"].values()
    return dict(payload)


async def not_done(server: Running, document: str, token: str | None, **given: Any) -> tuple[str, str]:
    """Code and reason of one that does not."""
    return refused(await server.ask(document, token=token, variables={"input": given}))


async def test_an_invite_from_its_writing_to_work(server: Running) -> None:
    tenant, person = await make_tenant("Harbour Ropes"), await make_comer(await make_tenant("Elsewhere"))
    owner, comer = await signed_in(server, tenant.owner), await signed_in(server, person)
    made = (await done(server, CREATE, owner, address=person.email, role="ADMIN"))["invite"]
    assert (made["address"], made["role"], made["status"]) == (person.email, "ADMIN", "PENDING")
    [waiting] = (await server.ask(MINE, token=comer)).json()["data"]["myInvites"]
    assert waiting == {"id": made["id"], "organisationSlug": tenant.slug, "role": "ADMIN"}
    joined = await done(server, ACCEPT, comer, id=made["id"])
    assert joined == {"organisation": {"slug": tenant.slug, "name": tenant.name}}
    there = (await done(server, SWITCH, comer, organisation=tenant.slug))["accessToken"]
    assert (await server.ask("{ me { role } }", token=there)).json()["data"]["me"] == {"role": "ADMIN"}
    listed = (await server.ask("{ invites { nodes { status } } }", token=owner)).json()["data"]["invites"]["nodes"]
    assert listed == [{"status": "ACCEPTED"}]
    answer = await server.ask("{ invites { nodes { status } } joinRequests { totalCount } }", token=there)
    assert {each["extensions"]["reason"] for each in answer.json()["errors"]} == {"PERMISSION_MISSING"}


async def test_an_invite_is_sent_once_under_a_key_and_not_in_a_rehearsal(server: Running) -> None:
    tenant = await make_tenant("Harbour Ropes")
    owner, address = await signed_in(server, tenant.owner), new_address()
    given = {"input": {"address": address, "role": "VIEWER"}}
    rehearsed = await server.ask(CREATE, token=owner, variables=given, headers={"Prefer": "tx=rollback"})
    assert rehearsed.json()["data"]["inviteCreate"]["invite"]["status"] == "PENDING"
    assert await told(address) == []
    key = {"Idempotency-Key": str(uuid4())}
    first, again = [await server.ask(CREATE, token=owner, variables=given, headers=key) for _ in range(2)]
    assert first.content == again.content
    assert len(await told(address)) == 1


async def test_another_organisations_and_another_persons_are_as_if_they_were_not_there(server: Running) -> None:
    tenant, other = await make_tenant("Harbour Ropes"), await make_tenant("Brass Foundry")
    person, stranger = await make_comer(other), await make_comer(other)
    owner, foreign = await signed_in(server, tenant.owner), await signed_in(server, other.owner)
    invited = (await done(server, CREATE, owner, address=person.email, role="VIEWER"))["invite"]["id"]
    asked = (await done(server, ASK, await signed_in(server, person), organisation=tenant.slug))["id"]
    outsider = await signed_in(server, stranger)
    for wanted in (invited, str(uuid4())):
        assert await not_done(server, REVOKE, foreign, id=wanted) == ("NOT_FOUND", "INVITE_NOT_FOUND")
        for document in (ACCEPT, DECLINE):
            assert await not_done(server, document, outsider, id=wanted) == ("NOT_FOUND", "INVITE_NOT_FOUND")
        answer = await server.ask(
            "query ($id: ID!) { invite(id: $id) { id } }", token=foreign, variables={"id": wanted}
        )
        assert answer.json()["data"] == {"invite": None}
    for wanted in (asked, str(uuid4())):
        refusal = ("NOT_FOUND", "JOIN_REQUEST_NOT_FOUND")
        assert await not_done(server, APPROVE, foreign, id=wanted, role="OWNER") == refusal
        assert await not_done(server, WITHDRAW, outsider, id=wanted) == refusal
    for document in (ACCEPT, DECLINE, WITHDRAW):
        assert (await not_done(server, document, outsider, id="no id"))[0] == "NOT_FOUND"


async def test_a_request_from_its_writing_to_its_answer(server: Running) -> None:
    tenant, person = await make_tenant("Harbour Ropes"), await make_comer(await make_tenant("Elsewhere"))
    comer, owner = await signed_in(server, person), await signed_in(server, tenant.owner)
    made = await done(server, ASK, comer, organisation=tenant.slug, message="It is me.")
    nobodys = await done(server, ASK, comer, organisation="nobody-is-called-so", message="It is me.")
    assert made.keys() == nobodys.keys()
    let_in = await done(server, APPROVE, owner, id=made["id"], role="VIEWER")
    assert let_in == {"joinRequest": {"status": "APPROVED", "userName": person.name}}
    assert await done(server, WITHDRAW, comer, id=nobodys["id"]) == {"withdrawn": True}
    mine = (await server.ask(MINE, token=comer)).json()["data"]["myJoinRequests"]
    assert [each["status"] for each in mine] == ["WITHDRAWN", "APPROVED"]
    assert (await done(server, SWITCH, comer, organisation=tenant.slug))["accessToken"]


async def test_ones_own_account(server: Running) -> None:
    tenant = await make_tenant("Harbour Ropes")
    token = await signed_in(server, tenant.owner)
    given = {"name": "Ash Moor", "settings": {"theme": "dark"}}
    changed = await done(server, UPDATE, token, **given)
    assert changed == {"account": {**given, "image": None, "hasPassword": True}}
    answer = await server.ask("{ account { name email } me { userName } }", token=token)
    assert answer.json()["data"] == {
        "account": {"name": "Ash Moor", "email": tenant.owner_email},
        "me": {"userName": "Ash Moor"},
    }
    assert await not_done(server, CHANGE, token, address=new_address()) == ("BAD_USER_INPUT", "PROOF_REQUIRED")
    sent = await done(server, CHANGE, token, address=new_address(), password=PASSWORD)
    refusal = ("UNAUTHENTICATED", "CODE_INVALID")
    assert await not_done(server, CONFIRM, token, request=sent["request"], code="no code") == refusal
    assert await not_done(server, CONFIRM, token, request="no id", code="000000") == refusal
    assert await not_done(server, CHANGE, token, address=new_address(), request="no id", code="000000") == refusal


@pytest.mark.parametrize(
    ("document", "given"),
    [
        (ACCEPT, {"id": str(uuid4())}),
        (DECLINE, {"id": str(uuid4())}),
        (ASK, {"organisation": "acme"}),
        (WITHDRAW, {"id": str(uuid4())}),
        (CHANGE, {"address": "x@example.org", "password": PASSWORD}),
        (CONFIRM, {"request": str(uuid4()), "code": "000000"}),
        (CLOSE, {"password": PASSWORD}),
        (CODE, {}),
        (CREATE, {"address": "x@example.org", "role": "OWNER"}),
        (UPDATE, {"name": "x"}),
    ],
)
async def test_whoever_is_not_signed_in_is_told_so(
    server: Running, token: str, document: str, given: dict[str, Any]
) -> None:
    more: dict[str, Any] = {"variables": {"input": given}}
    answer: httpx.Response = await server.ask(document, **more)
    [error] = answer.json()["errors"]
    assert (error["extensions"]["code"], error["extensions"]["reason"]) == ("UNAUTHENTICATED", "TOKEN_MISSING")
    if document not in (CREATE, UPDATE):  # a token of no session is enough for those
        answer = await server.ask(document, token=token, **more)
        assert refused(answer) == ("UNAUTHENTICATED", "TOKEN_MISSING")


async def test_whoever_is_invited_signs_up_without_an_organisation(server: Running, house: Tenant) -> None:
    document = "mutation ($input: SignUpInput!) { signUp(input: $input) { signUp } }"
    email = new_address()
    begun = await done(server, document, None, email=email, name="Ada")
    async with as_superuser() as connection:
        kept = await connection.fetchrow(
            "select organisation_name, name from iam.signup_sessions where email = $1", email
        )
    assert begun["signUp"]
    assert kept is not None
    assert tuple(kept) == (None, "Ada")
