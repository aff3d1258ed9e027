-- A period of a recurring invoice names the invoice that was made for it. Its unique constraint is the last word on how
-- often that is.

create table billing.recurring_invoice_periods (
    tenant_id uuid not null,
    id uuid not null,
    client_id uuid not null,
    recurring_invoice_id uuid not null,
    period_date date not null,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    primary key (tenant_id, id),
    foreign key (tenant_id, client_id, id) references billing.invoices (tenant_id, client_id, id),
    foreign key (tenant_id, client_id, recurring_invoice_id)
        references billing.recurring_invoices (tenant_id, client_id, id),
    constraint recurring_invoice_periods_date_unique unique (tenant_id, recurring_invoice_id, period_date)
);

comment on table billing.recurring_invoice_periods is 'A period of a recurring invoice, and the invoice that was made for it.';
comment on column billing.recurring_invoice_periods.tenant_id is 'The organisation.';
comment on column billing.recurring_invoice_periods.id is 'The id of the invoice that was made.';
comment on column billing.recurring_invoice_periods.client_id is 'The client it is for.';
comment on column billing.recurring_invoice_periods.recurring_invoice_id is 'The recurring invoice.';
comment on column billing.recurring_invoice_periods.period_date is 'The first day of the period, which is the invoice''s date.';
comment on column billing.recurring_invoice_periods.created_at is 'When the invoice was made.';
comment on column billing.recurring_invoice_periods.created_by is 'Nobody: the worker makes them.';
comment on constraint recurring_invoice_periods_date_unique on billing.recurring_invoice_periods is
    'PERIOD_INVOICED: There is an invoice for this period already.';

alter table billing.recurring_invoice_periods enable row level security;
alter table billing.recurring_invoice_periods force row level security;

-- Those of the tenant; a scoped person sees those of the clients that they speak for.
create policy tenant on billing.recurring_invoice_periods to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())))
    with check (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())));
-- An analyst sees the whole tenant: settings of theirs prove nothing.
create policy analyst on billing.recurring_invoice_periods for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (tenant_id, id, client_id, recurring_invoice_id, period_date, created_at, created_by)
    on billing.recurring_invoice_periods to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: they are written by recurring_invoice_make().

create trigger never_changed before update or delete on billing.recurring_invoice_periods
    for each row execute function core.refuse_change();
create trigger never_emptied before truncate on billing.recurring_invoice_periods
    for each statement execute function core.refuse_change();
create trigger audit after insert on billing.recurring_invoice_periods
    for each row execute function core.audit('RECURRING_INVOICE_PERIOD', 'client_id');

create function billing.recurring_invoice_copy(original billing.invoices, on_date date) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select jsonb_build_object(
        'client_id', original.client_id, 'series', original.series, 'issue_date', on_date,
        'due_date', on_date + (original.due_date - original.issue_date), 'currency', original.currency,
        'tax_rate', original.tax_rate, 'discount', original.discount, 'notes', original.notes, 'terms', original.terms,
        'payment_method', (
            select method_name from billing.payment_methods
            where tenant_id = core.tenant_id() and id = original.payment_method_id and is_active
        ),
        'template', original.template, 'branding', original.branding, 'metadata', original.metadata,
        'lines', (
            select jsonb_agg(
                jsonb_build_object(
                    'description', description, 'quantity', quantity, 'unit_price', unit_price, 'discount', discount,
                    'tax_rate', tax_rate
                )
                order by position
            )
            from billing.invoice_lines where tenant_id = core.tenant_id() and invoice_id = original.id
        )
    )
$$;
comment on function billing.recurring_invoice_copy(billing.invoices, date) is
    'What a new draft needs to be the same invoice under another day. Its payment link and external reference were its own.';

create function billing.recurring_invoice_make(wanted uuid) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    recurrence billing.recurring_invoices;
    original billing.invoices;
    made billing.invoices;
    sql_state text;
    constraint_name text;
    column_name text;
    message text;
begin
    perform core.demand('core:work');
    -- Another worker may have this one in hands: we wait here, and then see what it did.
    recurrence := billing.recurring_invoice_found(wanted);
    if recurrence.next_date is null or recurrence.next_date > core.today() then
        return false;
    end if;
    begin
        original := billing.invoice_found(wanted);
        if original.voided_at is not null then
            perform core.refuse('CONFLICT', 'INVOICE_VOID', 'The invoice that is to be made again is void.');
        end if;
        -- A period that has its invoice is passed over: its day was set a second time.
        if not exists (
            select from billing.recurring_invoice_periods
            where tenant_id = core.tenant_id() and recurring_invoice_id = wanted and period_date = recurrence.next_date
        ) then
            made := billing.invoice_found(billing.invoice_insert(billing.recurring_invoice_copy(original, recurrence.next_date)));
            insert into billing.recurring_invoice_periods (tenant_id, id, client_id, recurring_invoice_id, period_date)
            values (core.tenant_id(), made.id, made.client_id, wanted, recurrence.next_date);
            perform billing.invoice_publish(made, made.issue_date, made.due_date);
        end if;
        update billing.recurring_invoices set period = period + 1
        where tenant_id = core.tenant_id() and id = wanted
        returning next_date into recurrence.next_date;
    exception when sqlstate 'CH400' or sqlstate 'CH404' or sqlstate 'CH409'
        or integrity_constraint_violation or data_exception then
        -- What a person would be told, somebody has to mend; until then it waits, and says why.
        get stacked diagnostics
            sql_state = returned_sqlstate, constraint_name = constraint_name,
            column_name = column_name, message = message_text;
        update billing.recurring_invoices set
            status = 'PAUSED', pause_reason = left(core.explain(sql_state, constraint_name, column_name, message) ->> 'message', 2000)
        where tenant_id = core.tenant_id() and id = wanted;
        return false;
    end;
    return coalesce(recurrence.next_date <= core.today(), false);
end
$$;
comment on function billing.recurring_invoice_make(uuid) is
    'Makes and issues the invoice of the next period, if that has begun, and answers whether another one has, too. For the worker.';

grant execute on function billing.recurring_invoice_make(uuid) to countinghouse_tenant;
