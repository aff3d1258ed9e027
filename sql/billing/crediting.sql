-- Crediting: what is taken back of an invoice, and what the credit is then used for.

create function billing.credit_lines(tenant uuid, invoice uuid, wanted numeric)
returns table (tax_rate numeric, net numeric, tax numeric)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with rest as (
        select tax_rate, net, tax, net + tax as gross, sum(net + tax) over () as total from billing.credit_left(tenant, invoice)
        where net + tax > 0
    ),
    -- By largest remainder, in whole hundredths; the smaller rate first among equals.
    shares as (
        select rest.*, div(wanted * 100 * gross, total) as hundredths,
               row_number() over (order by mod(wanted * 100 * gross, total) desc, tax_rate) as place,
               wanted * 100 - sum(div(wanted * 100 * gross, total)) over () as left_over
        from rest
    ),
    parts as (
        select shares.*, round((hundredths + case when place <= left_over then 1 else 0 end) / 100, 2) as part from shares
    ),
    -- The tax in a part is in proportion; never more than is left of it, nor so little that the net would exceed its own.
    taxed as (
        select parts.*, greatest(part - parts.net, least(round(part * tax_rate / (100 + tax_rate), 2), parts.tax)) as tax_part
        from parts
    )
    select tax_rate, part - tax_part, tax_part from taxed where part > 0
$$;
comment on function billing.credit_lines(uuid, uuid, numeric) is
    'An amount with tax that is to be taken back of an invoice, split over its tax rates in proportion to what is left of each.';

create function billing.credit_taxes(tenant uuid, invoice uuid, lines jsonb)
returns table (place bigint, description text, quantity numeric, unit_price numeric, tax_rate numeric, tax numeric)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    with given as (
        select each.place, line ->> 'description' as description, coalesce((line ->> 'quantity')::numeric, 1) as quantity,
               (line ->> 'unit_price')::numeric as unit_price,
               coalesce((line ->> 'tax_rate')::numeric, (
                   select invoices.tax_rate from billing.invoices where tenant_id = tenant and id = invoice
               ), 0) as tax_rate
        from jsonb_array_elements(lines) with ordinality as each (line, place)
    ),
    priced as (
        select given.*, round(quantity * unit_price, 2) as amount,
               sum(round(quantity * unit_price, 2)) over (partition by given.tax_rate) as net
        from given
    ),
    -- Rounded once for a rate. Whoever takes back all that is left of a rate takes back its tax to the cent.
    taxed as (
        select priced.*, case when priced.net = rest.net then rest.tax
            else least(round(priced.net * priced.tax_rate / 100, 2), coalesce(rest.tax, 'infinity')) end as tax_of_rate
        from priced left join billing.credit_left(tenant, invoice) as rest on rest.tax_rate = priced.tax_rate
    ),
    shares as (
        select taxed.*, case when net = 0 then 0 else div(tax_of_rate * 100 * amount, net) end as hundredths,
               row_number() over (partition by taxed.tax_rate order by case when net = 0 then 0 else mod(tax_of_rate * 100 * amount, net) end desc, taxed.place) as turn
        from taxed
    )
    select shares.place, description, quantity, unit_price, tax_rate,
           round((hundredths + case when turn <= tax_of_rate * 100 - sum(hundredths) over (partition by tax_rate) then 1 else 0 end) / 100, 2)
    from shares
$$;
comment on function billing.credit_taxes(uuid, uuid, jsonb) is
    'The lines of a credit note with their taxes: rounded once for each rate, and spread over its lines by largest remainder.';

