"""An export holds everything of one organisation and nothing of any other, as it was at one moment."""

import asyncio
import csv
import json
import secrets
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from gql.tenants import export as exporting
from gql.tenants.export import OutputInTheWay, export_tenant
from gql.tenants.formats import Csv
from gql.tenants.manifest import NAME, Manifest, NoExport, verify
from gql.tenants.parts import parts_of_tenants
from tests.database.isolation import RELATIONS, Filled, texts
from tests.harness.actors import as_owner, as_superuser, as_tenant
from tests.harness.tenants import PASSWORD, Tenant, make_person, make_tenant
from tests.harness.verbs import call, new_client, new_invoice

NASTY: Final = [
    '=cmd|" /C calc"!A0',
    "+1",
    "-1",
    "@SUM(A1)",
    "'quoted",
    '"',
    'a "b",\r\nc',
    "ü€😀",
    "a\\b\\n",
    "\\.",
    "x\n\n",
]


async def take_out(tenant: Tenant, directory: Path, form: str = "both") -> Manifest:
    async with as_superuser() as connection:
        return await export_tenant(connection, tenant.tenant_id, directory, form)


def lines(directory: Path, table: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / f"{table}.jsonl").read_text().split("\n")[:-1]]


def inside(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())


def cells(directory: Path, table: str) -> list[dict[str, str]]:
    with (directory / f"{table}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


async def test_every_table_with_a_tenant_is_there_with_every_row(filled: Filled, tmp_path: Path) -> None:
    manifest = await take_out(filled.tenant, tmp_path / "out")
    found = {table.table: table for table in manifest.tables}
    async with as_superuser() as connection:
        relations = await connection.fetch(RELATIONS)
        for relation in relations:
            if relation["kind"] not in ("r", "p") or relation["is_partition"] or "tenant_id" not in relation["columns"]:
                continue
            count = await connection.fetchval(
                f"select count(*) from {relation['name']} where tenant_id = $1", filled.tenant.tenant_id
            )
            assert found[relation["name"]].rows == count > 0, relation["name"]
            assert len(lines(tmp_path / "out", relation["name"])) == count
            assert len(cells(tmp_path / "out", relation["name"])) == count
    assert set(found) - {"iam.tenants", "iam.users"} == set(filled.rows)
    assert [row["slug"] for row in lines(tmp_path / "out", "iam.tenants")] == [filled.tenant.slug]
    assert [row["email"] for row in lines(tmp_path / "out", "iam.users")] == [filled.tenant.owner_email]


async def test_rows_are_what_the_tables_hold_in_both_forms(filled: Filled, tmp_path: Path) -> None:
    manifest = await take_out(filled.tenant, tmp_path / "out")
    for table in manifest.tables:
        if table.table not in filled.rows:
            continue
        key = "id" if "id" in table.columns else table.columns[1]
        expected = {str(row[key]): row for row in filled.rows[table.table]}
        if table.table == "trade.messages":
            expected = {key: unpacked(row, filled) for key, row in expected.items()}
        for line in lines(tmp_path / "out", table.table):
            assert list(line) == table.columns
            row = expected[str(line[key])]
            for name, value in line.items():
                same = row[name] if not isinstance(row[name], float) else str(value)
                assert value == same or Decimal(str(value)) == Decimal(str(row[name])), (table.table, name)
        for line, cell in zip(lines(tmp_path / "out", table.table), cells(tmp_path / "out", table.table), strict=True):
            assert {name: as_cell(value) for name, value in line.items()} == {
                name: json.loads(text) if isinstance(line[name], dict | list) else unguarded(text)
                for name, text in cell.items()
            }


def unpacked(message: dict[str, Any], filled: Filled) -> dict[str, Any]:
    """A message with what it says, wherever that stands."""
    bodies = {row["id"]: row["bodies"] for row in filled.rows["trade.message_packs"]}
    if message["pack_id"] is None:
        return message
    return {**message, "body": bodies[message["pack_id"]][message["pack_place"] - 1]}


def as_cell(value: Any) -> Any:
    """What a CSV says of a value of JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, dict | list) else str(value)


def unguarded(text: str) -> str:
    """The text as it was, as docs/export.md says how to read it."""
    return text.removeprefix("'")


async def test_money_is_decimal_text_and_times_have_a_zone(filled: Filled, tmp_path: Path) -> None:
    await take_out(filled.tenant, tmp_path / "out", "jsonl")
    for invoice in lines(tmp_path / "out", "billing.invoices"):
        assert isinstance(invoice["total"], str)
        assert Decimal(invoice["total"]).as_tuple().exponent == -2
        assert invoice["created_at"].endswith("+00:00")
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == sorted(
        [".json", *[".jsonl"] * (len(filled.rows) + 2)]
    )


async def test_nothing_of_another_organisation_and_no_secret_leaves(filled: Filled, tmp_path: Path) -> None:
    other = await make_tenant("Bellwether Yarns")
    stranger = await make_person(other, "admin", name="Nobody of the Kettle")
    async with as_tenant(other) as connection:
        await new_invoice(connection, await new_client(connection, "Secret client of Bellwether"))
    await take_out(filled.tenant, tmp_path / "out")
    written = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    for alien in (str(other.tenant_id), other.slug, stranger.email, stranger.name, "Secret client of Bellwether"):
        assert alien not in written
    for secret in ("argon2", PASSWORD, 'request_hash":', 'password_hash":'):
        assert secret not in written
    manifest, _ = verify(tmp_path / "out")
    left_out = {table.table: table.left_out for table in manifest.tables if table.left_out}
    assert left_out["core.idempotency_keys"] == ["request_hash"]
    assert "password_hash" in left_out["iam.users"]
    for mark in texts(lines(tmp_path / "out", "billing.clients")):
        assert mark in written


async def test_what_a_spreadsheet_would_run_is_a_text_and_reads_back_the_same(tmp_path: Path) -> None:
    tenant = await make_tenant("Formula House")
    async with as_tenant(tenant) as connection:
        client_id = await new_client(connection)
        for text in NASTY:
            await call(connection, "billing.client_note_create", client_id=client_id, content=text)
    await take_out(tenant, tmp_path / "out")
    written = cells(tmp_path / "out", "billing.client_notes")
    assert {unguarded(row["content"]) for row in written} == set(NASTY)
    assert not any(row["content"].startswith(("=", "+", "-", "@", "\t", "\r")) for row in written)
    assert {row["content"] for row in lines(tmp_path / "out", "billing.client_notes")} == set(NASTY)
    raw = (tmp_path / "out" / "billing.client_notes.csv").read_bytes()
    assert raw.endswith(b"\r\n")
    assert raw.split(b"\r\n", 1)[0].decode().split(",")[:2] == ["tenant_id", "id"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_line_ends_are_found_wherever_the_bytes_are_cut(size: int) -> None:
    text = b'a,b\n1,"x\n""y""\n"\n"",""""\n'
    passing = Csv()
    passed = b"".join(passing.pass_on(text[start : start + size]) for start in range(0, len(text), size))
    assert passed == b'a,b\r\n1,"x\n""y""\n"\r\n"",""""\r\n'
    assert passing.rows == 2


async def test_all_tables_are_of_one_moment(tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with as_tenant(tenant) as connection:
        await new_invoice(connection)
        write_file = exporting._write_file

        async def slowly(*arguments: Any) -> Any:
            await new_invoice(connection)
            return await write_file(*arguments)

        monkeypatch.setattr(exporting, "_write_file", slowly)
        await take_out(tenant, tmp_path / "out", "jsonl")
    assert len(lines(tmp_path / "out", "billing.invoices")) == 1
    assert len(lines(tmp_path / "out", "billing.invoice_lines")) == 1
    assert len({row["id"] for row in lines(tmp_path / "out", "ledger.transfers")}) == 1


async def test_an_export_that_fails_or_is_stopped_leaves_nothing(
    filled: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file, hanging = exporting._write_file, asyncio.Event()

    async def hang(*arguments: Any) -> Any:
        if arguments[2].table == "iam.users":
            hanging.set()
            await asyncio.Event().wait()
        return await write_file(*arguments)

    monkeypatch.setattr(exporting, "_write_file", hang)
    taking = asyncio.create_task(take_out(filled.tenant, tmp_path / "out"))
    await hanging.wait()
    unfinished = inside(tmp_path)
    assert [path.name.endswith(".unfinished") for path in unfinished] == [True]
    assert unfinished[0].stat().st_mode & 0o777 == 0o700
    with pytest.raises(NoExport, match="no whole export"):
        verify(unfinished[0])
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert not inside(tmp_path)


async def test_what_lies_in_the_way_is_left_alone(filled: Filled, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("my own")
    with pytest.raises(OutputInTheWay):
        await take_out(filled.tenant, tmp_path)
    assert [path.name for path in inside(tmp_path)] == ["mine"]
    (tmp_path / "empty").mkdir()
    await take_out(filled.tenant, tmp_path / "empty")
    assert (tmp_path / "empty" / NAME).exists()


@pytest.mark.parametrize("harm", ["changed", "cut", "missing", "elsewhere", "no manifest", "nonsense"])
async def test_an_export_that_is_not_what_it_was_is_recognised(harm: str, filled: Filled, tmp_path: Path) -> None:
    directory = tmp_path / "out"
    await take_out(filled.tenant, directory)
    verify(directory)
    path = directory / "billing.invoices.csv"
    if harm == "changed":
        path.write_bytes(path.read_bytes().replace(b"20", b"21", 1))
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:-2])
    elif harm == "missing":
        path.unlink()
    elif harm == "elsewhere":
        manifest = directory / NAME
        manifest.write_text(manifest.read_text().replace("billing.invoices.csv", "../invoices.csv"))
    elif harm == "no manifest":
        (directory / NAME).unlink()
    else:
        (directory / NAME).write_text("{")
    with pytest.raises(NoExport):
        verify(directory)


async def test_a_login_that_policies_bind_cannot_export_half(tenant: Tenant, tmp_path: Path) -> None:
    async with as_owner(tenant) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await export_tenant(connection, tenant.tenant_id, tmp_path / "out")
    assert not inside(tmp_path)


async def test_a_new_table_comes_by_itself_and_its_secrets_do_not(tenant: Tenant) -> None:
    async with as_superuser() as connection:
        transaction = connection.transaction()
        await transaction.start()
        name = f"new_{secrets.token_hex(4)}"
        await connection.execute(
            f"create table billing.{name} (tenant_id uuid, id uuid, price core.money, api_token text, zip_code text,"
            " doubled text generated always as (zip_code || zip_code) stored, primary key (tenant_id, id))"
        )
        part = next(each for each in await parts_of_tenants(connection) if each.table == f"billing.{name}")
        assert [column.name for column in part.columns] == ["tenant_id", "id", "price", "zip_code"]
        assert part.left_out == ("api_token",)
        assert part.key == ("tenant_id", "id")
        await transaction.rollback()
