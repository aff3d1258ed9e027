"""Signing in, going on and signing out as a browser and as a program do it, over HTTP."""

import json
from typing import Any, Final

import httpx
import pytest

from tests.harness.tenants import PASSWORD, Tenant, make_tenant
from tests.http.servers import Running, refusal

SIGN_IN: Final = """
mutation ($input: SignInInput!) { signIn(input: $input) { accessToken refreshToken sessionId organisation { slug } } }
"""
REFRESH: Final = """
mutation ($input: SessionRefreshInput!) { sessionRefresh(input: $input) { accessToken refreshToken sessionId } }
"""
SIGN_OUT: Final = "mutation ($input: SignOutInput!) { signOut(input: $input) { ended } }"
MINE: Final = "{ mySessions { id userAgent } }"


@pytest.fixture
async def person() -> Tenant:
    return await make_tenant("Harbour Ropes")


def given(person: Tenant, **more: str) -> dict[str, Any]:
    return {"input": {"email": person.owner_email, "password": PASSWORD, **more}}


def refused(answer: httpx.Response) -> tuple[str, str]:
    """Code and reason of the one error of a field."""
    body = answer.json()
    assert body["data"] is None
    [error] = body["errors"]
    return error["extensions"]["code"], error["extensions"]["reason"]


async def signed_in(server: Running, person: Tenant, **more: str) -> tuple[dict[str, Any], httpx.Response]:
    answer = await server.ask(SIGN_IN, variables=given(person, **more))
    return answer.json()["data"]["signIn"], answer


async def test_a_program_keeps_its_refresh_token_itself(server: Running, person: Tenant) -> None:
    held, answer = await signed_in(server, person)
    assert "set-cookie" not in answer.headers
    for _ in range(3):
        answer = await server.ask(REFRESH, variables={"input": {"refreshToken": held["refreshToken"]}})
        found = answer.json()["data"]["sessionRefresh"]
        assert found["sessionId"] == held["sessionId"]
        assert found["refreshToken"] not in (None, held["refreshToken"])
        held = found
        assert "set-cookie" not in answer.headers
        mine = await server.ask(MINE, token=held["accessToken"])
        assert [each["id"] for each in mine.json()["data"]["mySessions"]] == [held["sessionId"]]


@pytest.mark.parametrize("where", ["server", "production"])
async def test_a_page_keeps_it_in_a_cookie_that_no_script_reads(
    where: str, server: Running, production: Running, person: Tenant
) -> None:
    running = {"server": server, "production": production}[where]
    held, answer = await signed_in(running, person, refreshToken="COOKIE")
    assert held["refreshToken"] is None
    name, _, rest = answer.headers["set-cookie"].partition("=")
    value, *attributes = rest.split("; ")
    assert name == ("__Host-countinghouse" if where == "production" else "countinghouse")
    assert set(attributes) >= {"Path=/", "HttpOnly", "SameSite=Strict"}
    assert ("Secure" in attributes) == (where == "production")
    assert value not in answer.text
    answer = await running.ask(REFRESH, variables={"input": {}}, headers={"Cookie": f"other=1; {name}={value}"})
    assert answer.json()["data"]["sessionRefresh"]["refreshToken"] is None
    following = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    assert following not in ("", value)
    cookie = {"Cookie": f"{name}={following}"}
    token = answer.json()["data"]["sessionRefresh"]["accessToken"]
    answer = await running.ask(SIGN_OUT, token=token, variables={"input": {}}, headers=cookie)
    assert answer.json()["data"]["signOut"] == {"ended": 1}
    assert answer.headers["set-cookie"].startswith(f"{name}=; Max-Age=0; ")
    answer = await running.ask(REFRESH, variables={"input": {}}, headers=cookie)
    assert refused(answer) == ("UNAUTHENTICATED", "SESSION_ENDED")


@pytest.mark.parametrize("header", [{}, {"Cookie": "countinghouse="}, {"Cookie": "x=1"}, {"Cookie": "a" * 9000}])
async def test_without_a_refresh_token_there_is_nothing_to_go_on_with(server: Running, header: dict[str, str]) -> None:
    answer = await server.ask(REFRESH, variables={"input": {}}, headers=header)
    assert refused(answer) == ("UNAUTHENTICATED", "REFRESH_TOKEN_MISSING")


