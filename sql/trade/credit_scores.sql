-- A credit score says how well a retailer pays, as of a day. The worker reckons one for every retailer each night, from orders,
-- payments and lines as they are then, and keeps what it was reckoned from. The formula is the one of the specification of trade:
-- 300 + 600 × (0.40 on-time share + 0.30 (1 − utilisation) + 0.15 tenure/24 months + 0.15 volume percentile), each of the four
-- between 0 and 1, so that 300 and 900 are the ends.

create function trade.credit_score(
    on_time_share numeric, utilisation numeric, tenure_months integer, volume_percentile numeric
) returns integer
language sql immutable parallel safe
return round(
    300 + 600 * (
        0.40 * on_time_share + 0.30 * (1 - utilisation) + 0.15 * least(tenure_months, 24) / 24.0 + 0.15 * volume_percentile
    )
);
comment on function trade.credit_score(numeric, numeric, integer, numeric) is
    'The score that these make: 300 to 900, rounded. More than 24 months count as 24.';

create table trade.credit_scores (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    retailer_id uuid not null,
    scored_on date not null,
    due_orders integer not null,
    on_time_orders integer not null,
    on_time_share numeric not null,
    utilisation numeric not null,
    tenure_months integer not null,
    volume_percentile numeric not null,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    score integer not null generated always as (
        trade.credit_score(on_time_share, utilisation, tenure_months, volume_percentile)
    ) stored,
    risk_category text not null generated always as (
        case
            when trade.credit_score(on_time_share, utilisation, tenure_months, volume_percentile) < 550 then 'HIGH'
            when trade.credit_score(on_time_share, utilisation, tenure_months, volume_percentile) < 700 then 'MEDIUM'
            else 'LOW'
        end
    ) stored,
    primary key (tenant_id, id),
    constraint credit_scores_retailer_day_unique unique (tenant_id, retailer_id, scored_on),
    foreign key (tenant_id, retailer_id) references trade.retailers,
    constraint credit_scores_inputs_check check (
        on_time_share between 0 and 1 and utilisation between 0 and 1 and volume_percentile between 0 and 1 and tenure_months >= 0
    ),
    constraint credit_scores_on_time_check check (
        on_time_orders between 0 and due_orders
        and on_time_share = case due_orders when 0 then 0.5 else round(on_time_orders / due_orders::numeric, 4) end
    )
);

comment on table trade.credit_scores is 'How well a retailer pays, as of a day, and what that was reckoned from.';
comment on column trade.credit_scores.tenant_id is 'The organisation.';
comment on column trade.credit_scores.id is 'The score''s id.';
comment on column trade.credit_scores.retailer_id is 'The retailer.';
comment on column trade.credit_scores.scored_on is 'The day, where the organisation is, on whose morning it was reckoned.';
comment on column trade.credit_scores.due_orders is 'Its delivered orders whose due date had passed.';
comment on column trade.credit_scores.on_time_orders is
    'Those of them of which payments received by the due date had covered what was charged, less what came back.';
comment on column trade.credit_scores.on_time_share is 'Their share, 0 to 1; 0.5 where no order had been due.';
comment on column trade.credit_scores.utilisation is
    'Which part of the limits of all its lines together it owed, 0 to 1; 0 without a limit.';
comment on column trade.credit_scores.tenure_months is 'Since how many whole months it has been a retailer; more than 24 count as 24.';
comment on column trade.credit_scores.volume_percentile is
    'Which part of the other retailers in its currency had bought less, 0 to 1, by what was delivered and stayed.';
comment on column trade.credit_scores.created_at is 'When it was reckoned.';
comment on column trade.credit_scores.created_by is 'Nobody: the worker reckons them.';
comment on column trade.credit_scores.score is
    'From 300 to 900: 300 + 600 × (0.40 on-time share + 0.30 (1 − utilisation) + 0.15 tenure / 24 + 0.15 volume percentile).';
comment on column trade.credit_scores.risk_category is 'HIGH below a score of 550, MEDIUM below 700, else LOW.';
comment on constraint credit_scores_retailer_day_unique on trade.credit_scores is
    'SCORED_ALREADY: A retailer has one score a day.';
comment on constraint credit_scores_inputs_check on trade.credit_scores is
    'SCORE_INPUT_RANGE: The shares that a score is made from lie between 0 and 1.';
comment on constraint credit_scores_on_time_check on trade.credit_scores is
    'ON_TIME_SHARE_WRONG: The share of orders paid on time is that of those due; without any it is a half.';

create index credit_scores_scored_on on trade.credit_scores (tenant_id, scored_on, id);
create index credit_scores_retailer on trade.credit_scores (tenant_id, retailer_id, scored_on, id);
create index credit_scores_score on trade.credit_scores (tenant_id, score, id);
create index credit_scores_risk_category on trade.credit_scores (tenant_id, risk_category, scored_on, id);

alter table trade.credit_scores enable row level security;
alter table trade.credit_scores force row level security;

-- The tenant's scores, for those who see all of it: what is thought of a retailer is not for the retailer.
create policy tenant on trade.credit_scores to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and core.sees_all()) with check (tenant_id = core.tenant_id() and core.sees_all());
create policy analyst on trade.credit_scores for select to countinghouse_analyst using (tenant_id = core.tenant_id());
-- The worker sees where today's are missing: which organisations have retailers, and on which days they were scored.
create policy worker on trade.credit_scores for select to countinghouse_worker using (tenant_id is not null);
create policy worker on trade.retailers for select to countinghouse_worker using (deleted_at is null);

