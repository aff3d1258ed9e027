-- What can be done with an invoice. Each function locks the client, then the invoice.

create function billing.invoice_found(wanted uuid) returns billing.invoices
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice billing.invoices;
begin
    perform billing.client_locked(client_id) from billing.invoices where tenant_id = core.tenant_id() and id = wanted;
    select * into invoice from billing.invoices where tenant_id = core.tenant_id() and id = wanted for update;
    if invoice.id is null then
        perform core.refuse('NOT_FOUND', 'INVOICE_NOT_FOUND', 'There is no invoice with this id.', 'input.id');
    end if;
    return invoice;
end
$$;
comment on function billing.invoice_found(uuid) is 'The invoice of that id, locked after its client; refuses where there is none.';

create function billing.invoice_draft_found(wanted uuid) returns billing.invoices
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice billing.invoices := billing.invoice_found(wanted);
begin
    if invoice.voided_at is not null then
        perform core.refuse('CONFLICT', 'INVOICE_VOID', 'This invoice is void and cannot change any more.', 'input.id');
    elsif invoice.issued_at is not null then
        perform core.refuse(
            'CONFLICT', 'INVOICE_ISSUED',
            format('Invoice %s is issued and cannot change any more. Void it and make a new one.', invoice.number), 'input.id'
        );
    end if;
    return invoice;
end
$$;
comment on function billing.invoice_draft_found(uuid) is 'The draft of that id, locked; refuses where there is none.';

create function billing.due_date(issue_date date, payment_terms text) returns date
language sql immutable parallel safe
return issue_date + case payment_terms
    when 'DUE_ON_RECEIPT' then 0 when 'NET_15' then 15 when 'NET_60' then 60 when 'NET_90' then 90 else 30
end;
comment on function billing.due_date(date, text) is 'The day on which an invoice of that day is due by these terms.';

create function billing.invoice_insert(input jsonb) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    given billing.invoices := jsonb_populate_record(null::billing.invoices, input - 'id');
    client billing.clients;
    made billing.invoices;
begin
    select * into client from billing.clients
    where tenant_id = core.tenant_id() and deleted_at is null
      and case when given.client_id is null then external_ref = input ->> 'client_external_ref' else id = given.client_id end
    for no key update;
    if client.id is null and given.client_id is null then
        perform core.refuse(
            'NOT_FOUND', 'CLIENT_NOT_FOUND', 'There is no client with this external reference.', 'input.clientExternalRef'
        );
    elsif client.id is null then
        perform core.refuse('NOT_FOUND', 'CLIENT_NOT_FOUND', 'There is no client with this id.', 'input.clientId');
    elsif client.status = 'ARCHIVED' then
        perform core.refuse(
            'CONFLICT', 'CLIENT_ARCHIVED',
            format('%s is archived. Restore the client before you invoice it.', client.name), 'input.clientId'
        );
    end if;
    insert into billing.invoices (
        tenant_id, client_id, series, issue_date, due_date, currency, tax_rate, notes, terms, payment_method_id, payment_link,
        template, branding, metadata, external_ref
    ) values (
        core.tenant_id(), client.id, coalesce(given.series, 'INV'), coalesce(given.issue_date, core.today()),
        coalesce(given.due_date, billing.due_date(coalesce(given.issue_date, core.today()), client.payment_terms)),
        coalesce(given.currency, client.currency), coalesce(given.tax_rate, 0), given.notes, given.terms,
        billing.payment_method_named(input ->> 'payment_method', 'input.paymentMethod'), given.payment_link,
        coalesce(given.template, 'modern'), coalesce(given.branding, '{}'),
        coalesce(given.metadata, '{}'), given.external_ref
    )
    returning * into made;
    perform billing.invoice_lines_insert(made, input -> 'lines');
    if given.discount > 0 or given.discount < 0 then
        update billing.invoices set discount = given.discount where tenant_id = core.tenant_id() and id = made.id;
    end if;
    return made.id;
end
$$;
comment on function billing.invoice_insert(jsonb) is 'Enters a draft with its lines, for a client named by id or external reference.';

