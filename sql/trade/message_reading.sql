-- Reading a message: an order in words of a simple grammar (docs/messages.md) becomes a draft for a person to confirm.

create type trade.message_order as (vendor_code text, items jsonb, problem text);
comment on type trade.message_order is
    'What a message asks for: of which vendor, how much of what, by the vendor''s numbers; or why it was not understood.';

create function trade.message_parsed(body text) returns trade.message_order
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    lines constant text[] := array(
        select btrim(line) from regexp_split_to_table(coalesce(body, ''), E'[\n;,]+') as line where btrim(line) <> ''
    );
    head constant text[] := regexp_match(lines[1], '^order\s+(?:from\s+)?([a-z0-9][a-z0-9._-]{0,49}):?$', 'i');
    said text[];
    found_order trade.message_order;
begin
    if coalesce(lines[1], '') !~* '^order\y' then
        return null;
    elsif head is null then
        found_order.problem := 'The first line is "order" and the code of the vendor, such as: order V-017';
        return found_order;
    elsif cardinality(lines) < 2 then
        found_order.problem := 'After the first line comes what is wanted, a line each, such as: 10 RICE-5KG';
        return found_order;
    elsif cardinality(lines) > 101 then
        found_order.problem := 'A message orders 100 things at most.';
        return found_order;
    end if;
    found_order.vendor_code := head[1];
    found_order.items := '[]';
    for place in 2 .. cardinality(lines) loop
        said := regexp_match(lines[place], '^([0-9]{1,9})\s*(?:x\s*|\s)([a-z0-9][a-z0-9._/-]{0,49})$', 'i');
        if said is null then
            found_order.problem := format('Line %s is no quantity and number, such as: 10 RICE-5KG', place);
            return found_order;
        end if;
        found_order.items := found_order.items || jsonb_build_object('quantity', said[1]::integer, 'sku', said[2]);
    end loop;
    return found_order;
end
$$;
comment on function trade.message_parsed(text) is
    'What a message orders, by the grammar of docs/messages.md; NULL where it does not begin with the word order.';

create function trade.message_ordered(message trade.messages, wanted trade.message_order, out made uuid, out problem text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    vendor uuid;
    items jsonb;
    missing text;
begin
    if message.retailer_id is null then
        problem := format('No retailer, or more than one, has the number %s.', message.from_number);
        return;
    end if;
    select id into vendor from trade.vendors
    where tenant_id = core.tenant_id() and lower(vendor_code) = lower(wanted.vendor_code) and is_approved and deleted_at is null;
    if vendor is null then
        problem := format('There is no vendor %s to order from.', wanted.vendor_code);
        return;
    end if;
    select jsonb_agg(jsonb_build_object('vendor_product_id', offer.id, 'quantity', asked.quantity) order by asked.place),
           string_agg(asked.sku, ', ' order by asked.place) filter (where offer.id is null)
    into items, missing
    from (
        select item ->> 'sku' as sku, (item ->> 'quantity')::integer as quantity, place
        from jsonb_array_elements(wanted.items) with ordinality as each (item, place)
    ) as asked
    left join trade.vendor_products as offer
        on offer.tenant_id = core.tenant_id() and offer.vendor_id = vendor and lower(offer.sku) = lower(asked.sku);
    if missing is not null then
        problem := format('%s has no %s.', wanted.vendor_code, missing);
        return;
    end if;
    begin
        made := trade.order_draft(message.retailer_id, vendor, items, jsonb_build_object('message', message.message_id));
    exception when sqlstate 'CH400' or sqlstate 'CH404' or sqlstate 'CH409' or check_violation or unique_violation then
        get stacked diagnostics problem = message_text;
    end;
end
$$;
comment on function trade.message_ordered(trade.messages, trade.message_order) is
    'Makes the draft that a message asks for, or says why there is none. Nothing is held or reserved by it.';

create function trade.messages_due() returns table (tenant_id uuid, id uuid)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select tenant_id, id from trade.messages where not is_processed and direction = 'INBOUND' order by created_at limit 1000
$$;
comment on function trade.messages_due() is 'The messages that nobody has read. For the worker.';
grant execute on function trade.messages_due() to countinghouse_worker;

create function trade.message_read(wanted uuid) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    message trade.messages;
    asked trade.message_order;
    made uuid;
    problem text;
begin
    perform core.demand('core:work');
    select * into message from trade.messages
    where tenant_id = core.tenant_id() and id = wanted and not is_processed and direction = 'INBOUND'
    for update skip locked;
    if message.id is null then
        return false;
    end if;
    asked := trade.message_parsed(message.body);
    if asked.vendor_code is not null and asked.problem is null then
        select * into made, problem from trade.message_ordered(message, asked);
    end if;
    update trade.messages set
        is_processed = true, processed_at = statement_timestamp(), order_id = made,
        outcome = case
            when made is not null then 'ORDER' when coalesce(asked.problem, problem) is not null then 'NOT_UNDERSTOOD' else 'NO_REQUEST'
        end,
        outcome_text = left(coalesce(asked.problem, problem), 2000)
    where tenant_id = core.tenant_id() and id = message.id;
    return false;
end
$$;
comment on function trade.message_read(uuid) is
    'Reads a message once, and makes the order that it asks for as a draft. For the worker; a second time it finds nothing to do.';
grant execute on function trade.message_read(uuid) to countinghouse_tenant;