async def test_an_access_token_is_no_refresh_token_and_the_other_way_round(server: Running, person: Tenant) -> None:
    """Attack 47."""
    held, _ = await signed_in(server, person)
    answer = await server.ask(REFRESH, variables={"input": {"refreshToken": held["accessToken"]}})
    assert refused(answer) == ("UNAUTHENTICATED", "SESSION_ENDED")
    answer = await server.ask(MINE, token=held["refreshToken"])
    assert refusal(answer) == (401, "UNAUTHENTICATED", "TOKEN_INVALID")


async def test_another_device_is_signed_out_by_its_id_and_nobody_elses(server: Running, person: Tenant) -> None:
    here, _ = await signed_in(server, person)
    there, _ = await signed_in(server, person)
    stranger, _ = await signed_in(server, await make_tenant("Brass Foundry"))
    for session in (stranger["sessionId"], "no id", "00000000-0000-0000-0000-000000000000"):
        answer = await server.ask(SIGN_OUT, token=here["accessToken"], variables={"input": {"session": session}})
        assert refused(answer) == ("NOT_FOUND", "SESSION_NOT_FOUND")
    answer = await server.ask(SIGN_OUT, token=here["accessToken"], variables={"input": {"session": there["sessionId"]}})
    assert answer.json()["data"]["signOut"] == {"ended": 1}
    mine = (await server.ask(MINE, token=here["accessToken"])).json()["data"]["mySessions"]
    assert [each["id"] for each in mine] == [here["sessionId"]]


async def test_whoever_has_no_session_cannot_end_or_switch_one(server: Running, house: Tenant, token: str) -> None:
    switch = "mutation ($input: OrganisationSwitchInput!) { organisationSwitch(input: $input) { accessToken } }"
    for document, variables in ((SIGN_OUT, {}), (switch, {"organisation": house.slug})):
        for bearer in (None, token):  # the latter is of no session
            answer = await server.ask(document, token=bearer, variables={"input": variables})
            assert refused(answer) == ("UNAUTHENTICATED", "TOKEN_MISSING")


HALF: Final = "\ud800"
"""Half a surrogate pair: JSON can hold it, UTF-8 cannot."""
CODE: Final = {"request": "00000000-0000-0000-0000-000000000000", "code": HALF}
SIGN_UP: Final = {"name": "Ada", "email": "ada.half@example.org", "organisation": {"name": "X"}}


@pytest.mark.parametrize("bad", [HALF, "\0"])
async def test_what_is_no_text_is_an_error_of_the_caller_everywhere(server: Running, person: Tenant, bad: str) -> None:
    held, _ = await signed_in(server, person)
    asked: list[tuple[str, dict[str, Any]]] = [
        ("sessionRefresh { expiresAt }", {"refreshToken": bad}),
        ("organisationSwitch { expiresAt }", {"organisation": bad}),
        ("signOut { ended }", {"session": bad}),
        ("signInWithCode { expiresAt }", {**CODE, "code": bad}),
        ("passwordReset { done }", {**CODE, "code": bad, "password": "a rather long new password"}),
        ("signInCodeRequest { request }", {"address": bad}),
        ("signUp { signUp }", {**SIGN_UP, "name": bad}),
        ("signUp { signUp }", {**SIGN_UP, "organisation": {"name": bad}}),
        ("signUp { signUp }", {**SIGN_UP, "organisation": {"name": "X", "timeZone": bad}}),
        ("totpEnrol { device }", {"name": bad}),
        ("recoveryCodesRenew { recoveryCodes }", {"code": bad}),
    ]
    for field, given_input in asked:
        name, _, selection = field.partition(" ")
        kind = f"{name[0].upper()}{name[1:]}Input"
        kind = {"SignInCodeRequestInput": "CodeRequestInput"}.get(kind, kind)
        document = f"mutation ($input: {kind}!) {{ {name}(input: $input) {selection} }}"
        body = json.dumps({"query": document, "variables": {"input": given_input}}).encode()
        answer = await server.client.post(
            "/graphql",
            content=body,
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {held['accessToken']}"},
        )
        for error in answer.json().get("errors", []):
            assert error["extensions"]["code"] != "INTERNAL_SERVER_ERROR", (field, error)