create function billing.invoice_create(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('billing:write');
    return billing.invoice_insert(input);
end
$$;
comment on function billing.invoice_create(jsonb) is 'Makes a draft invoice. It can be changed until it is issued.';

create function billing.invoice_update(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    before billing.invoices;
    after billing.invoices;
begin
    perform core.demand('billing:write');
    before := billing.invoice_draft_found((input ->> 'id')::uuid);
    after := jsonb_populate_record(before, input - 'client_id');
    if not input ? 'due_date' then
        -- A moved issue date moves the due date with it.
        after.due_date := after.issue_date + (before.due_date - before.issue_date);
    end if;
    if input ? 'lines' then
        -- Without the discount meanwhile: it may not exceed the subtotal, which is nothing for a moment.
        update billing.invoices set discount = 0, tax_rate = after.tax_rate where tenant_id = core.tenant_id() and id = before.id;
        delete from billing.invoice_lines where tenant_id = core.tenant_id() and invoice_id = before.id;
        perform billing.invoice_lines_insert(after, input -> 'lines');
    end if;
    if input ? 'payment_method' then
        after.payment_method_id := billing.payment_method_named(input ->> 'payment_method', 'input.paymentMethod');
    end if;
    update billing.invoices set
        payment_method_id = after.payment_method_id, series = after.series, issue_date = after.issue_date, due_date = after.due_date, currency = after.currency,
        tax_rate = after.tax_rate, discount = after.discount, notes = after.notes, terms = after.terms,
        payment_link = after.payment_link, template = after.template, branding = after.branding,
        metadata = after.metadata, external_ref = after.external_ref
    where tenant_id = core.tenant_id() and id = before.id;
    return before.id;
end
$$;
comment on function billing.invoice_update(jsonb) is
    'Changes a draft. What is left out stays as it is; lines, when given, replace all lines. An issued invoice is refused.';

create function billing.invoice_publish(invoice billing.invoices, on_date date, until date) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    client billing.clients;
begin
    client := billing.client_locked(invoice.client_id);
    if client.status = 'ARCHIVED' or client.deleted_at is not null then
        perform core.refuse(
            'CONFLICT', 'CLIENT_ARCHIVED',
            format('%s is archived. Restore the client before you invoice it.', client.name), 'input.id'
        );
    end if;
    update billing.invoices set
        issue_date = on_date,
        due_date = until,
        issued_at = statement_timestamp(),
        bill_from = (
            select jsonb_strip_nulls(to_jsonb(profile))
            from (
                select name, email, phone, address, city, state, zip_code as "zipCode", country, tax_id as "taxId", logo
                from iam.tenants where id = core.tenant_id()
            ) as profile
        ),
        bill_to = jsonb_strip_nulls(jsonb_build_object(
            'name', client.name, 'email', client.email, 'phone', client.phone, 'address', client.address,
            'city', client.city, 'state', client.state, 'zipCode', client.zip_code, 'country', client.country,
            'taxId', client.tax_id
        ))
    where tenant_id = core.tenant_id() and id = invoice.id;
end
$$;
comment on function billing.invoice_publish(billing.invoices, date, date) is
    'Issues a draft: its dates, and its snapshots of who it is from and to. The trigger gives the number.';

create function billing.invoice_issue(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice billing.invoices;
    on_date date;
begin
    perform core.demand('billing:write');
    invoice := billing.invoice_draft_found((input ->> 'id')::uuid);
    on_date := coalesce((input ->> 'issue_date')::date, invoice.issue_date);
    perform billing.invoice_publish(
        invoice,
        on_date,
        -- A moved issue date moves the due date with it, unless that is given too.
        coalesce((input ->> 'due_date')::date, on_date + (invoice.due_date - invoice.issue_date))
    );
    return invoice.id;
end
$$;
comment on function billing.invoice_issue(jsonb) is
    'Issues a draft: it gets the next number of its series and says whom it is from and to, and never changes again.';

create function billing.invoice_mark_viewed(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice billing.invoices;
begin
    perform core.demand('billing:write');
    invoice := billing.invoice_found((input ->> 'id')::uuid);
    if invoice.issued_at is null or invoice.voided_at is not null then
        perform core.refuse(
            'CONFLICT', 'INVOICE_NOT_OPEN', 'Only an issued invoice that is not void can be seen by the client.', 'input.id'
        );
    end if;
    if invoice.viewed_at is null then
        update billing.invoices set viewed_at = statement_timestamp() where tenant_id = core.tenant_id() and id = invoice.id;
    end if;
    return invoice.id;
end
$$;
comment on function billing.invoice_mark_viewed(jsonb) is 'Notes that the client has seen the invoice. Once noted, it changes nothing more.';

create function billing.invoice_void(input jsonb) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    invoice billing.invoices;
begin
    perform core.demand('billing:write');
    invoice := billing.invoice_found((input ->> 'id')::uuid);
    if invoice.voided_at is not null then
        perform core.refuse('CONFLICT', 'INVOICE_VOID', 'This invoice is void already.', 'input.id');
    end if;
    update billing.invoices set voided_at = statement_timestamp(), void_reason = coalesce(btrim(input ->> 'reason'), '')
    where tenant_id = core.tenant_id() and id = invoice.id;
    return invoice.id;
end
$$;
comment on function billing.invoice_void(jsonb) is
    'Voids an invoice: it keeps its number and nothing is to be paid. A draft is discarded so, without ever having a number.';

create function billing.invoices_import(input jsonb) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.demand('billing:write');
    return billing.import_rows('INVOICE', input);
end
$$;
comment on function billing.invoices_import(jsonb) is
    'Enters many invoices at once, at most 1000, and issues those that say so. A row whose external reference is there '
    'already is left as it is. Each row answers for itself, unless allOrNothing is set: then the first refused row refuses all.';

create function billing.invoice_import(input jsonb) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    made billing.invoices;
begin
    made := billing.invoice_found(billing.invoice_insert(input));
    if (input ->> 'issue')::boolean then
        perform billing.invoice_publish(made, made.issue_date, made.due_date);
    end if;
    return made.id;
end
$$;
comment on function billing.invoice_import(jsonb) is 'Enters one invoice of an import, and issues it if it says so.';

grant execute on function
    billing.invoice_create(jsonb), billing.invoice_update(jsonb), billing.invoice_issue(jsonb),
    billing.invoice_mark_viewed(jsonb), billing.invoice_void(jsonb), billing.invoices_import(jsonb)
    to countinghouse_tenant;