create function billing.invoice_credit_note(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice billing.invoices;
    wanted numeric := (input ->> 'amount')::numeric;
    has_lines constant boolean := coalesce(jsonb_array_length(nullif(input -> 'lines', 'null')), 0) > 0;
    rest numeric;
    note billing.credit_notes;
begin
    perform core.demand('billing:write');
    invoice := billing.invoice_found((input ->> 'id')::uuid);
    if has_lines and wanted is not null then
        perform core.refuse('BAD_USER_INPUT', 'CREDIT_AMBIGUOUS', 'Name an amount or lines, not both.', 'input.amount');
    end if;
    insert into billing.credit_notes (tenant_id, client_id, invoice_id, issue_date, currency, reason, metadata, external_ref)
    values (
        core.tenant_id(), invoice.client_id, invoice.id,
        coalesce((input ->> 'issue_date')::date, greatest(core.today(), invoice.issue_date)), invoice.currency,
        coalesce(btrim(input ->> 'reason'), ''), coalesce(nullif(input -> 'metadata', 'null'), '{}'), input ->> 'external_ref'
    )
    returning * into note;
    if has_lines then
        insert into billing.credit_note_lines (
            tenant_id, client_id, credit_note_id, position, description, quantity, unit_price, tax_rate, tax_amount
        )
        select core.tenant_id(), note.client_id, note.id, place, description, quantity, unit_price, tax_rate, tax
        from billing.credit_taxes(core.tenant_id(), invoice.id, input -> 'lines');
    else
        select coalesce(sum(net + tax), 0) into rest from billing.credit_left(core.tenant_id(), invoice.id);
        wanted := coalesce(wanted, rest);
        if rest = 0 then
            perform core.refuse(
                'CONFLICT', 'CREDIT_EXHAUSTED', format('Invoice %s is credited whole already.', invoice.number), 'input.id'
            );
        elsif wanted <= 0 then
            perform core.refuse('BAD_USER_INPUT', 'CREDIT_EMPTY', 'A credit note takes back more than zero.', 'input.amount');
        elsif wanted <> round(wanted, 2) then
            perform core.refuse(
                'BAD_USER_INPUT', 'MONEY_DECIMALS', 'An amount of money has at most two decimals. Round it before you send it.', 'input.amount'
            );
        elsif wanted > rest then
            perform core.refuse(
                'BAD_USER_INPUT', 'CREDIT_TOO_LARGE',
                format('%s %s are left to credit of invoice %s.', invoice.currency, rest, invoice.number), 'input.amount'
            );
        end if;
        insert into billing.credit_note_lines (
            tenant_id, client_id, credit_note_id, position, description, unit_price, tax_rate, tax_amount
        )
        select core.tenant_id(), note.client_id, note.id, row_number() over (order by tax_rate),
               format('Credit for invoice %s', invoice.number), net, tax_rate, tax
        from billing.credit_lines(core.tenant_id(), invoice.id, wanted);
    end if;
    update billing.credit_notes set issued_at = statement_timestamp()
    where tenant_id = core.tenant_id() and id = note.id
    returning * into note;
    -- What is still owed of the invoice itself comes first.
    if invoice.balance > 0 then
        insert into billing.allocations (tenant_id, client_id, invoice_id, credit_note_id, amount, effective_date, applied_at)
        values (
            core.tenant_id(), note.client_id, invoice.id, note.id, least(note.total, invoice.balance), note.issue_date,
            statement_timestamp()
        );
    end if;
    return note.id;
end
$$;
comment on function billing.invoice_credit_note(jsonb) is
    'Takes back a part of an issued invoice: the lines given, an amount with its tax in proportion, or all that is left. It pays '
    'the invoice as far as that is open; the rest is the client''s credit.';

create function billing.credit_note_create(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    client billing.clients;
    note billing.credit_notes;
begin
    perform core.demand('billing:write');
    client := billing.client_locked((input ->> 'client_id')::uuid);
    if client.id is null or client.deleted_at is not null then
        perform core.refuse('NOT_FOUND', 'CLIENT_NOT_FOUND', 'There is no client with this id.', 'input.clientId');
    end if;
    insert into billing.credit_notes (tenant_id, client_id, issue_date, currency, reason, metadata, external_ref)
    values (
        core.tenant_id(), client.id, coalesce((input ->> 'issue_date')::date, core.today()),
        coalesce(input ->> 'currency', client.currency), coalesce(btrim(input ->> 'reason'), ''),
        coalesce(nullif(input -> 'metadata', 'null'), '{}'), input ->> 'external_ref'
    )
    returning * into note;
    insert into billing.credit_note_lines (
        tenant_id, client_id, credit_note_id, position, description, quantity, unit_price, tax_rate, tax_amount
    )
    select core.tenant_id(), client.id, note.id, place, description, quantity, unit_price, tax_rate, tax
    from billing.credit_taxes(core.tenant_id(), null, input -> 'lines');
    update billing.credit_notes set issued_at = statement_timestamp() where tenant_id = core.tenant_id() and id = note.id;
    return note.id;
end
$$;
comment on function billing.credit_note_create(jsonb) is
    'Credits a client for what was charged elsewhere: the lines given, at the tax rates given. All of it is the client''s credit.';

create function billing.credit_note_allocate(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    note billing.credit_notes;
begin
    perform core.demand('billing:write');
    perform billing.client_locked(client_id) from billing.credit_notes
    where tenant_id = core.tenant_id() and id = (input ->> 'id')::uuid;
    select * into note from billing.credit_notes where tenant_id = core.tenant_id() and id = (input ->> 'id')::uuid for update;
    if note.id is null then
        perform core.refuse('NOT_FOUND', 'CREDIT_NOTE_NOT_FOUND', 'There is no credit note with this id.', 'input.id');
    elsif not coalesce((input ->> 'oldest_first')::boolean, false)
        and coalesce(jsonb_array_length(nullif(input -> 'allocations', 'null')), 0) = 0
    then
        perform core.refuse(
            'BAD_USER_INPUT', 'ALLOCATION_MISSING', 'Name the invoices that it pays, or ask for the oldest first.', 'input.allocations'
        );
    end if;
    perform billing.allocate(
        jsonb_build_object('effective_date', core.today()) || jsonb_strip_nulls(input), note.client_id, note.currency,
        note.issue_date, note.unapplied_amount, null, note.id, true
    );
    return note.id;
end
$$;
comment on function billing.credit_note_allocate(jsonb) is
    'Pays invoices out of what is left of a credit note: those that are named, or all that are open, the one due first at first.';

create function billing.invoice_write_off(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice billing.invoices;
begin
    perform core.demand('billing:write');
    invoice := billing.invoice_found((input ->> 'id')::uuid);
    if invoice.issued_at is null or invoice.balance <= 0 then
        perform core.refuse(
            'CONFLICT', 'INVOICE_NOT_OPEN', 'Only an issued invoice of which something is to be paid can be written off.', 'input.id'
        );
    end if;
    update billing.invoices set
        written_off = written_off + balance, written_off_at = statement_timestamp(),
        write_off_reason = coalesce(btrim(input ->> 'reason'), '')
    where tenant_id = core.tenant_id() and id = invoice.id;
    return invoice.id;
end
$$;
comment on function billing.invoice_write_off(jsonb) is
    'Gives up what is still to be paid of an invoice: it is a loss, and the invoice is closed.';

create function billing.invoice_dispute(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice billing.invoices;
begin
    perform core.demand('billing:write');
    invoice := billing.invoice_found((input ->> 'id')::uuid);
    if invoice.status not in ('SENT', 'VIEWED', 'PARTIALLY_PAID', 'PAID') then
        perform core.refuse(
            'CONFLICT', case invoice.status when 'DISPUTED' then 'INVOICE_DISPUTED' else 'INVOICE_NOT_OPEN' end,
            'Only an issued invoice that is neither void, written off nor disputed already can be disputed.', 'input.id'
        );
    end if;
    update billing.invoices set disputed_at = statement_timestamp(), dispute_reason = coalesce(btrim(input ->> 'reason'), '')
    where tenant_id = core.tenant_id() and id = invoice.id;
    return invoice.id;
end
$$;
comment on function billing.invoice_dispute(jsonb) is 'Notes that the client disputes an invoice, and why. It is not overdue meanwhile.';

create function billing.invoice_resolve(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice billing.invoices;
begin
    perform core.demand('billing:write');
    invoice := billing.invoice_found((input ->> 'id')::uuid);
    if invoice.disputed_at is null then
        perform core.refuse('CONFLICT', 'INVOICE_NOT_DISPUTED', 'This invoice is not disputed.', 'input.id');
    end if;
    update billing.invoices set disputed_at = null, dispute_reason = null where tenant_id = core.tenant_id() and id = invoice.id;
    return invoice.id;
end
$$;
comment on function billing.invoice_resolve(jsonb) is 'Ends a dispute: the invoice is what its payments make it.';

grant execute on function
    billing.invoice_credit_note(jsonb), billing.credit_note_create(jsonb), billing.credit_note_allocate(jsonb),
    billing.invoice_write_off(jsonb), billing.invoice_dispute(jsonb), billing.invoice_resolve(jsonb)
    to countinghouse_tenant;
