"""Bad keys and indexes."""

from typing import Final

from tests.database.bad.example import bad

KEYS: Final = (
    bad("primary-key", "billing.samples", "alter table billing.samples drop constraint samples_pkey"),
    bad(
        "key-starts-with-tenant",
        "billing.samples.samples_pkey",
        "alter table billing.samples drop constraint samples_pkey, add constraint samples_pkey primary key (id)",
    ),
    bad(
        "key-starts-with-tenant",
        "billing.samples.samples_name_key",
        """alter table billing.samples drop constraint samples_name_key,
            add constraint samples_name_key unique (name, tenant_id)""",
    ),
    bad("key-starts-with-tenant", "billing.taken", "create unique index taken on billing.samples (lower(name))"),
    bad(
        "key-starts-with-tenant",
        "billing.samples.apart",
        "alter table billing.samples add constraint apart exclude (name with =)",
    ),
    bad(
        "foreign-key-starts-with-tenant",
        "billing.samples.parent_fkey",
        """alter table billing.samples add constraint samples_id_key unique (id), add parent uuid,
            add constraint parent_fkey foreign key (parent) references billing.samples (id)""",
    ),
    bad(
        "foreign-key-starts-with-tenant",
        "billing.samples.person_fkey",
        """alter table billing.samples add person uuid,
            add constraint person_fkey foreign key (person) references iam.users (id)""",
    ),
    bad(
        "foreign-key-restricts",
        "billing.samples.parent_fkey",
        """alter table billing.samples add parent uuid, add constraint parent_fkey
            foreign key (tenant_id, parent) references billing.samples (tenant_id, id) on delete cascade""",
    ),
    bad(
        "foreign-key-restricts",
        "billing.samples.parent_fkey",
        """alter table billing.samples add parent uuid, add constraint parent_fkey
            foreign key (tenant_id, parent) references billing.samples (tenant_id, id) on update cascade""",
    ),
    bad(
        "foreign-key-restricts",
        "billing.samples.parent_fkey",
        """alter table billing.samples add parent uuid, add constraint parent_fkey
            foreign key (tenant_id, parent) references billing.samples (tenant_id, id) on delete set null""",
    ),
    bad(
        "constraint-validated",
        "billing.samples.later",
        "alter table billing.samples add constraint later check (name <> '') not valid",
    ),
    bad("index-starts-with-tenant", "billing.by_name", "create index by_name on billing.samples (name)"),
    bad(
        "index-leakproof",
        "billing.by_amount",
        "create index by_amount on billing.samples (tenant_id, amount)",
    ),
    bad(
        "index-leakproof",
        "billing.by_metadata",
        "create index by_metadata on billing.samples (tenant_id, (metadata -> 'a'))",
    ),
    bad(
        "index-valid",
        "billing.samples_status",
        "update pg_index set indisvalid = false where indexrelid = 'billing.samples_status'::regclass",
    ),
)
