-- Reports: what stood where on a day. They read the entries with the rights of whoever asks.

create function ledger.balance(account uuid, as_of date) returns numeric
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    -- From today backwards: what counts only after the day is little for the days that are asked for.
    select case normal_side when 'DEBIT' then 1 else -1 end * (
        posted - coalesce((
            select sum(amount) from ledger.entries
            where tenant_id = core.tenant_id() and account_id = accounts.id and effective_date > as_of
        ), 0)
    )
    from ledger.accounts
    where tenant_id = core.tenant_id() and id = account
$$;
comment on function ledger.balance(uuid, date) is
    'What stood on an account at the end of a day, by its normal side. A transfer counts from its effective date on.';

create function ledger.statement(account uuid, first_day date, last_day date) returns table (
    tenant_id uuid, id uuid, line bigint, transfer_id uuid, effective_date date, seq bigint, kind text,
    description text, amount numeric, balance numeric
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select e.tenant_id, e.id, row_number() over chain, e.transfer_id, e.effective_date, e.seq, t.kind, t.description, e.amount * side.sign,
           ledger.balance(account, first_day - 1)
           + sum(e.amount * side.sign) over chain
    from ledger.accounts a
    cross join lateral (select case a.normal_side when 'DEBIT' then 1 else -1 end as sign) as side
    join ledger.entries e on e.tenant_id = a.tenant_id and e.account_id = a.id and e.effective_date between first_day and last_day
    join ledger.transfers t on t.tenant_id = e.tenant_id and t.id = e.transfer_id
    where a.tenant_id = core.tenant_id() and a.id = account
    window chain as (order by e.effective_date, e.seq)
    order by e.effective_date, e.seq
$$;
comment on function ledger.statement(uuid, date, date) is
    'The entries of an account that count from a day to another, in the order of their days, each with the balance after it.';

create function ledger.trial_balance(as_of date) returns table (
    tenant_id uuid, id uuid, line bigint, code text, name text, kind text, currency text, debit numeric, credit numeric
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select a.tenant_id, a.id, row_number() over (order by a.currency, a.code), a.code, a.name, a.kind, a.currency, greatest(stood.amount, 0), greatest(- stood.amount, 0)
    from ledger.accounts a
    left join (
        select account_id, sum(amount) as amount from ledger.entries
        where tenant_id = core.tenant_id() and effective_date > as_of
        group by account_id
    ) as later on later.account_id = a.id
    cross join lateral (select a.posted - coalesce(later.amount, 0) as amount) as stood
    where a.tenant_id = core.tenant_id() and stood.amount <> 0
    order by a.currency, a.code
$$;
comment on function ledger.trial_balance(date) is
    'Every account with a balance at the end of a day, as a debit or a credit. In each currency both add up to the same.';

grant execute on function ledger.balance(uuid, date), ledger.statement(uuid, date, date), ledger.trial_balance(date)
    to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
