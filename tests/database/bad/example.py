"""What a bad example is, and the pieces that several are made of."""

from dataclasses import dataclass
from typing import Final

STRANGER: Final = "0123456789abcdef0123456789abcdef"
PINNED: Final = "security definer set search_path = pg_catalog, pg_temp"
NOTHING: Final = "begin return 1; end"
OURS: Final = "tenant_id = core.tenant_id()"
TENANT_ROLE: Final = f"create role tenant_{STRANGER} nologin in role countinghouse_tenant"
NEW_TENANT: Final = (
    """iam.tenant_create('{"slug": "sampler", "name": "Sampler", "currency": "EUR", "country": "IE"}'::jsonb)"""
)

LOGIN: Final = f"analyst_{STRANGER[:16]}_{STRANGER}"
VERIFIER: Final = f"SCRAM-SHA-256$4096:{'A' * 22}==${'A' * 43}=:{'A' * 43}="
NEW_ANALYST: Final = f"""
    do $$ declare made constant uuid := {NEW_TENANT}; begin
        execute format('set local role %I', 'tenant_' || replace(made::text, '-', ''));
        perform set_config('app.role', 'owner', true),
            iam.analyst_create('{{"label": "BI", "verifier": "{VERIFIER}"}}'::jsonb);
        reset role;
    end $$
"""
"""An organisation with an analyst, as both should be."""


def of_the_analyst(command: str) -> str:
    """Do this with the role of that analyst, which the command calls %1$I."""
    return f"""{NEW_ANALYST}; do $$ begin
        execute format('{command}', (select login from iam.analysts)); end $$"""


@dataclass(frozen=True, slots=True)
class Bad:
    """SQL that breaks one rule, and the objects that the rule must name (a trailing * stands for the rest)."""

    rule: str
    objects: tuple[str, ...]
    sql: str


def bad(rule: str, *objects_and_sql: str) -> Bad:
    *objects, sql = objects_and_sql
    return Bad(rule, tuple(objects), sql)


def policy(name: str, using: str, to: str = "countinghouse_tenant", command: str = "all", check: str = "") -> str:
    """A policy in place of the sample's own."""
    return f"""
        drop policy tenant on billing.samples;
        create policy {name} on billing.samples for {command} to {to} using ({using}) with check ({check or using})
    """


def function(body: str, options: str = "", returns: str = "int", language: str = "plpgsql") -> str:
    """A function billing.forgotten() without grants."""
    return f"""
        create function billing.forgotten() returns {returns} language {language} {options} as $f${body}$f$;
        alter function billing.forgotten() owner to countinghouse_owner;
        revoke execute on function billing.forgotten() from public
    """
