"""Bad grants."""

from typing import Final

from tests.database.bad.example import STRANGER, TENANT_ROLE, bad
from tests.database.bad.sample import REPORT

GRANTS: Final = (
    bad("nothing-to-public", "billing.samples", "grant select on billing.samples to public"),
    bad("nothing-to-public", "billing.samples.name", "grant select (name) on billing.samples to public"),
    bad(
        "nothing-to-public",
        "billing.word",
        "create domain billing.word as text; grant usage on type billing.word to public",
    ),
    bad("nothing-to-public", "schema billing", "grant usage on schema billing to public"),
    bad(
        "function-not-public",
        "billing.sample_close(input jsonb)",
        "grant execute on function billing.sample_close(jsonb) to public",
    ),
    bad(
        "function-not-public",
        "billing.forgotten()",
        "create function billing.forgotten() returns int language sql return 1;"
        " grant execute on function billing.forgotten() to public",
    ),
    bad("schema-not-creatable", "schema public", "grant create on schema public to public"),
    bad("schema-not-creatable", "schema billing", "grant create on schema billing to countinghouse_tenant"),
    bad(
        "grants-to-groups",
        "column name of table billing.samples",
        f"{TENANT_ROLE}; grant select (name) on billing.samples to tenant_{STRANGER}",
    ),
    bad("grants-to-groups", "schema billing", "create role passer_by; grant usage on schema billing to passer_by"),
    bad(
        "grants-to-groups",
        "table billing.samples",
        f"{TENANT_ROLE}; alter table billing.samples owner to tenant_{STRANGER}",
    ),
    bad(
        "no-grant-option",
        "billing.samples.name",
        "grant select (name) on billing.samples to countinghouse_tenant with grant option",
    ),
    bad("readers-read-columns", "billing.samples", "grant select on billing.samples to countinghouse_analyst"),
    bad("readers-never-write", "billing.samples", "grant insert on billing.samples to countinghouse_tenant"),
    bad("readers-never-write", "billing.samples", "grant truncate on billing.samples to countinghouse_reader"),
    bad("readers-never-write", "billing.samples", "grant references on billing.samples to countinghouse_analyst"),
    bad(
        "readers-never-write", "billing.samples.name", "grant update (name) on billing.samples to countinghouse_tenant"
    ),
    bad(
        "worker-sees-that-it-is-due",
        "billing.samples.name",
        "grant select (name) on billing.samples to countinghouse_worker",
    ),
    bad(
        "worker-sees-that-it-is-due",
        "core.idempotency_keys",
        "grant delete, update on core.idempotency_keys to countinghouse_worker",
    ),
    bad("api-has-no-tables", "billing.samples.name", "grant select (name) on billing.samples to countinghouse_api"),
    bad(
        "no-grant-on-partitions",
        "billing.sample_events_default",
        "grant select on billing.sample_events_default to countinghouse_tenant",
    ),
    bad(
        "no-grant-on-partitions",
        "billing.sample_events_default.id",
        "grant select (id) on billing.sample_events_default to countinghouse_analyst",
    ),
    bad(
        "no-grant-on-materialized-views",
        "billing.sample_totals",
        f"{REPORT}; grant select on billing.sample_totals to countinghouse_analyst",
    ),
    bad(
        "no-grant-on-materialized-views",
        "billing.sample_totals.samples",
        f"{REPORT}; grant select (samples) on billing.sample_totals to countinghouse_tenant",
    ),
    bad(
        "no-grant-on-sequences",
        "billing.numbers",
        "create sequence billing.numbers; grant usage on sequence billing.numbers to countinghouse_tenant",
    ),
    bad(
        "secrets-not-granted",
        "billing.samples.secret_hash",
        "grant select (secret_hash) on billing.samples to countinghouse_analyst",
    ),
    bad(
        "secrets-not-granted",
        "billing.samples.recovery_codes",
        """alter table billing.samples add recovery_codes text;
            grant select (recovery_codes) on billing.samples to countinghouse_tenant""",
    ),
    bad(
        "reader-equals-tenant",
        "billing.samples.metadata",
        "grant select (metadata) on billing.samples to countinghouse_reader",
    ),
    bad(
        "reader-equals-tenant",
        "billing.samples.name",
        "revoke select (name) on billing.samples from countinghouse_reader",
    ),
    bad("people-not-granted", "iam.users.email", "grant select (email) on iam.users to countinghouse_analyst"),
    bad(
        "exempt-schemas-closed",
        "schema pgqueuer",
        "grant usage on schema pgqueuer to countinghouse_tenant",
    ),
    bad(
        "exempt-schemas-closed",
        "pgqueuer.pgqueuer",
        "grant select on pgqueuer.pgqueuer to public",
    ),
    bad(
        "default-privileges",
        "countinghouse_owner",
        "role countinghouse_owner",
        "alter default privileges for role countinghouse_owner grant execute on functions to public;"
        " alter default privileges for role countinghouse_owner grant select on tables to countinghouse_tenant",
    ),
    bad(
        "no-temporary-tables",
        "database *",
        "do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$",
    ),
    bad(
        "no-temporary-tables",
        "database *",
        "do $$ begin execute format('grant create on database %I to countinghouse_tenant', current_database()); end $$",
    ),
    bad(
        "no-shared-state",
        "pg_catalog.pg_advisory_lock",
        "grant execute on function pg_advisory_lock(bigint) to countinghouse_analyst",
    ),
    bad(
        "no-shared-state",
        "pg_catalog.pg_stat_get_activity",
        "grant execute on function pg_stat_get_activity(integer) to public",
    ),
    bad("analysts-connect-here-only", "database postgres", "grant connect on database postgres to public"),
    bad(
        "no-parameter-grants",
        "parameter session_replication_role",
        "grant set on parameter session_replication_role to countinghouse_api",
    ),
)
