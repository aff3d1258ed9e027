-- Reports that are reckoned ahead: materialized views, which hold every organisation's rows and cannot have row security.
-- They lie in a schema that nobody may enter but their owner. What is read is a view on top of each, which lets through
-- the rows of the organisation that asks. docs/decisions/0008-reports-reckoned-ahead.md says how one is added.

reset role;
create schema reports authorization countinghouse_owner;
comment on schema reports is 'Materialized views over all organisations, and when each was refreshed. Nobody reads them directly.';
grant usage on schema reports to countinghouse_reports, countinghouse_worker;
set local role countinghouse_owner;

create table reports.refreshes (
    report text primary key,
    every interval not null,
    refreshed_at timestamptz not null default statement_timestamp(),
    constraint refreshes_every_check check (every between '1 minute' and '1 year')
);

comment on table reports.refreshes is 'How old each report is, and how old it may become.';
comment on column reports.refreshes.report is 'The name of its materialized view.';
comment on column reports.refreshes.every is 'How old it becomes before it is refreshed.';
comment on column reports.refreshes.refreshed_at is 'As of when it says what it says.';
comment on constraint refreshes_every_check on reports.refreshes is
    'REFRESH_INTERVAL: A report is refreshed once a minute at most, and once a year at least.';

alter table reports.refreshes enable row level security;
alter table reports.refreshes force row level security;

-- Reports are of the house: this says nothing about any organisation.
create policy reports on reports.refreshes to countinghouse_reports using (true) with check (true);
create policy worker on reports.refreshes for select to countinghouse_worker using (true);
grant select, update (refreshed_at) on reports.refreshes to countinghouse_reports;
grant select (report, every, refreshed_at) on reports.refreshes to countinghouse_worker;
-- NOTE: nothing for tenants: a report itself tells how old it is.

create function reports.due() returns table (report text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select report from reports.refreshes where refreshed_at + every <= statement_timestamp()
$$;
comment on function reports.due() is 'The reports that are to be refreshed. For the worker.';

create function reports.refresh(wanted text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    found_report reports.refreshes;
begin
    -- Whoever comes second goes away: the first is at it.
    select * into found_report from reports.refreshes where report = wanted for update skip locked;
    if found_report.report is null or found_report.refreshed_at + found_report.every > statement_timestamp() then
        return false;
    end if;
    execute format('refresh materialized view concurrently reports.%I', found_report.report);
    -- What was committed before the statement began is in it.
    update reports.refreshes set refreshed_at = statement_timestamp() where report = found_report.report;
    return false;
end
$$;
comment on function reports.refresh(text) is
    'Reckons a report anew if that is due, while others read what it said before. For the worker.';

create function reports.as_of(wanted text) returns timestamptz
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
    select refreshed_at from reports.refreshes where report = wanted and core.permits('iam:read')
$$;
comment on function reports.as_of(text) is 'As of when a report says what it says, for anybody who works in an organisation.';

reset role;
grant create on schema reports to countinghouse_reports;
alter function reports.refresh(text) owner to countinghouse_reports;
alter function reports.as_of(text) owner to countinghouse_reports;
revoke create on schema reports from countinghouse_reports;
revoke execute on function reports.refresh(text), reports.as_of(text) from public;
grant execute on function reports.refresh(text) to countinghouse_worker;
grant execute on function reports.as_of(text) to countinghouse_tenant, countinghouse_reader;
set local role countinghouse_owner;
grant execute on function reports.due() to countinghouse_worker;
