-- An invoice line is one thing that is charged for. Lines are written with their invoice, and only while it is a draft.

create table billing.invoice_lines (
    tenant_id uuid not null,
    id uuid not null default core.new_id(),
    client_id uuid not null,
    invoice_id uuid not null,
    position integer not null,
    description text not null,
    quantity core.quantity not null,
    unit_price core.money not null,
    discount core.money not null default 0,
    tax_rate core.tax_rate not null default 0,
    amount core.money not null generated always as (round(quantity * unit_price - discount, 2)) stored,
    created_at timestamptz not null default statement_timestamp(),
    created_by uuid default core.user_id(),
    primary key (tenant_id, id),
    -- The client comes along for the policies, and is kept equal to the invoice's by the key.
    foreign key (tenant_id, client_id, invoice_id) references billing.invoices (tenant_id, client_id, id),
    constraint invoice_lines_position_unique unique (tenant_id, invoice_id, position),
    constraint invoice_lines_position_check check (position between 1 and 1000),
    constraint invoice_lines_description_check check (char_length(btrim(description)) between 1 and 2000),
    constraint invoice_lines_unit_price_check check (unit_price >= 0),
    constraint invoice_lines_discount_check check (discount >= 0),
    -- Checks run in order of their names: what is wrong with the price or the discount alone is said first.
    constraint invoice_lines_worth_check check (amount >= 0)
);

comment on table billing.invoice_lines is 'One thing that an invoice charges for.';
comment on column billing.invoice_lines.tenant_id is 'The organisation.';
comment on column billing.invoice_lines.id is 'The line''s id.';
comment on column billing.invoice_lines.client_id is 'The client of its invoice.';
comment on column billing.invoice_lines.invoice_id is 'Its invoice.';
comment on column billing.invoice_lines.position is 'Its place on the invoice, from 1.';
comment on column billing.invoice_lines.description is 'What is charged for: 1 to 2000 characters.';
comment on column billing.invoice_lines.quantity is 'How many, or how much: three decimals at most.';
comment on column billing.invoice_lines.unit_price is 'The price of one, before discount and tax.';
comment on column billing.invoice_lines.discount is 'What is taken off the line.';
comment on column billing.invoice_lines.tax_rate is 'The tax rate in percent; the invoice''s unless said otherwise.';
comment on column billing.invoice_lines.amount is 'Quantity times unit price less discount, rounded half away from zero to two decimals.';
comment on column billing.invoice_lines.created_at is 'When it was entered.';
comment on column billing.invoice_lines.created_by is 'Who entered it.';
comment on constraint invoice_lines_position_unique on billing.invoice_lines is
    'POSITION_TAKEN input.lines: Two lines of an invoice cannot have the same place.';
comment on constraint invoice_lines_position_check on billing.invoice_lines is
    'TOO_MANY_LINES input.lines: An invoice has at most 1000 lines.';
comment on constraint invoice_lines_description_check on billing.invoice_lines is
    'DESCRIPTION_INVALID input.lines.description: A line says in 1 to 2000 characters what is charged for.';
comment on constraint invoice_lines_unit_price_check on billing.invoice_lines is
    'UNIT_PRICE_NEGATIVE input.lines.unitPrice: A price is zero or more. Take something off with discount.';
comment on constraint invoice_lines_discount_check on billing.invoice_lines is
    'DISCOUNT_NEGATIVE input.lines.discount: A discount is zero or more.';
comment on constraint invoice_lines_worth_check on billing.invoice_lines is
    'DISCOUNT_TOO_LARGE input.lines.discount: A line''s discount cannot exceed its quantity times its price.';

create index invoice_lines_created_at on billing.invoice_lines (tenant_id, created_at, id);

alter table billing.invoice_lines enable row level security;
alter table billing.invoice_lines force row level security;

-- The lines of the tenant's invoices; a scoped person sees those of the clients that they speak for.
create policy tenant on billing.invoice_lines to countinghouse_tenant, countinghouse_owner, countinghouse_reader
    using (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())))
    with check (tenant_id = core.tenant_id() and (core.sees_all() or client_id = any (core.scope_ids())));
-- An analyst sees the whole tenant: settings of theirs prove nothing.
create policy analyst on billing.invoice_lines for select to countinghouse_analyst using (tenant_id = core.tenant_id());