grant select (
    tenant_id, id, retailer_id, scored_on, due_orders, on_time_orders, on_time_share, utilisation, tenure_months,
    volume_percentile, created_at, created_by, score, risk_category
) on trade.credit_scores to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
grant select (tenant_id, scored_on) on trade.credit_scores to countinghouse_worker;
grant select (tenant_id) on trade.retailers to countinghouse_worker;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: scores are written by credit_scores_make().

create function trade.credit_score_moved() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The trigger of the retailer takes its last score.
    update trade.retailers set credit_score = new.score
    where tenant_id = new.tenant_id and id = new.retailer_id and credit_score <> new.score;
    return null;
end
$$;
comment on function trade.credit_score_moved() is 'Has a retailer have its last score.';

create trigger never_changed before update or delete on trade.credit_scores
    for each row execute function core.refuse_change();
create trigger never_emptied before truncate on trade.credit_scores
    for each statement execute function core.refuse_change();
create trigger moved after insert on trade.credit_scores for each row execute function trade.credit_score_moved();
-- NOTE: no audit trigger: the table is the log of a retailer's score, and is only added to.

create function trade.credit_scores_due() returns table (tenant_id uuid)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select tenant.id from iam.tenants as tenant
    where tenant.suspended_at is null
      and exists (select from trade.retailers as retailer where retailer.tenant_id = tenant.id)
      and not exists (
          select from trade.credit_scores as score
          where score.tenant_id = tenant.id
            and score.scored_on = timezone(tenant.time_zone, statement_timestamp())::date
      )
$$;
comment on function trade.credit_scores_due() is
    'The organisations whose day has begun without scores of their retailers. For the worker.';

create function trade.credit_scores_make() returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('core:work');
    if exists (select from trade.credit_scores where tenant_id = core.tenant_id() and scored_on = core.today()) then
        return false;
    end if;
    insert into trade.credit_scores (
        tenant_id, retailer_id, scored_on, due_orders, on_time_orders, on_time_share, utilisation, tenure_months, volume_percentile
    )
    with place as (
        select time_zone from iam.tenants where id = core.tenant_id()
    ), paid_in_time as (
        select o.id, sum(allocation.amount::numeric) as amount
        from trade.retailer_payment_allocations as allocation
        join trade.retailer_payments as payment
            on payment.tenant_id = allocation.tenant_id and payment.id = allocation.payment_id and payment.is_effective
        join trade.all_orders as o
            on o.tenant_id = allocation.tenant_id and o.id = allocation.order_id
            and timezone((select time_zone from place), payment.received_at)::date <= o.due_date
        where allocation.tenant_id = core.tenant_id()
        group by o.id
    ), bought as (
        select
            o.retailer_id,
            count(*) filter (where o.due_date < core.today()) as due_orders,
            count(*) filter (
                where o.due_date < core.today() and coalesce(paid.amount, 0) >= o.charged - o.returned_total::numeric
            ) as on_time_orders,
            sum(o.delivered_subtotal + o.delivered_tax::numeric - o.returned_total) as volume
        from trade.all_orders as o
        left join paid_in_time as paid on paid.id = o.id
        where o.tenant_id = core.tenant_id() and o.status = 'DELIVERED'
        group by o.retailer_id
    ), owed as (
        select retailer_id, sum(debt::numeric) as debt, sum(credit_limit::numeric) as credit_limit
        from trade.credit_lines where tenant_id = core.tenant_id()
        group by retailer_id
    ), found as (
        select
            retailer.id as retailer_id,
            coalesce(bought.due_orders, 0) as due_orders,
            coalesce(bought.on_time_orders, 0) as on_time_orders,
            case when owed.credit_limit > 0 then greatest(least(owed.debt / owed.credit_limit, 1), 0) else 0 end as utilisation,
            age(
                core.today()::timestamp,
                least(timezone((select time_zone from place), retailer.created_at)::date, core.today())::timestamp
            ) as tenure,
            percent_rank() over (partition by retailer.currency order by coalesce(bought.volume, 0))::numeric as volume_percentile
        from trade.retailers as retailer
        left join bought on bought.retailer_id = retailer.id
        left join owed on owed.retailer_id = retailer.id
        where retailer.tenant_id = core.tenant_id() and retailer.deleted_at is null
    )
    select core.tenant_id(), retailer_id, core.today(), due_orders, on_time_orders,
           case due_orders when 0 then 0.5 else round(on_time_orders / due_orders::numeric, 4) end,
           round(utilisation, 4), extract(year from tenure) * 12 + extract(month from tenure), round(volume_percentile, 4)
    from found
    order by retailer_id
    on conflict (tenant_id, retailer_id, scored_on) do nothing;
    return false;
end
$$;
comment on function trade.credit_scores_make() is
    'Scores every retailer for today, in one statement, unless that is done. For the worker; a second time it finds nothing to do.';

grant execute on function trade.credit_scores_due() to countinghouse_worker;
grant execute on function trade.credit_scores_make() to countinghouse_tenant;
