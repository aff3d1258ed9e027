"""Bad policies."""

from typing import Final

from tests.database.bad.example import OURS, STRANGER, TENANT_ROLE, bad, function, policy

POLICIES: Final = (
    bad("policy-for-tenant-owner-reader", "billing.samples", "drop policy tenant on billing.samples"),
    bad(
        "policy-for-tenant-owner-reader",
        "billing.samples",
        policy("tenant", f"{OURS} and core.sees_all()", "countinghouse_tenant, countinghouse_reader"),
    ),
    bad(
        "policy-for-tenant-owner-reader",
        "billing.samples",
        f"""drop policy tenant on billing.samples;
            create policy narrow on billing.samples as restrictive to countinghouse_tenant, countinghouse_owner,
            countinghouse_reader using ({OURS}) with check ({OURS})""",
    ),
    bad("policy-for-analyst", "billing.samples", "drop policy analyst on billing.samples"),
    bad(
        "policy-both-clauses",
        "billing.samples policy tenant",
        f"""drop policy tenant on billing.samples;
            create policy tenant on billing.samples to countinghouse_tenant using ({OURS})""",
    ),
    bad(
        "policy-both-clauses",
        "billing.samples policy tenant",
        f"""drop policy tenant on billing.samples;
            create policy tenant on billing.samples for update to countinghouse_tenant with check ({OURS})""",
    ),
    bad("policy-to-groups", "billing.samples policy tenant", policy("tenant", OURS, "public")),
    bad(
        "policy-to-groups",
        "billing.samples policy tenant",
        f"{TENANT_ROLE}; {policy('tenant', OURS, f'tenant_{STRANGER}')}",
    ),
    bad("policy-compares-tenant", "billing.samples policy tenant", policy("tenant", "core.sees_all()")),
    bad(
        "policy-compares-tenant",
        "billing.samples policy tenant",
        policy("tenant", f"{OURS} and core.sees_all() or status = 'OPEN'"),
    ),
    bad("policy-compares-tenant", "billing.samples policy tenant", policy("tenant", f"not ({OURS})")),
    bad("policy-compares-tenant", "billing.samples policy tenant", policy("tenant", OURS, check="name <> ''")),
    bad(
        "policy-compares-tenant",
        "billing.samples policy tenant",
        policy("tenant", "tenant_id = current_setting('app.tenant_id')::uuid"),
    ),
    bad(
        "policy-scoped",
        "billing.samples policy tenant",
        f"alter table billing.samples add client_id uuid; {policy('tenant', OURS)}",
    ),
    bad("policy-true", "billing.samples policy tenant", policy("tenant", "true")),
    bad("policy-true", "billing.samples policy tenant", policy("tenant", OURS, check="true")),
    bad(
        "policy-true",
        "billing.samples policy door",
        "create policy door on billing.samples for select to countinghouse_auth using (true)",
    ),
    bad(
        "policy-true",
        "core.audit_log policy door",
        "create policy door on core.audit_log for select to countinghouse_auth using (true)",
    ),
    bad(
        "policy-compares-tenant",
        "billing.samples policy door",
        """create policy door on billing.samples for insert to countinghouse_auth with check (status = 'OPEN')""",
    ),
    bad(
        "people-closed",
        "iam.users policy everyone",
        "create policy everyone on iam.users for select to countinghouse_tenant using (email is not null)",
    ),
    bad(
        "policy-alike",
        "billing.samples",
        policy("tenant", f"{OURS} and core.sees_all()", "countinghouse_tenant, countinghouse_reader")
        + f"; create policy owner on billing.samples to countinghouse_owner using ({OURS}) with check ({OURS})",
    ),
    bad(
        "policy-alike",
        "billing.samples",
        policy("tenant", f"{OURS} and core.sees_all()")
        + f"""; create policy reader on billing.samples for select to countinghouse_reader using ({OURS})""",
    ),
    bad(
        "policy-single",
        "billing.samples",
        f"""create policy wider on billing.samples for select to countinghouse_tenant
            using ({OURS} and status = 'OPEN')""",
    ),
    bad(
        "policy-no-subselect",
        "billing.samples policy tenant",
        policy("tenant", f"{OURS} and id in (select user_id from iam.memberships)"),
    ),
    bad(
        "policy-no-subselect",
        "billing.samples policy tenant",
        policy("tenant", f"{OURS} and exists (select from iam.memberships m where m.tenant_id = core.tenant_id())"),
    ),
    bad(
        "policy-functions",
        "billing.samples policy tenant",
        policy("tenant", f"{OURS} and current_setting('app.role', true) = 'owner'"),
    ),
    bad(
        "policy-functions",
        "billing.samples policy tenant",
        policy("tenant", f"{OURS} and current_user = 'countinghouse_tenant'"),
    ),
    bad(
        "policy-functions",
        "billing.samples policy tenant",
        function("begin return true; end", "stable", "boolean")
        + ";"
        + policy("tenant", f"{OURS} and billing.forgotten()"),
    ),
    bad(
        "policy-functions",
        "billing.samples policy tenant",
        f"""create function billing.same(text, text) returns boolean language sql immutable as 'select true';
            create operator billing.=== (leftarg = text, rightarg = text, function = billing.same);
            {policy("tenant", f"{OURS} and name operator(billing.===) 'a'")}""",
    ),
    bad("policy-no-json", "billing.samples policy tenant", policy("tenant", f"{OURS} and metadata ? 'open'")),
    bad(
        "policy-of-analyst",
        "billing.samples policy analyst",
        f"alter policy analyst on billing.samples using ({OURS} and core.sees_all())",
    ),
    bad(
        "policy-of-analyst",
        "billing.samples policy analyst",
        f"""drop policy analyst on billing.samples; create policy analyst on billing.samples to countinghouse_analyst
            using ({OURS}) with check ({OURS})""",
    ),
)
