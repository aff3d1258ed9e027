-- A seal lies over a batch of audit entries: the hash of the seal before it and of all that they say. Whoever changes,
-- adds, removes or moves a sealed entry breaks its seal, and whoever mends that one breaks the next.
--
-- Entries come unsealed, because a chain that every change had to join would have them wait for one another; the worker
-- seals them a minute later. What a seal cannot show is that the last ones are gone, with all their entries: for that
-- somebody has to keep the latest digest elsewhere.

create table core.audit_seals (
    tenant_id uuid not null references iam.tenants,
    seal bigint not null,
    entries integer not null,
    digest bytea not null,
    created_at timestamptz not null default statement_timestamp(),
    primary key (tenant_id, seal),
    constraint audit_seals_seal_check check (seal > 0),
    constraint audit_seals_entries_check check (entries > 0),
    constraint audit_seals_digest_check check (octet_length(digest) = 32)
);

comment on table core.audit_seals is 'The chain of seals over the audit log of each organisation.';
comment on column core.audit_seals.tenant_id is 'The organisation.';
comment on column core.audit_seals.seal is 'The number of the seal, counted from 1 without gaps.';
comment on column core.audit_seals.entries is 'How many entries are under it.';
comment on column core.audit_seals.digest is 'SHA-256 of the seal before it, of its number and of its entries in order.';
comment on column core.audit_seals.created_at is 'When it was set.';
comment on constraint audit_seals_seal_check on core.audit_seals is 'SEAL_NUMBER: Seals count from 1.';
comment on constraint audit_seals_entries_check on core.audit_seals is 'SEAL_EMPTY: A seal lies over one entry at least.';
comment on constraint audit_seals_digest_check on core.audit_seals is 'SEAL_DIGEST: A digest has 32 bytes.';

alter table core.audit_seals enable row level security;
alter table core.audit_seals force row level security;

-- Of the tenant, for those who see all of it.
create policy tenant on core.audit_seals to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all()) with check (tenant_id = core.tenant_id() and core.sees_all());
-- NOTE: no policy for analysts and no grant to anybody: seals come with the log that they lie over.

create trigger append_only before update or delete on core.audit_seals
    for each row execute function core.refuse_change();
create trigger not_emptied before truncate on core.audit_seals
    for each statement execute function core.refuse_change();
-- NOTE: no audit trigger: a seal over an entry about a seal would never be the last.

-- Times are written in UTC, whatever the session's zone.
create function core.audit_entry_digest(entry core.audit_log) returns bytea
language sql stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
    select sha256(convert_to(
        jsonb_build_array(
            entry.tenant_id, entry.id, entry.action, entry.entity_type, entry.entity_id, entry.old_values, entry.new_values,
            entry.user_id, entry.ip_address, entry.user_agent, entry.request_id, entry.created_at
        )::text,
        'UTF8'
    ))
$$;
comment on function core.audit_entry_digest(core.audit_log) is 'SHA-256 of all that an entry says.';

create function core.audit_seal_digest(tenant uuid, seal bigint, previous bytea, entry_digests bytea) returns bytea
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select sha256(coalesce(previous, '') || uuid_send(tenant) || int8send(seal) || entry_digests)
$$;
comment on function core.audit_seal_digest(uuid, bigint, bytea, bytea) is
    'The digest of a seal: of the one before it, which the first has not, and of its entries, by time and id.';

create function core.audit_unsealed() returns table (tenant_id uuid)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select tenant_id from core.audit_log
    where seal is null
    group by tenant_id
    having min(created_at) < statement_timestamp() - interval '1 minute' or count(*) >= 1000
$$;
comment on function core.audit_unsealed() is 'The organisations whose audit log has a batch to seal. For the worker.';

create function core.audit_seal() returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    last_seal core.audit_seals;
    next_seal bigint;
    sealed integer;
    digests bytea;
begin
    perform core.demand('core:work');
    -- One after the other: who waits here reads the chain as the one before has left it.
    perform from iam.tenants where id = core.tenant_id() for no key update;
    select * into last_seal from core.audit_seals where tenant_id = core.tenant_id() order by seal desc limit 1;
    next_seal := coalesce(last_seal.seal, 0) + 1;
    with batch as (
        select id, created_at from core.audit_log
        where tenant_id = core.tenant_id() and seal is null order by created_at, id limit 1000
    ), entries as (
        update core.audit_log as entry set seal = next_seal
        from batch
        where entry.tenant_id = core.tenant_id() and entry.id = batch.id and entry.created_at = batch.created_at
        returning entry.id, entry.created_at, core.audit_entry_digest(entry) as digest
    )
    select count(*), string_agg(digest, '' order by created_at, id) into sealed, digests from entries;
    if sealed > 0 then
        insert into core.audit_seals (tenant_id, seal, entries, digest)
        values (
            core.tenant_id(), next_seal, sealed,
            core.audit_seal_digest(core.tenant_id(), next_seal, last_seal.digest, digests)
        );
    end if;
    return sealed = 1000;
end
$$;
comment on function core.audit_seal() is 'Seals a batch of audit entries, and answers whether there are more. For the worker.';

create function core.audit_broken_seals(tenant uuid) returns table (seal bigint, problem text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with under as (
        select entry.seal, count(*) as entries,
               string_agg(core.audit_entry_digest(entry), '' order by entry.created_at, entry.id) as digests
        from core.audit_log as entry
        where entry.tenant_id = tenant and entry.seal is not null
        group by entry.seal
    ), chain as (
        select s.seal, s.entries, s.digest, row_number() over links as place, lag(s.digest) over links as previous
        from core.audit_seals s
        where s.tenant_id = tenant
        window links as (order by s.seal)
    ), judged as (
        select coalesce(chain.seal, under.seal) as seal, case
            when chain.seal is null then 'does not exist, and entries are under it'
            when chain.seal <> chain.place then 'does not follow the one before it'
            when under.entries is distinct from chain.entries then
                format('lies over %s entries and was set on %s', coalesce(under.entries, 0), chain.entries)
            when core.audit_seal_digest(tenant, chain.seal, chain.previous, under.digests) <> chain.digest then
                'is broken: an entry under it, or the seal before it, is not what it was'
        end as problem
        from chain full join under on under.seal = chain.seal
    )
    select judged.seal, judged.problem from judged where judged.problem is not null order by judged.seal
$$;
comment on function core.audit_broken_seals(uuid) is
    'The seals of an organisation that do not hold, and what is wrong with each. For the operator of the house.';

grant execute on function core.audit_seal() to countinghouse_tenant;
grant execute on function core.audit_unsealed() to countinghouse_worker;
