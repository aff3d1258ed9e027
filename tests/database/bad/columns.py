"""Bad columns and types."""

from typing import Final

from tests.database.bad.example import bad

COLUMNS: Final = (
    bad("tenant-column", "billing.loose", "create table billing.loose (id uuid primary key)"),
    bad("tenant-column", "billing.loose", "create table billing.loose (tenant_id text not null)"),
    bad("tenant-column", "billing.loose", "create table billing.loose (tenant_id uuid)"),
    bad(
        "no-enum",
        "billing.mood",
        "billing.samples.mood",
        "create type billing.mood as enum ('GOOD', 'BAD'); alter table billing.samples add mood billing.mood",
    ),
    bad("status-checked", "billing.samples.email_status", "alter table billing.samples add email_status text"),
    bad(
        "status-checked",
        "billing.samples.email_status",
        "alter table billing.samples add email_status int check (email_status in (1, 2))",
    ),
    bad("no-inexact-numbers", "billing.samples.rate", "alter table billing.samples add rate double precision"),
    bad("no-inexact-numbers", "billing.samples.price", "alter table billing.samples add price money"),
    bad("minor-units-generated", "billing.samples.fee_minor", "alter table billing.samples add fee_minor bigint"),
    bad(
        "id-default",
        "billing.samples.id",
        "alter table billing.samples alter id set default gen_random_uuid()",
    ),
    bad(
        "id-default",
        "billing.samples.number",
        "alter table billing.samples add number bigint generated always as identity",
    ),
    bad("no-serial", "billing.samples.number", "alter table billing.samples add number bigserial"),
)
