"""Who trades with whom: vendors, retailers, their credit lines with accounts, products, and what vendors ask for them.

Statements with {tenant}, {user} and numbers from which to which are made; all are written beside the triggers.
"""

from typing import Final

RARE: Final = "zebu"
"""What few names hold: one in 2,128."""
COMMON: Final = "flour"
"""What about every seventh name holds. One in a hundred holds `rice`."""
PARTIES: Final = """
    insert into trade.vendors (tenant_id, vendor_code, name, contact, phone, currency, is_approved, credit_limit,
    created_by)
    select {tenant}, 'V-' || lpad(k::text, 5, '0'), 'Vendor ' || lpad(k::text, 5, '0'), 'Sales',
           '+25420' || 1000000 + k,
           'EUR', true, 100000, {user}
    from generate_series({vendors_before} + 1, {vendors}) as k;
    insert into trade.retailers (tenant_id, retailer_code, name, phone, currency, created_by)
    select {tenant}, 'R-' || lpad(k::text, 6, '0'), 'Retailer ' || lpad(k::text, 6, '0'), '+2547' || 10000000 + k,
           'EUR',
           {user}
    from generate_series({retailers_before} + 1, {retailers}) as k;
    insert into trade.products (tenant_id, product_code, name, hsn_code, category, tax_rate, created_by)
    select {tenant}, 'P-' || lpad(k::text, 6, '0'),
           concat_ws(
               ' ', (array['Amani', 'Baraka', 'Kijani', 'Neema', 'Safi', 'Tunu', 'Uzima', 'Zawadi'])[k % 8 + 1],
               case when k % 2128 = 5 then 'Zebu' end,
               case
                   when k % 100 = 1 then 'Basmati Rice'
                   when k % 7 = 0 then 'Wheat Flour'
                   else (array[
                       'Cooking Oil', 'White Sugar', 'Green Tea', 'Ground Coffee', 'Laundry Soap', 'Red Lentils', 'Sea
                       Salt', 'Whole Milk Powder', 'Tomato Paste', 'Matches', 'Candles', 'Yellow Beans', 'Black Pepper'
                   ])[k / 8 % 13 + 1]
               end,
               (array['250 g', '500 g', '1 kg', '2 kg', '5 kg', '10 kg'])[k / 3 % 6 + 1], lpad(k::text, 6, '0')
           ),
           lpad((1000 + k % 9000)::text, 4, '0'), (array['Dry goods', 'Household', 'Drinks'])[k % 3 + 1],
           (array[0, 5, 12, 18])[k % 4 + 1], {user}
    from generate_series({products_before} + 1, {products}) as k;
    analyze trade.vendors, trade.retailers, trade.products;
"""
NUMBERED: Final = """
    create temporary table vendors_numbered as
    select row_number() over (order by vendor_code) as k, id, name from trade.vendors where tenant_id = {tenant};
    create temporary table retailers_numbered as
    select row_number() over (order by retailer_code) as k, id, name, phone
    from trade.retailers where tenant_id = {tenant};
    create temporary table products_numbered as
    select row_number() over (order by product_code) as k, id, name, tax_rate
    from trade.products where tenant_id = {tenant};
    create unique index on products_numbered (k);
    create unique index on vendors_numbered (k);
    analyze vendors_numbered, retailers_numbered, products_numbered;
"""
# A new vendor asks a price for its products, and a new retailer has lines with some vendors. Limits are set at the end.
LINES: Final = """
    insert into trade.vendor_products (
        tenant_id, vendor_id, product_id, sku, vendor_price, currency, low_stock_level, vendor_is_approved, created_by
    )
    select {tenant}, vendor.id, product.id, 'SKU-' || lpad(j::text, 5, '0'),
           round(((vendor.k * 7919 + j * 104729) % 4900 + 100) / 100.0, 2), 'EUR', 20, true, {user}
    from vendors_numbered as vendor
    cross join generate_series(0, {offers} - 1) as j
    join products_numbered as product on product.k = (vendor.k * 31 + j) % {products} + 1
    where vendor.k > {vendors_before}
    order by vendor.k, j;
    create temporary table lines_made as
    select core.new_id() as id, core.new_id() as account_id, retailer.id as retailer_id, vendor.id as vendor_id,
           retailer.name || ' with ' || vendor.name as name, row_number() over () as n
    from retailers_numbered as retailer
    cross join generate_series(0, {lines} - 1) as j
    join vendors_numbered as vendor on vendor.k = (retailer.k * {lines} + j) % {vendors} + 1
    where retailer.k > {retailers_before}
    order by retailer.k, j;
    insert into ledger.accounts (tenant_id, id, code, name, kind, currency, owner_noun, owner_id, scope_ids, created_by)
    select {tenant}, account_id, 'CREDIT_LINE:' || id, name, 'ASSET', 'EUR', 'CREDIT_LINE', id,
           array[retailer_id, vendor_id], {user}::uuid
    from lines_made
    union all
    select {tenant}, core.new_id(), 'TRADE_SALES:' || id, 'Sales of ' || name, 'INCOME', 'EUR', 'VENDOR', id, array[id],
           {user}
    from vendors_numbered where k > {vendors_before}
    union all
    select {tenant}, core.new_id(), code, name, kind, 'EUR', null, null, '{{}}', {user}
    from (
        values ('TRADE_TAX', 'Tax on trade', 'LIABILITY'), ('CASH', 'Cash', 'ASSET')
    ) as plain (code, name, kind)
    on conflict do nothing;
    insert into trade.credit_lines (tenant_id, id, retailer_id, vendor_id, account_id, currency, terms_days, created_by)
    select {tenant}, id, retailer_id, vendor_id, account_id, 'EUR', 30, {user} from lines_made order by n;
    drop table lines_made;
    -- Judged anew at the end.
    update ledger.accounts set ceiling = null where tenant_id = {tenant} and owner_noun = 'CREDIT_LINE';
    analyze ledger.accounts, trade.credit_lines, trade.vendor_products;
    create temporary table lines_numbered as
    select row_number() over (order by line.created_at, line.id) - 1 as k, line.id, line.account_id, line.retailer_id,
           line.vendor_id, retailer.name as retailer_name, vendor.name as vendor_name, sales.id as sales_id
    from trade.credit_lines as line
    join retailers_numbered as retailer on retailer.id = line.retailer_id
    join vendors_numbered as vendor on vendor.id = line.vendor_id
    join ledger.accounts as sales
        on sales.tenant_id = line.tenant_id and sales.code = 'TRADE_SALES:' || line.vendor_id and sales.currency = 'EUR'
    where line.tenant_id = {tenant};
    create unique index on lines_numbered (k);
    create temporary table offers_numbered as
    select row_number() over (partition by vendor_id order by sku) - 1 as j, offer.id, vendor_id, sku, vendor_price,
           product.name, product.tax_rate
    from trade.vendor_products as offer
    join products_numbered as product on product.id = offer.product_id
    where offer.tenant_id = {tenant};
    create unique index on offers_numbered (vendor_id, j);
    analyze lines_numbered, offers_numbered;
"""
# What triggers would have added up; stock is whatever is kept for orders, and more or less.
FIGURES: Final = """
    update ledger.accounts set
        ceiling = ceil((balance::numeric + held) / 1000) * 2000 + 100000, held_up = held
    from (
        select account.id, coalesce(sum(hold.amount), 0) as held
        from ledger.accounts as account
        left join ledger.holds as hold
            on hold.tenant_id = account.tenant_id and hold.account_id = account.id and hold.state = 'PENDING'
        where account.tenant_id = {tenant} and account.owner_noun = 'CREDIT_LINE'
        group by account.id
    ) as counted
    where tenant_id = {tenant} and accounts.id = counted.id;
    update trade.credit_lines as line set credit_limit = account.ceiling, debt = account.balance, held = account.held_up
    from ledger.accounts as account
    where line.tenant_id = {tenant} and account.tenant_id = line.tenant_id and account.id = line.account_id;
    update trade.retailers as retailer set
        outstanding_debt = owed.debt, available_credit = owed.available, last_order_at = placed.last_order_at
    from (
        select retailer_id, sum(debt::numeric) as debt, sum(available::numeric) as available
        from trade.credit_lines where tenant_id = {tenant} group by retailer_id
    ) as owed
    left join (
        select retailer_id, max(placed_at) as last_order_at from trade.orders where tenant_id = {tenant}
               group by retailer_id
    ) as placed using (retailer_id)
    where retailer.tenant_id = {tenant} and retailer.id = owed.retailer_id;
    update trade.vendors as vendor set total_sales = account.balance
    from ledger.accounts as account
    where vendor.tenant_id = {tenant} and account.tenant_id = vendor.tenant_id
      and account.code = 'TRADE_SALES:' || vendor.id and account.currency = vendor.currency;
    update trade.vendor_products as offer set
        reserved = kept.reserved,
        stock = kept.reserved + case when kept.n % 25 = 0 then kept.n / 25 % 21 else 1000000 + kept.n % 1000 end
    from (
        select own.id, row_number() over (order by own.sku, own.id) as n, coalesce(sum(item.reserved), 0) as reserved
        from trade.vendor_products as own
        left join trade.order_items as item
            on item.tenant_id = own.tenant_id and item.vendor_product_id = own.id and item.reserved > 0
        where own.tenant_id = {tenant}
        group by own.tenant_id, own.id
    ) as kept
    where offer.tenant_id = {tenant} and offer.id = kept.id;
    insert into trade.order_numbers (tenant_id, series, last_number)
    select {tenant}, series, last_number
    from (values ('ORD', {orders}), ('TI', {invoices}), ('RP', {payments})) as given (series, last_number)
    where last_number > 0
    on conflict (tenant_id, series) do update set last_number = excluded.last_number;
    drop table vendors_numbered, retailers_numbered, products_numbered, lines_numbered, offers_numbered;
"""