grant select (
    tenant_id, id, client_id, invoice_id, position, description, quantity, unit_price, discount, tax_rate, amount,
    created_at, created_by
) on billing.invoice_lines to countinghouse_tenant, countinghouse_reader, countinghouse_analyst;
-- NOTE: no INSERT, UPDATE or DELETE for anybody: lines are written with their invoice.

create function billing.invoice_rates(tenant uuid, invoice uuid, discount numeric)
returns table (tax_rate numeric, net numeric, tax numeric, amount numeric)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with rates as (
        select tax_rate, sum(amount) as amount, sum(sum(amount)) over () as subtotal
        from billing.invoice_lines
        where tenant_id = tenant and invoice_id = invoice
        group by tax_rate
    ),
    -- The discount falls on the rates by largest remainder, in whole hundredths; the smaller rate first among equals.
    shares as (
        select tax_rate, amount,
               div(discount * 100 * amount, rates.subtotal) as hundredths,
               row_number() over (order by mod(discount * 100 * amount, rates.subtotal) desc, tax_rate) as place,
               discount * 100 - sum(div(discount * 100 * amount, rates.subtotal)) over () as left_over
        from rates
        where rates.subtotal > 0
    ),
    bases as (
        select tax_rate, amount, amount - (hundredths + case when place <= left_over then 1 else 0 end) / 100 as net from shares
    )
    select tax_rate, net, round(net * tax_rate / 100, 2), amount from bases
$$;
comment on function billing.invoice_rates(uuid, uuid, numeric) is
    'What an invoice charges at each tax rate: the lines'' amount, what is left after the discount''s share, and the tax on that.';

create function billing.invoice_figures(
    tenant uuid, invoice uuid, discount numeric, out subtotal numeric, out tax_amount numeric
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select coalesce(sum(amount), 0), coalesce(sum(tax), 0) from billing.invoice_rates(tenant, invoice, discount)
$$;
comment on function billing.invoice_figures(uuid, uuid, numeric) is
    'Subtotal and tax of an invoice: tax once for each rate, on the lines of that rate less their share of the discount.';

create function billing.invoice_lines_changed() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    touched record;
    is_draft boolean;
begin
    -- In order of ids, so that two writers never wait for one another; one by one, so that each is found by its key.
    for touched in select distinct tenant_id, invoice_id from changed order by tenant_id, invoice_id loop
        -- The lock comes first: an invoice cannot be issued while its lines are being written.
        select issued_at is null and voided_at is null into is_draft from billing.invoices
        where tenant_id = touched.tenant_id and id = touched.invoice_id
        for update;
        if not is_draft then
            perform core.refuse(
                'CONFLICT', 'INVOICE_ISSUED', 'The lines of an issued or void invoice never change.', 'input.lines'
            );
        end if;
        update billing.invoices set updated_at = statement_timestamp()
        where tenant_id = touched.tenant_id and id = touched.invoice_id;
    end loop;
    return null;
end
$$;
comment on function billing.invoice_lines_changed() is
    'Refuses new and removed lines of what is no draft, and has the draft''s figures made again.';

create trigger added after insert on billing.invoice_lines
    referencing new table as changed for each statement execute function billing.invoice_lines_changed();
create trigger removed after delete on billing.invoice_lines
    referencing old table as changed for each statement execute function billing.invoice_lines_changed();
-- A line is replaced, not changed.
create trigger never_changed before update on billing.invoice_lines for each row execute function core.refuse_change();
create trigger never_emptied before truncate on billing.invoice_lines for each statement execute function core.refuse_change();
create trigger audit after insert or delete on billing.invoice_lines
    for each row execute function core.audit('INVOICE_LINE', 'client_id');

create function billing.invoice_lines_insert(invoice billing.invoices, lines jsonb) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    insert into billing.invoice_lines (
        tenant_id, client_id, invoice_id, position, description, quantity, unit_price, discount, tax_rate
    )
    select
        core.tenant_id(), invoice.client_id, invoice.id, given.place, given.line ->> 'description',
        (given.line ->> 'quantity')::numeric, (given.line ->> 'unit_price')::numeric,
        coalesce((given.line ->> 'discount')::numeric, 0), coalesce((given.line ->> 'tax_rate')::numeric, invoice.tax_rate)
    from jsonb_array_elements(case when jsonb_typeof(lines) = 'array' then lines else '[]' end)
        with ordinality as given (line, place)
$$;
comment on function billing.invoice_lines_insert(billing.invoices, jsonb) is 'Enters a draft''s lines in the order they are given.';
