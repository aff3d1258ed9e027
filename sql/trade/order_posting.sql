-- What an order brings to the books: its delivery, from its hold onto the line, and what comes back.

create function trade.order_post(o trade.orders) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    reason constant text := format('Order %s to %s, invoice %s', o.order_number, o.retailer_name, o.invoice_number);
    legs constant ledger.leg[] := array(
        select leg from unnest(array[
            (trade.sales_account(o), - o.delivered_subtotal),
            (ledger.account('TRADE_TAX', o.currency, 'LIABILITY', 'Tax on trade'), - o.delivered_tax),
            -- Came in otherwise than by the line: whoever enters that money takes it from here.
            (
                ledger.account('TRADE_PREPAID', o.currency, 'ASSET', 'Trade paid beforehand'),
                least(o.prepaid, o.delivered_subtotal + o.delivered_tax)
            )
        ]::ledger.leg[]) as leg
        where leg.amount <> 0
    );
begin
    if o.charged > 0 then
        perform ledger.post_hold_against(o.hold_id, legs, 'ORDER_DELIVER', reason, trade.delivery_day(o));
        return;
    end if;
    perform ledger.void_hold(o.hold_id) where o.hold_id is not null;
    perform ledger.post('ORDER_DELIVER', legs, trade.delivery_day(o), reason, 'ORDER', o.id) where cardinality(legs) > 0;
end
$$;
comment on function trade.order_post(trade.orders) is
    'Posts what was delivered of an order: from its hold onto the line, the net as sales of the vendor, the tax apart. The rest of the hold is given back. It counts from the day of delivery.';

create function trade.order_post_return(before trade.orders, after trade.orders) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    net constant numeric := after.returned_subtotal - before.returned_subtotal;
    taxed constant numeric := after.returned_tax - before.returned_tax;
begin
    perform ledger.post(
        'ORDER_RETURN',
        array(
            select leg from unnest(array[
                (line.account_id, - net - taxed),
                (trade.sales_account(after), net),
                (ledger.account('TRADE_TAX', after.currency, 'LIABILITY', 'Tax on trade'), taxed)
            ]::ledger.leg[]) as leg
            where leg.amount <> 0
        ),
        core.today(), format('Return of order %s by %s', after.order_number, after.retailer_name), 'ORDER', after.id
    )
    from trade.credit_lines as line
    where line.tenant_id = after.tenant_id and line.id = after.credit_line_id and net + taxed > 0;
end
$$;
comment on function trade.order_post_return(trade.orders, trade.orders) is
    'Posts what came back of an order since: off the line, at the price and the tax of its items.';

create function trade.sales_account(o trade.orders) returns uuid
language sql
set search_path = pg_catalog, pg_temp
return ledger.account('TRADE_SALES', o.currency, 'INCOME', left(format('Sales of %s', o.vendor_name), 300), 'VENDOR', o.vendor_id);
comment on function trade.sales_account(trade.orders) is 'The account of what a vendor has sold, without tax.';

create function trade.order_moved() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if trade.order_is_open(new.status) <> trade.order_is_open(old.status) then
        update trade.order_items set updated_at = statement_timestamp()
        where tenant_id = new.tenant_id and current_order_id = new.id;
    end if;
    if new.placed_at > old.placed_at or old.placed_at is null then
        -- One that is entered late may have been placed before another.
        update trade.retailers set last_order_at = new.placed_at
        where tenant_id = new.tenant_id and id = new.retailer_id and new.placed_at > coalesce(last_order_at, '-infinity');
    end if;
    if new.delivered_at is not null and old.delivered_at is null then
        perform trade.order_post(new);
    end if;
    if (new.returned_subtotal, new.returned_tax) is distinct from (old.returned_subtotal, old.returned_tax) then
        perform trade.order_post_return(old, new);
    end if;
    return null;
end
$$;
comment on function trade.order_moved() is
    'Has the stock that an order keeps follow its status, and posts what was delivered and what came back, whoever writes.';

create trigger moved after update on trade.orders for each row execute function trade.order_moved();
