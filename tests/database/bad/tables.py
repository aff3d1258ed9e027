"""Bad tables and views."""

from typing import Final

from tests.database.bad.example import bad
from tests.database.bad.sample import REPORT

TABLES: Final = (
    bad("schema-loaded", "the database", "alter schema iam rename to lost"),
    bad("row-security-enabled", "billing.samples", "alter table billing.samples disable row level security"),
    bad(
        "row-security-enabled",
        "billing.sample_events_2026",
        """create table billing.sample_events_2026 partition of billing.sample_events
            for values from ('2026-01-01') to ('2027-01-01')""",
    ),
    bad("row-security-forced", "billing.samples", "alter table billing.samples no force row level security"),
    bad("ordinary-tables-only", "billing.child", "create table billing.child () inherits (billing.samples)"),
    bad(
        "ordinary-tables-only",
        "billing.far",
        """create foreign data wrapper nowhere; create server far foreign data wrapper nowhere;
            create foreign table billing.far (tenant_id uuid) server far""",
    ),
    bad("no-rewrite-rules", "billing.samples", "create rule quiet as on delete to billing.samples do instead nothing"),
    bad("triggers-enabled", "billing.samples", "alter table billing.samples disable trigger watch"),
    bad("triggers-enabled", "billing.clients", "alter table billing.clients disable trigger all"),
    bad("triggers-enabled", "billing.samples", "alter table billing.samples enable replica trigger watch"),
    bad("default-partition", "billing.sample_events", "drop table billing.sample_events_default"),
    bad("audit-log-partitioned", "core.audit_log", "alter table core.audit_log rename to audit_trail"),
    bad("view-security-invoker", "billing.sample_names", "alter view billing.sample_names reset (security_invoker)"),
    bad(
        "view-security-invoker",
        "billing.sample_names",
        "alter view billing.sample_names set (security_invoker = false, security_barrier = true)",
    ),
    bad(
        "materialized-view-wrapper",
        "billing.sample_report",
        f"{REPORT}; alter view billing.sample_report reset (security_barrier)",
    ),
    bad(
        "materialized-view-wrapper",
        "billing.sample_report",
        f"{REPORT}; alter view billing.sample_report owner to countinghouse_owner",
    ),
    bad(
        "materialized-view-wrapper",
        "billing.sample_report",
        f"""{REPORT}; create or replace view billing.sample_report with (security_barrier = true) as
            select tenant_id, samples from billing.sample_totals
            where tenant_id = core.tenant_id() and core.sees_all() or samples > 0""",
    ),
    bad(
        "materialized-view-wrapper",
        "billing.sample_report",
        f"""{REPORT}; create or replace view billing.sample_report with (security_barrier = true) as
            select tenant_id, samples from billing.sample_totals where tenant_id = core.tenant_id()""",
    ),
    bad(
        "materialized-view-wrapper",
        "billing.sample_report",
        f"""{REPORT}; create or replace view billing.sample_report with (security_barrier = true) as
            select tenant_id, samples from billing.sample_totals""",
    ),
    bad(
        "materialized-view-wrapper",
        "billing.sample_report",
        f"""{REPORT}; create or replace view billing.sample_report with (security_barrier = true) as
            select t.tenant_id, t.samples from billing.sample_totals t join billing.samples s using (tenant_id)
            where t.tenant_id = core.tenant_id()""",
    ),
    bad(
        "materialized-view-wrapper",
        "billing.sample_report",
        f"""{REPORT}; create or replace view billing.sample_report with (security_barrier = true) as
            select tenant_id, samples from billing.sample_totals
            where tenant_id = core.tenant_id() and (core.sees_all() or tenant_id = any (core.scope_ids()))""",
    ),
    bad(
        "materialized-view-wrapper",
        "reporting.sample_report",
        f"""{REPORT}; create view reporting.sample_report with (security_barrier = true) as
            select samples from billing.sample_totals where core.sees_all();
            alter view reporting.sample_report owner to countinghouse_reports""",
    ),
    bad(
        "materialized-view-wrapper",
        "reporting.sample_report",
        f"""{REPORT}; create view reporting.sample_report with (security_barrier = true) as
            select samples from billing.sample_totals where tenant_id = core.tenant_id();
            alter view reporting.sample_report owner to countinghouse_reports;
            grant select (samples) on reporting.sample_report to countinghouse_tenant""",
    ),
    bad("owner", "billing.samples", "alter table billing.samples owner to current_user"),
    bad("owner", "billing.samples", "alter table billing.samples owner to countinghouse_reader"),
    bad(
        "owner",
        "billing.sample_totals",
        f"{REPORT}; alter materialized view billing.sample_totals owner to current_user",
    ),
    bad("owner", "billing.word", "create domain billing.word as text"),
    bad("owner", "schema annex", "create schema annex"),
    bad("public-schema-empty", "public.notes", "create table public.notes (id int)"),
    bad("public-schema-empty", "public.one()", "create function public.one() returns int language sql return 1"),
)
