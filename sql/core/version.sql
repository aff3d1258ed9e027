-- Which schema this database holds. One row, written by `countinghouse migrate` in the transaction that loads the
-- schema, so that a database is of a known version or was never loaded at all.

create table core.schema_version (
    only_row boolean primary key default true,
    version text not null,
    loaded_at timestamptz not null default statement_timestamp(),
    constraint schema_version_only_row_check check (only_row),
    constraint schema_version_version_check check (version <> '')
);

alter table core.schema_version owner to countinghouse_owner;
alter table core.schema_version enable row level security;
alter table core.schema_version force row level security;

-- NOTE: no policy and no grant. Only a superuser, as whom migrations run, reads or writes it.

comment on table core.schema_version is
    'The version of the schema in this database: the release, and a hash of every file that was loaded.';
comment on column core.schema_version.only_row is 'Always true: there is one row.';
comment on column core.schema_version.version is 'Release and hash, such as 0.1.0+3f9a61b2c0d4e5f6.';
comment on column core.schema_version.loaded_at is 'When the schema was loaded.';
comment on constraint schema_version_only_row_check on core.schema_version is
    'SCHEMA_VERSION_ONLY_ROW: A database holds one version of the schema.';
comment on constraint schema_version_version_check on core.schema_version is
    'SCHEMA_VERSION_REQUIRED: The version of the schema is missing.';
