-- An offboarding is an organisation that left, with everything that it had. What stays is that it happened.

create table iam.offboardings (
    id uuid primary key default core.new_id(),
    tenant_digest bytea not null,
    manifest_digest bytea not null,
    rows_removed bigint not null,
    accounts_removed integer not null,
    created_at timestamptz not null default statement_timestamp(),
    created_by text not null,
    constraint offboardings_digest_check check (octet_length(tenant_digest) = 32 and octet_length(manifest_digest) = 32),
    constraint offboardings_counts_check check (rows_removed > 0 and accounts_removed >= 0),
    constraint offboardings_created_by_check check (char_length(created_by) between 1 and 200)
);

comment on table iam.offboardings is
    'Organisations that left. Neither their names nor their ids: who has the id, or the export, can show which one it was.';
comment on column iam.offboardings.id is 'The id of this entry.';
comment on column iam.offboardings.tenant_digest is 'SHA-256 of the organisation''s id, as text.';
comment on column iam.offboardings.manifest_digest is 'SHA-256 of the manifest of the export that was taken before.';
comment on column iam.offboardings.rows_removed is 'How many rows were its.';
comment on column iam.offboardings.accounts_removed is 'How many people belonged nowhere else, and went with it.';
comment on column iam.offboardings.created_at is 'When it was removed.';
comment on column iam.offboardings.created_by is 'Which operator of the house did it.';
comment on constraint offboardings_digest_check on iam.offboardings is 'OFFBOARDING_DIGEST: A digest has 32 bytes.';
comment on constraint offboardings_counts_check on iam.offboardings is 'OFFBOARDING_COUNTS: An organisation has one row at least.';
comment on constraint offboardings_created_by_check on iam.offboardings is
    'OFFBOARDING_OPERATOR: An operator is named in 1 to 200 characters.';

alter table iam.offboardings enable row level security;
alter table iam.offboardings force row level security;

-- NOTE: no policy and no grant. Only a superuser, as whom the operator of the house works, reads or writes it.

create trigger append_only before update or delete on iam.offboardings
    for each row execute function core.refuse_change();
create trigger not_emptied before truncate on iam.offboardings
    for each statement execute function core.refuse_change();
-- NOTE: no audit trigger: an entry belongs to a tenant, and there is none any more.
